"""What somebody can send who has one network: every field of a scan, at every door."""

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from hypothesis import Phase, settings
from hypothesis import strategies as st

from simulation.two_makers import World
from tests.support.examples import examples

from .site import DOORS, PLACES, TOKYO, Body

BEFORE, AFTER = timedelta(hours=72), timedelta(minutes=5)
"""The bounds of an anonymous capture time."""
_SECOND: Final = timedelta(seconds=1)


def against_the_service(thorough: int) -> settings:
    """Few examples, for each is a run of its own, and the first that fails as it was drawn."""
    phases = (Phase.explicit, Phase.reuse, Phase.generate)
    return settings(max_examples=examples(thorough), phases=phases, report_multiple_bugs=False)


# Whose field it is not: refused, or of no effect.
_NOT_THEIRS: Final[dict[str, Any]] = {
    "network": {"network": "mine", "kind": "fixed", "country": "JP"},
    "channel": "customs",
    "act": "sell",
    "operation": "op-7",
    "place": {"lat": 35.68, "lon": 139.65, "accuracy_km": 5.0, "source": "fixed-ip"},
}
_IGNORED: Final[dict[str, Any]] = {
    "v": 1, "authorised": True, "publisher": "customs-1", "received_at": "2020-01-01T00:00:00Z",
    "selection": "0000000000000000", "clamped": False, "channel": "consumer",
}  # fmt: skip

capture_offsets = st.one_of(
    st.sampled_from(
        [
            timedelta(), -BEFORE, -BEFORE + _SECOND, -BEFORE - _SECOND, AFTER, AFTER - _SECOND,
            AFTER + _SECOND, timedelta(days=-2_000), timedelta(days=4_000),
        ]
    ),
    st.integers(-72 * 60, 5).map(lambda minutes: timedelta(minutes=minutes)),
)  # fmt: skip
_sources = st.sampled_from(["gps", "gps", "wifi", "declared"])


@st.composite
def _places(draw: st.DrawFn) -> Body:
    lat, lon = PLACES[draw(st.sampled_from(sorted(PLACES)))]
    return {
        "lat": lat, "lon": lon, "accuracy_km": draw(st.sampled_from([0.0, 0.01, 50.0])),
        "source": draw(_sources),
        "country": draw(st.sampled_from(["FR", "JP", "KR", "US", None])),
    }  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn, codes: tuple[str, ...]) -> Body:
    """One scan. `captured_at` is an offset from the time of sending."""
    body: Body = {"code": draw(st.sampled_from(codes)), "captured_at": draw(capture_offsets)}
    for name, values in (
        ("scan_id", st.sampled_from(["1", "2", "3", "x" * 64])),
        ("session", st.sampled_from(["a", "b", "c", "the victim's", ""])),
        ("place", _places()),
    ):
        if draw(st.booleans()):
            body[name] = draw(values)
    if draw(st.integers(0, 9)) == 0:
        name = draw(st.sampled_from(sorted(_NOT_THEIRS)))
        body[name] = _NOT_THEIRS[name]
    if draw(st.booleans()):
        body |= _IGNORED
    return body


def timed(body: Body, now: datetime) -> Body:
    """As it is sent `now`."""
    return body | {"captured_at": (now + body["captured_at"]).isoformat()}


def names_of(world: World, code: str, serial: str) -> tuple[str, ...]:
    """Texts that an attacker can make out of a printed code: the code, under another host, cut,
    its item without a signature, and with a forged one."""
    return (
        code,
        code,
        code,
        code.replace("id.alpine.example", "alpine.example.evil.example"),
        code[:-3],
        world.unsigned_code(serial),
        world.forged_code(serial),
        "no code",
    )


@st.composite
def addresses_of_one_ipv4_network(draw: st.DrawFn) -> str:
    """Of 198.51.100.0/24, of which one half is a mobile network in Seoul and the other a
    tunnel; also inside IPv6, and with what a client writes to the left of it."""
    host = draw(st.integers(1, 254))
    v4 = f"198.51.100.{host}"
    spelled = draw(
        st.sampled_from(
            [
                v4, f"::ffff:{v4}", f"64:ff9b::{v4}", f"[::ffff:{v4}]:443", f'"{v4}:4711"',
                f"2002:c633:64{host:02x}:7::1", f"2001:0:{host:x}:0:0:0:39cc:9bff",
            ]
        )
    )  # fmt: skip
    return draw(st.sampled_from(["", "10.0.0.1, ", "3fff:1:1::1, nonsense, "])) + spelled


@st.composite
def addresses_of_one_ipv6_network(draw: st.DrawFn) -> str:
    """Of one /48 in Tokyo, each in a /64 of its own."""
    low = draw(st.integers(0, 0xFFFF))
    return f"{TOKYO}:beef:{low:x}::{low:x}"


class Request(NamedTuple):
    """What is sent from one address through one door, with offsets for times."""

    door: str
    address: str
    bodies: list[Body]


@st.composite
def requests(draw: st.DrawFn, codes: tuple[str, ...]) -> list[Request]:
    """All from one network."""
    addresses = draw(
        st.sampled_from([addresses_of_one_ipv4_network(), addresses_of_one_ipv6_network()])
    )
    return [
        Request(
            draw(st.sampled_from(DOORS)),
            draw(addresses),
            draw(st.lists(bodies(codes), min_size=1, max_size=12)),
        )
        for _ in range(draw(st.integers(1, 5)))
    ]
