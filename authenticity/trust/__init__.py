"""Who signed a code, and whether they might: signatures, keys, trust lists, verdicts.

Part of the pure core; it builds on `authenticity.gs1` alone, and every other package of the
core may import it. Begin with `verify`, which numbers the steps from a text to a verdict.

- `verify`: `verify`, in halves `check_signature` (costly, may be remembered; its steps are
  in `signature_check`) and `check_validity` (cheap, asks the time)
- `verdict`: `Genuine`, `Doubtful` and their reasons
- `signature_field`: the 66 bytes of AI (8030), what is signed, the names of algorithms
- `keys`: public keys, and the one meaning of "verifies"
- `issuers`: `TrustList`, `Issuer`, `IssuerKey`: coherent by construction, whoever made them
- `trust_list`: a trust list as a signed document, read and written
- `jws`: the envelope of that document, and the pinned `Roots`
"""
