"""The event log on Apache Kafka, through kafka-python: publishing, topics, lag, reading.

`stream`, `cli`, `demo` and `benchmarks` may import it; nothing else here uses kafka-python.
Begin with `settings.KafkaSettings` and `publisher.KafkaPublisher`; `topic_admin` creates and
compares topics. Consuming with a group is in `stream.sources.faust`.
"""
