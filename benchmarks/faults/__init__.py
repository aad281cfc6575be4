"""Under fire: faults on purpose, on real Kafka and PostgreSQL, and what came out of it."""
