"""Where an engine's records come from: each source reads a log and drives one engine.

`embedded` is a loop over the log in a file, `faust` a worker on Kafka. Only a source knows how
its positions are kept; it acknowledges a record once the engine has taken it.
"""
