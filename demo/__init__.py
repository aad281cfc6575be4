"""The live demonstration, and the Kafka and PostgreSQL that it starts on this machine.

Not part of the wheel. The command `demo`, the benchmarks and the tests may import it. Begin
with `run`; `local_kafka` and `local_postgres` start real servers for anyone who needs them.
"""
