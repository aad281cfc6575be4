"""The event log: topics, and how a record enters them.

`stream`, `producers`, `verifier_api`, `cli`, `demo` and `benchmarks` may import it; it imports
`authenticity` alone. Begin with `topics` (names, keys, values, retention) and `publisher` (the
protocol of both logs). `embedded` is the log in one SQLite file, `kafka` the one on Apache Kafka.
"""
