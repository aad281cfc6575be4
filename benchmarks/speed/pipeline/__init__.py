"""The parts of `touchstone bench stream --engine kafka`.

`bench_servers` starts Kafka and PostgreSQL, `programs` the workers under measurement,
`rounds` takes one round of the comparison; only `benchmarks.speed.stream_kafka` imports them.
`load`, `prefill` and `progress` are pure enough for unit tests.
"""
