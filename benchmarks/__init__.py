"""Speed, measured as ratios against a peer or the bare limit in the same run."""
