"""What is known: histories, alerts and their feed, batches, trust lists, cases and tokens, in SQL.

`stream`, `verifier_api`, `demo`, `cli` and `benchmarks` may import it; it imports `authenticity`
alone.
Begin with `protocols` (what an engine and the service ask of it) and `schema` (the tables).
`opening` migrates a ledger and opens it; `administration` is the operator's side; `sqlite` and
`postgres` hold the statements of the fold, `queries` those of the service.
"""
