"""The demonstration: real keys and batches, and live traffic with attacks that are known."""
