"""The pure core: what a printed code means, who signed it, and what its scans give reason to say.

Nothing here opens a file or a socket, asks a clock or draws a random number; times are passed
in. Every other package may import it, and it imports none of them. Its packages, each of which
may import those before it: `gs1`, `trust`, `records`, `history`, `detection`. Begin with
`trust.verify.verify` (one code) and `detection.assess.assess_item_update` (one item).
"""
