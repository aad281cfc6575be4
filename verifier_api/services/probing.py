"""What it costs to ask about serials that nobody issued."""

from collections.abc import Iterable
from typing import Final

from verifier_api.auth.admission import Caller
from verifier_api.auth.principals import Principal
from verifier_api.services.answers import Answer, names_invented_serial

INVENTED_COSTS: Final = 19
"""Checks that an invented serial costs, beside the one that every code costs."""


def charge_invented(caller: Caller, principal: Principal, answers: Iterable[Answer]) -> None:
    """Take more from the caller's allowance for each invented serial among these answers, which
    were given to `principal`, if to nobody in particular; for a gateway's user the gateway's
    token pays. What was answered stays answered;
    the next request waits."""
    if principal.is_anonymous and (invented := sum(map(names_invented_serial, answers))):
        caller.allowance.owe(invented * INVENTED_COSTS)
