"""The ledger in a file of SQLite: connections, and the store of the embedded engine.

Only the other packages of `ledger` import it; everyone else opens a ledger with `ledger.opening`.
Begin with `store.SqliteStore`, the `LedgerStore` of one engine on a file.
"""
