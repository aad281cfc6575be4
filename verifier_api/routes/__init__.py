"""The resources, one file each: handlers, their request and response structs, the row in
the OpenAPI document, and the roles that may ask.

Only `app` imports them; each offers `router`, and `STRUCTS` for the document. Begin with
`items`, the simplest with a role; `verify` and `scans` are what most requests ask.
"""
