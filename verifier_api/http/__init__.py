"""HTTP itself, whatever the resource: bodies, parameters, problem details, OpenAPI, limits.

`routes` and `app` use it; `problems` alone is used by every package of the service, for a
`Problem` ends a request. Begin with `middleware` (what every request passes).
"""
