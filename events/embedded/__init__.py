"""The event log in one SQLite file, for the embedded engine.

`stream`, `cli`, `demo` and `benchmarks` may import it. Begin with `log.EmbeddedLog`, which appends
and reads; `publisher.EmbeddedPublisher` appends what many callers publish in one commit.
"""
