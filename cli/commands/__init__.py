"""One module a command, named as it is typed, with a function `register(app)`.

A command imports no other command. What is slow to import is imported where it is used:
`touchstone --help` loads every module of this folder.
"""
