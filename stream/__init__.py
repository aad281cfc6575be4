"""From scans to findings: the pure step, and the engines around it."""
