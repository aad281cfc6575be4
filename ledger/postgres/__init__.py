"""The ledger in PostgreSQL: connections, the workers' store, roles, and who leads."""
