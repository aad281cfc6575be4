"""From scans to findings: the pure step, the engines around it, replay and backtest.

May import the core, `events` and `ledger`. Begin with `step.step`; `replay.Replay` is the
reference that the engines must equal byte for byte.
"""
