"""The trust list in force gives way to newer ones alone."""

import pytest

from authenticity.errors import RollbackError, SignatureThresholdError, TrustListError
from simulation.two_makers import World
from stream.trust_keeper import TrustKeeper


def test_a_newer_list_takes_over_and_the_same_may_come_again() -> None:
    world = World(1)
    keeper = TrustKeeper(world.roots)
    keeper.offer(world.trust_document, world.now)
    keeper.offer(world.trust_document, world.now)
    assert keeper.offer(world.next_trust_document(), world.now).version == 2
    assert keeper.trust_list is not None
    assert keeper.trust_list.version == 2


def test_an_older_a_different_and_a_strangers_list_are_refused_and_change_nothing() -> None:
    world = World(1)
    keeper = TrustKeeper(world.roots)
    held = keeper.offer(world.next_trust_document(), world.now)
    with pytest.raises(RollbackError):
        keeper.offer(world.trust_document, world.now)
    with pytest.raises(TrustListError, match="in force already"):
        keeper.offer(world.next_trust_document(revoked={0: world.now}), world.now)
    with pytest.raises(SignatureThresholdError):
        keeper.offer(World(2).next_trust_document(version=9), world.now)
    assert keeper.trust_list is held
