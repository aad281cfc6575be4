"""The ledger in a file: connections, and the store of the embedded engine."""
