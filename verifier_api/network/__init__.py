"""Network evidence: what the service derives from a caller's address, without keeping it.

`routes`, `services`, `state` and `cli` use it. Begin with `derivation` (what an address says)
and `locator` (the same as `NetworkEvidence`, remembered). `geo_watch` keeps the files fresh,
`keyed_hashes` holds everything that is hashed under the installation's secret.
"""
