"""What is remembered of one item: a bounded summary of its scans that merges in any order.

May import `gs1`, `trust` and `records`. Begin with `observation.observe` (a scan and its
verdict to an `Observation`) and `history.merge` (two histories to one).
"""
