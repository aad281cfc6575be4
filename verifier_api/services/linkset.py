"""What a resolver of GS1 Digital Links says to machines.

A linkset (RFC 9264) for the item a code names, and the resolver description file of
the GS1-Conformant resolver standard, version 1.2.
"""

from typing import Any, Final

from authenticity.gs1.code import Code

LINKSET_JSON: Final = "application/linkset+json"
PRODUCT_PAGE: Final = "https://ref.gs1.org/voc/pip"
VERIFICATION: Final = "https://ref.gs1.org/voc/verificationService"
DEFAULT_LINK: Final = "https://ref.gs1.org/voc/defaultLink"
_KEYS: Final = ("01",)
_QUALIFIERS: Final = ("22", "10", "21")


def linkset_of(code: Code, origin: str, code_text: str) -> dict[str, Any]:
    """Links of this code. They say neither whether it is genuine nor whether it exists."""
    anchor = origin + "".join(
        f"/{ai}/{value}" for ai in (*_KEYS, *_QUALIFIERS) if (value := code.value(ai))
    )
    page = {"href": code_text, "title": "Is this pack genuine?", "type": "text/html"}
    check = {
        "href": f"{origin}/v1/verify", "title": "Verify a code", "type": "application/json",
    }  # fmt: skip
    return {
        "linkset": [
            {
                "anchor": anchor,
                DEFAULT_LINK: [page],
                PRODUCT_PAGE: [page],
                VERIFICATION: [check],
            }
        ]
    }


def resolver_description(origin: str) -> dict[str, Any]:
    """`/.well-known/gs1resolver`."""
    return {
        "name": "Touchstone",
        "resolverRoot": origin,
        "supportedPrimaryKeys": list(_KEYS),
        "supportedLinkType": [
            {
                "namespace": "https://ref.gs1.org/voc/",
                "prefix": "gs1:",
                "profile": "https://ref.gs1.org/voc/?show=linktypes",
            }
        ],
        "linkTypeDefaultCanBeLinkset": False,
        "validatesDigitalLinkURIs": True,
    }
