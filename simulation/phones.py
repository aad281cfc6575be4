"""The phone of an anonymous person: its own place, its network and its clock in a session.

A phone that is met in one session alone draws all of that anew. One that is met again has
habits, which follow from its name: a tunnel that it uses often, GPS that its owner allows or
not, a clock that is off.
"""

from random import Random
from typing import NamedTuple, Protocol

from authenticity.records.place import Place
from simulation.draws import stream_of
from simulation.location import Positioning, consumer_place, exact_place
from simulation.networks import (
    Connected,
    Uplinks,
    connected,
    connected_openly,
    exit_abroad,
    mobile_at,
)
from simulation.visits import Spot, Uplink, Visit


class PhoneNoise(Protocol):
    """What of `simulation.noise.Noise` is about phones."""

    @property
    def vpn(self) -> float: ...

    @property
    def skewed_clocks(self) -> float: ...

    @property
    def skew_limit_s(self) -> float: ...

    @property
    def place_errors(self) -> bool: ...

    @property
    def uplinks(self) -> Uplinks: ...

    @property
    def positioning(self) -> Positioning: ...


class Device(NamedTuple):
    """What all scans of one session at one spot share. `uplink_noise` names what makes the
    network's place another than the device's, or is empty."""

    place: Place | None
    uplink: Uplink | None
    skew_s: float
    uplink_noise: str = ""


def device_in_one_session(draw: Random, spot: Spot, noise: PhoneNoise) -> Device:
    """A phone that is not met again."""
    place: Place | None = exact_place(spot)
    if noise.place_errors:
        place = consumer_place(draw, spot, noise.positioning)
    uplink, why = connected(draw, spot, noise.vpn, noise.uplinks)
    return Device(place, uplink, _skew_s(draw, noise), why)


def device_of_phone(seed: int, visit: Visit, noise: PhoneNoise) -> Device:
    """A phone with habits, in one of its sessions, at one spot."""
    scanner, spot = visit.scanner, visit.spot
    habit = stream_of(seed, "phone", scanner.phone)
    draw = stream_of(seed, "device", scanner.phone, scanner.session, spot.lat, spot.lon)
    skew_s = _skew_s(habit, noise)
    willing = habit.random() >= noise.positioning.refused
    place: Place | None = exact_place(spot)
    if noise.place_errors:
        place = consumer_place(draw, spot, noise.positioning, willing=willing)
    uplink, why = _connected(habit, draw, visit, noise)
    return Device(place, uplink, skew_s, why)


def _connected(habit: Random, draw: Random, visit: Visit, noise: PhoneNoise) -> Connected:
    """A tunnel, if it has one and uses it now; roaming, if it is abroad; otherwise openly.

    An exit stays the same as long as the owner does not travel.
    """
    uplinks, spot = noise.uplinks, visit.spot
    has_tunnel = habit.random() < noise.vpn / uplinks.habit
    if has_tunnel and draw.random() < uplinks.habit:
        return Connected(exit_abroad(habit, visit.home or spot, uplinks), "vpn")
    if visit.home is not None and draw.random() < uplinks.roaming:
        return Connected(mobile_at(draw, visit.home, uplinks), "roaming")
    return connected_openly(habit, draw, spot, uplinks)


def _skew_s(draw: Random, noise: PhoneNoise) -> float:
    if draw.random() < noise.skewed_clocks:
        return draw.uniform(-noise.skew_limit_s, noise.skew_limit_s)
    return 0.0
