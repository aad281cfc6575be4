"""GS1 syntax: a printed text read as application identifiers, in one canonical form.

Imports nothing of the other packages of the core; all of them may import it. Begin with
`code.read_code` (Digital Link, element string or bracketed text to a `Code`) and `item` (the
ids of items, batches and scanners); `ai_table` lists the application identifiers that are known.
"""
