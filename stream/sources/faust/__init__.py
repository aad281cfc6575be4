"""Kafka as a source, through Faust: begin with `app`, which `touchstone worker` runs.

`intake` hands fetched records to the streams, `stall` notices a worker that stands still, and
`compat` is the only module that touches private parts of Faust and aiokafka. Nothing outside
this package imports Faust.
"""
