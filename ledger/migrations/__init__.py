"""The steps of the schema, one file each in `versions`, run by Alembic.

Nothing imports it: `ledger.opening.migrate` names it to Alembic. Begin there; a new step is one
more file, and `ledger.schema` follows it.
"""
