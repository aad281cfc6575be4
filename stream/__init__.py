"""From records to the ledger: the pure step, the engine around it, and where records come from.

`cli`, `demo` and `benchmarks` may import it; it imports `authenticity`, `events` and `ledger`.
Begin with `step` (pure), then `engine` (what becomes of records) and `fold` (how it is written),
then `sources` (the embedded log, and Kafka through Faust). `outbox` relays the feed to the topic
`alerts`; `replay`, `backtest` and `export` print what an engine must come to.
"""
