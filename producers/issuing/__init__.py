"""Issuing: mint serials, sign codes, write the manifest, declare the batch.

Begin with `run`, the steps of an issuing run in their order.

- `order`: what is asked for, checked before the first serial is minted
- `serial_source`: minted, or read from a file
- `issued_serials`: which serials were issued, so that none is issued twice
- `signing`: codes signed on all cores
- `run_folder`: the files of a run, and how it survives a kill
- `manifest`: the codes as CSV and Parquet, and their header
- `declarations`, `registration`: what is said of a batch, and telling the pipeline
"""
