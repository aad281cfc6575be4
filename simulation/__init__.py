"""Traffic with ground truth: a world, honest behaviour, attacks and noise, all from a seed."""
