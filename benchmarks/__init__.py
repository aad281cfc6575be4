"""Measurements of speed, fault tolerance and detection, run by `touchstone bench`.

`speed` compares throughput with a baseline in the same run, `faults` kills processes on purpose
and counts lost scans, `detection` compares detectors on simulated worlds. The package is not in
the wheel and nothing but the command line imports it. Begin reading at `registry`.
"""
