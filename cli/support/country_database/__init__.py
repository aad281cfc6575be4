"""The database of countries that needs no account, fetched from a package.

`package.json` and `package-lock.json` say which one, with its digest and without the address
of a registry; `node.lock` is the npm of machines that have none.
"""
