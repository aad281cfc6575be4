"""What an issuing run is asked for, checked before the first serial is minted."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from authenticity.errors import CodeError, ConfigurationError, InputError
from authenticity.gs1.code import write_digital_link
from authenticity.records.batch import Gtin, Name, PrintedDate
from authenticity.records.countries import known_country
from authenticity.records.place import Country
from authenticity.trust.signature_field import (
    Algorithm,
    SignatureField,
    encode_signature_field,
    signed_bytes,
)
from keys.keyring import IssuerRecord, Keyring

LARGEST_COUNT: Final = 50_000_000
_ISO_DATE: Final = re.compile(r"(?:20)?([0-9]{2})-([0-9]{2})-([0-9]{2})", re.ASCII)
_SAMPLE_SERIAL: Final = "22222222222222XX"
_SAMPLE_SIGNATURE: Final = encode_signature_field(SignatureField(Algorithm.ED25519, 0, bytes(64)))


class Order(Struct, frozen=True):
    """The parameters of one run. Two equal orders in one folder are the same run."""

    issuer: Name
    gtin: Gtin
    count: Annotated[int, Meta(ge=1, le=LARGEST_COUNT)]
    host: str
    lot: str | None = None
    expiry: PrintedDate | None = None
    produced: PrintedDate | None = None
    markets: Annotated[tuple[Country, ...], Meta(max_length=250)] = ()
    released: bool = True
    serials_sha256: str | None = None

    def ais(self, serial: str) -> list[tuple[str, str]]:
        """What a code of this run says, without its signature field, in the order of print."""
        pairs = (
            ("01", self.gtin),
            ("10", self.lot),
            ("21", serial),
            ("11", self.produced),
            ("17", self.expiry),
        )
        return [(ai, value) for ai, value in pairs if value is not None]


@dataclass(frozen=True, slots=True)
class CodeTemplate:
    """A code of one run, cut at its serial and its signature field; and what is signed, likewise.

    `header` is the signature field's first two bytes. Signed bytes end with the serial, since
    (21) sorts behind every other AI of a run.
    """

    head: bytes
    tail: bytes
    header: bytes
    signed_head: bytes
    """Up to the byte that says the serial's length."""


def checked_order(order: Order, keyring: Keyring, *, at: datetime) -> Order:
    """The same order, if it can be carried out; `ConfigurationError` says why not.

    1. Every field is within its bounds.
    2. The issuer holds the GTIN's company prefix (longest match), and the host.
    3. A code with these values can be read again.
    """
    try:
        order = msgspec.convert(msgspec.to_builtins(order), Order)
        for market in order.markets:
            known_country(market)
    except msgspec.ValidationError as error:
        raise ConfigurationError(
            f"this order cannot be: {error}", next_step="correct the option and try again"
        ) from None
    except InputError as error:
        raise ConfigurationError(f"markets: {error}", next_step=error.next_step) from None
    issuer = keyring.issuer(order.issuer)
    _refuse_foreign(order, issuer, keyring, at)
    sample_uri(order)
    return order


def holder_of(gtin: str, keyring: Keyring, *, at: datetime) -> str | None:
    """The id of the issuer whose company prefix this GTIN carries; the longest match holds."""
    trust_list = keyring.trust_list(version=1, issued_at=at, expires_at=at + timedelta(days=1))
    holder = trust_list.issuer_of(gtin)
    return None if holder is None else holder.id


def sample_uri(order: Order) -> str:
    """A code of this order, read back; its serial and its signature stand for any."""
    try:
        return write_digital_link(
            [*order.ais(_SAMPLE_SERIAL), ("8030", _SAMPLE_SIGNATURE)], order.host
        )
    except CodeError as error:
        raise ConfigurationError(
            f"no code can carry these values: {error}",
            next_step="check GTIN, lot, dates and host",
        ) from None


def template_of(order: Order, algorithm: Algorithm, key_slot: int) -> CodeTemplate:
    """`order` has been checked."""
    head, found, tail = sample_uri(order).partition(_SAMPLE_SERIAL)
    assert found and tail.endswith(_SAMPLE_SIGNATURE)
    header = SignatureField(algorithm, key_slot, b"").header
    signed = signed_bytes(header, order.ais(_SAMPLE_SERIAL))
    ending = len(_SAMPLE_SERIAL) + 1
    assert signed.endswith(_SAMPLE_SERIAL.encode())
    return CodeTemplate(
        head=head.encode(),
        tail=tail.removesuffix(_SAMPLE_SIGNATURE).encode(),
        header=header,
        signed_head=signed[:-ending],
    )


def to_gtin14(text: str) -> str:
    """GTIN-8, -12, -13 or -14 as 14 digits; its check digit is checked with the code."""
    if not (text.isascii() and text.isdigit() and len(text) in (8, 12, 13, 14)):
        raise ConfigurationError(
            f"{text!r} is no GTIN",
            next_step="give its 8, 12, 13 or 14 digits, as under the barcode",
        )
    return text.zfill(14)


def to_printed_date(text: str) -> str:
    """YYMMDD of `YYMMDD` or `YYYY-MM-DD`; whether the day exists is checked with the code."""
    match = _ISO_DATE.fullmatch(text)
    if match:
        return "".join(match.groups())
    if len(text) == 6 and text.isascii() and text.isdigit():
        return text
    raise ConfigurationError(
        f"{text!r} is no date", next_step="write 2028-12-31, or 281231 as it is printed"
    )


def _refuse_foreign(order: Order, issuer: IssuerRecord, keyring: Keyring, at: datetime) -> None:
    holder = holder_of(order.gtin, keyring, at=at)
    if holder != issuer.id:
        whose = f"belongs to {holder}" if holder else "is under no prefix of this key store"
        raise ConfigurationError(
            f"{issuer.id} may not sign for GTIN {order.gtin}, which {whose}",
            next_step=f"its company prefixes are {', '.join(issuer.company_prefixes)}",
        )
    if order.host not in issuer.hosts:
        raise ConfigurationError(
            f"{order.host} is no host of {issuer.id}: its codes would look like an imitation",
            next_step=f"use one of {', '.join(issuer.hosts)}",
        )
