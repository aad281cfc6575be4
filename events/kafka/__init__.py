"""The event log on Apache Kafka, through kafka-python: publishing, topics, lag, reading.

Consuming with a group is not here but in `stream.sources.faust`. Begin with `settings` and
`publisher`.
"""
