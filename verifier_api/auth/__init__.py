"""Who sent a request and what their role entitles them to.

`principals` is pure, `tokens` looks bearer tokens up in the ledger, `access` turns both
into FastAPI dependencies for `routes`. Begin with `principals`.
"""
