"""Runs every detector over simulated worlds and reports recall, false alerts and cost.

`run_worlds` runs the seeds, `code_assessment` puts one code before all detectors, `counts` adds up,
`scoring` turns counts into figures, and `report` holds them; `tables`, `html_report` and
`export` write them out. Begin reading at `assemble_report.measure`.
"""
