"""Whenever a client is closed, its sockets are: no broker is needed to see that."""

import gc
import socket
import warnings

import pytest
from kafka.net.transport import KafkaTCPTransport

from events.kafka.connection import client_options, closing_half_built
from events.kafka.settings import KafkaSettings, Security

TURNS = 12
"""Turns of a client's loop: more than until it waits for the broker's first answer."""


def _closed_after(turns: int, security: Security) -> list[str]:
    """What is said of sockets if a client is closed after so many turns of its loop, before
    a broker that accepts connections and says nothing."""
    gc.collect()  # of tests before this one
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with socket.create_server(("127.0.0.1", 0)) as silent:
            settings = KafkaSettings((f"127.0.0.1:{silent.getsockname()[1]}",), security)
            _use_and_close(settings, turns)
        gc.collect()
    return [str(each.message) for each in said]


def _use_and_close(settings: KafkaSettings, turns: int) -> None:
    with closing_half_built() as network:
        client = network(**client_options(settings))
    [broker] = client.cluster.bootstrap_brokers()
    client.maybe_connect(broker.node_id)
    for _ in range(turns):
        client.poll(timeout_ms=0)
    client.close()


def test_what_is_not_sent_yet_keeps_no_socket_open() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, closing_half_built() as network:
        ours.setblocking(False)
        client = network(**client_options(KafkaSettings(("127.0.0.1:9",))))
        transport = KafkaTCPTransport(client._net, ours)
        transport.write(bytes(16 * 1_048_576))
        client.poll(timeout_ms=0)
        transport.close()
        client.close()
        assert ours.fileno() == -1


@pytest.mark.parametrize("security", [Security.PLAINTEXT, Security.SSL])
@pytest.mark.parametrize("turns", range(TURNS))
def test_closing_at_any_turn_leaves_no_socket(turns: int, security: Security) -> None:
    assert not [each for each in _closed_after(turns, security) if "unclosed" in each]
