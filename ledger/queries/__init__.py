"""What the service reads and writes, with the same statements on either database.

Only the other packages of `ledger` import it. Begin with `reader.SqlReader`, the `LedgerReader`
that `ledger.opening.open_reader` gives; `alerts`, `histories` and `signal_rows` are its tables.
"""
