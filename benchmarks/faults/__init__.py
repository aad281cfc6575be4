"""Faults on purpose, on a real Kafka and PostgreSQL, and what they did to the results.

Each scenario (`worker_faults`, `server_faults`) runs a `site.Site`, harms it, and compares the
export with the pure replay of the same scans. `touchstone bench fire` and the integration tests
run them. Begin reading at `suite`.
"""
