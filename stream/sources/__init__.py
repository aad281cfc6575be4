"""Where an engine's records come from: each source reads a log and drives one engine.

`embedded` is a loop over the log in a file, `faust` a worker on Kafka. Only a source knows how
its positions are kept; it acknowledges a record once the engine has taken it. `cli`, `demo` and
`benchmarks` may import it; the rest of `stream` may not.
"""
