"""How well are clones caught? Every detector on the same simulated scans, against the truth."""
