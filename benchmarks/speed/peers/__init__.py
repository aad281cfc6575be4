"""The baselines of the Kafka engine, each a program of its own in its own process.

`plain_faust` is a newcomer's Faust application, `quix_worker` does our work on Quix Streams in
the environment that `quix_environment` makes. They are started, not imported.
"""
