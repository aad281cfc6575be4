"""Histories as they were stored before scans carried network evidence."""

from typing import Final

import msgspec
from msgspec import Struct

from authenticity.history.observation import Observation

FORMAT_1_HEAD: Final = b"\x92\x01"
"""How they begin: a MessagePack array of two, and the number of the format."""

_NO_NETWORK: Final = 0
_NO_SLOT: Final = -1


class _Observation1(Struct, frozen=True, array_like=True, gc=False):
    id: int
    digest: int
    captured_ms: int
    session: int
    actor: int
    channel: int
    act: int
    source: int
    lat: int
    lon: int
    accuracy: int
    country: str
    lot: str
    expiry: int
    delay_s: int
    trust_version: int
    doubt: int
    revoked_ms: int


class _History1(Struct, frozen=True, array_like=True):
    format: int
    observations: tuple[_Observation1, ...]


_decoder = msgspec.msgpack.Decoder(_History1)


def observations_of_format_1(raw: bytes) -> tuple[Observation, ...]:
    """Without a network, and of an unknown key slot, in their order.

    What an anonymous device stated of its address is a claim like any other place then.
    Raises `ValueError` for bytes that are no such history.
    """
    return tuple([_lifted(each) for each in _decoder.decode(raw).observations])


def _lifted(old: _Observation1) -> Observation:
    return Observation(
        old.id, old.digest, old.captured_ms, old.session, old.actor, old.channel, old.act,
        old.source, old.lat, old.lon, old.accuracy, old.country, old.lot, old.expiry,
        _NO_NETWORK, _NO_NETWORK,
        old.delay_s, old.trust_version, old.doubt, old.revoked_ms, _NO_SLOT,
    )  # fmt: skip
