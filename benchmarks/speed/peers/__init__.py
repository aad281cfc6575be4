"""What the engine on Kafka is measured against, each a program of its own."""
