"""The `touchstone` command. Nothing imports it.

Begin with `app` (all commands) and one file of `commands`: each is named as it is typed.
`main` is the entry point, `support` holds what several commands need.
"""
