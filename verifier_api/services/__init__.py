"""What routes share and HTTP does not matter to: checking a code, recording a scan, and
watching the trust list and the alert feed.

`state` builds them, `routes` use them through it. Begin with `checking` (from a code to
an answer) and `answers` (what the answer says to whom).
"""
