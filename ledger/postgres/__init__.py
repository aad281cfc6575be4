"""The ledger in PostgreSQL: connections, the workers' store, roles, and which worker leads.

Outside `ledger`, `stream` and `cli` use `leadership.Leadership` and `grants`; a store is opened
with `ledger.opening`. Begin with `store.PostgresStore`, then `server` (connections and errors).
"""
