"""Simulated scans with ground truth: a world, honest behaviour, attacks and noise from one seed.

Used by `touchstone simulate`, the demo, the benchmarks and tests; it is not in the wheel, and the
product itself never imports it. Begin reading at `traffic.Traffic.of_pack`, which makes all
scans of one pack; `files.simulate` writes a whole world, `score` compares alerts with the truth.
`traffic.Scenario` holds every assumption, `presets` names worlds and `priors` draws them.
The names of attack families, behaviours and noise are data in the files: readers of truth
files compare them, so a change is named in the CHANGELOG.
"""
