"""What is written down: scans, batch headers, serials and the filters of a batch's serials.

May import `gs1` and `trust`. Begin with `scan.decode_scan`, `batch.decode_batch` and
`batch_registry.BatchRegistry.find`, which says which batch a printed pack belongs to.
"""
