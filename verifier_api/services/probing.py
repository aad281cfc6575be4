"""What it costs to ask about serials that nobody issued.

An answer is paid for before it is given. What it costs is known only once it is found: 1
check, which every code has paid, or 20 for a serial that no list here holds. So:

1. Whoever still owes for an answer is given none, whatever it would be: a refusal tells
   nothing of the code.
2. Otherwise the rest of the price is taken, and a debt may remain, of one answer at most.

One by one, in one body or at once: the same number of invented serials is answered.
"""

from typing import Final

from verifier_api.auth.admission import Caller
from verifier_api.services.answers import Answer, Checked

INVENTED_COSTS: Final = 19
"""Checks that an invented serial costs, beside the one that every code costs."""


def paid(caller: Caller, checked: Checked) -> Answer:
    """The answer, which the caller has paid for: their address, or their token. Whoever is
    entitled to the item by their role pays nothing more.

    Raises `Problem` 429 where an earlier answer is still owed for.
    """
    answer = checked.answer
    if not caller.principal.is_entitled_to(answer.item):
        caller.allowance.settle(INVENTED_COSTS if checked.is_invented else 0)
    return answer
