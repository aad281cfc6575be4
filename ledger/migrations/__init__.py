"""The steps of the schema, run by Alembic; begin with `ledger.opening.migrate`."""
