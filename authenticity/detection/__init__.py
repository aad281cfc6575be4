"""What an item's history gives reason to say: findings, alerts, signals and a standing.

May import every other package of the core. Begin with `assess.assess_item_update`, the one path
from a history to alerts and signals; `evidence`, `rules` and `signals` are its steps.
`findings.FINDINGS`, `reasons.REASONS` and `features.FEATURES` are the tables to add a row to,
`policy.Policy` holds every threshold. `item_summary` and `caller_assessment` answer for people.
"""
