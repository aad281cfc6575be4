"""Administrative calls to a Kafka cluster, with its errors translated."""

import logging
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from kafka import KafkaAdminClient
from kafka.errors import (
    AuthorizationError,
    IllegalArgumentError,
    IllegalStateError,
    KafkaConfigurationError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NotEnoughReplicasAfterAppendError,
    NotEnoughReplicasError,
    RetriableError,
    SaslAuthenticationFailedError,
    UnknownTopicOrPartitionError,
    UnsupportedSaslMechanismError,
)
from kafka.net.compat import KafkaNetClient
from kafka.net.selector import NetworkSelector

from authenticity.errors import ConfigurationError, LogUnavailableError, TouchstoneError
from events.kafka.settings import KafkaSettings, Security

WITHIN_S: Final = 10.0
_CHECK_USER: Final = "check TOUCHSTONE_KAFKA_USER, the password file and TOUCHSTONE_KAFKA_SASL"
_REFUSALS: Final = (
    AuthorizationError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)
_CONNECTED_WITHIN_S: Final = 5.0
_SHAKEN_WITHIN_S: Final = 1.0
T = TypeVar("T")
# The client writes a line for each failed attempt, and what fails for good is raised.
logging.getLogger("kafka").setLevel(logging.CRITICAL)


def client_options(settings: KafkaSettings, *, within_s: float = WITHIN_S) -> dict[str, Any]:
    """What every client of kafka-python is built with.

    Raises `ConfigurationError` for a CA or a password that cannot be read.
    """
    within_ms = int(within_s * 1000)
    return {
        "bootstrap_servers": list(settings.servers),
        "security_protocol": settings.security.name,
        "ssl_context": settings.tls(),
        "sasl_mechanism": settings.sasl.value.upper() if settings.sasl else None,
        "sasl_plain_username": settings.user,
        "sasl_plain_password": settings.password(),
        "bootstrap_timeout_ms": min(within_ms, int(_CONNECTED_WITHIN_S * 1000)),
        "request_timeout_ms": within_ms,
        "reconnect_backoff_ms": 50,
        "reconnect_backoff_max_ms": 1_000,
    }


@contextmanager
def administration(
    settings: KafkaSettings, *, within_s: float = WITHIN_S
) -> Iterator[KafkaAdminClient]:
    """An admin client for the length of a block; its errors leave the block as ours."""
    with translate_kafka_errors(settings), closing_half_built() as network:
        client = KafkaAdminClient(
            **client_options(settings, within_s=within_s), kafka_client=network
        )
        try:
            yield client
        finally:
            client.close()


class _Network(NetworkSelector):  # type: ignore[misc]
    """kafka-python's event loop; with it end the sockets that are waited for, too.

    kafka-python only cancels what waits: nobody closes the socket of a connection that is
    being made, or that has something left to send, and the garbage collector complains of
    it in whatever runs by then.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._waited_for: list[Any] = []

    def drain(self, scheduled: bool = False) -> None:
        """The last thing before all that waits is cancelled."""
        super().drain(scheduled)
        if self._closed:
            self._waited_for = [key.fileobj for key in self._selector.get_map().values()]

    def close(self) -> None:
        """End the thread, if there is one, and close every socket."""
        super().close()
        for waited_for in self._waited_for:
            waited_for.close()


@contextmanager
def closing_half_built() -> Iterator[Callable[..., KafkaNetClient]]:
    """What to give a client as `kafka_client`: its thread and sockets end with an error.

    A constructor that finds no broker raises, and would leave both behind, at each attempt.
    It also says only that time is up; a broker's refusal is raised in its place.
    """
    built: list[KafkaNetClient] = []
    tried: deque[Any] = deque(maxlen=8)

    def build(**options: Any) -> KafkaNetClient:
        network = KafkaNetClient(net=_Network(**options), **options)
        built.append(network)
        connect = network._manager.get_connection

        def remembering(*arguments: Any, **options: Any) -> Any:
            tried.append(connect(*arguments, **options))
            return tried[-1]

        network._manager.get_connection = remembering
        return network

    try:
        yield build
    except BaseException as error:
        for network in built:
            network.close()
        outcomes = [connection.init_future.exception for connection in tried]
        refusal = next((known for known in outcomes if isinstance(known, _REFUSALS)), None)
        if refusal is not None and isinstance(error, KafkaTimeoutError):
            raise refusal from error
        raise


def serving_brokers(settings: KafkaSettings, *, within_s: float = WITHIN_S) -> frozenset[int]:
    """Ids of the brokers that the cluster takes for alive. Raises `LogUnavailableError`."""
    with administration(settings, within_s=within_s) as client:
        brokers = client.describe_cluster()["brokers"]
        return frozenset(
            int(broker["broker_id"]) for broker in brokers if not broker.get("is_fenced")
        )


@contextmanager
def translate_kafka_errors(settings: KafkaSettings) -> Iterator[None]:
    """Translate what kafka-python raises."""
    try:
        yield
    except (KafkaConfigurationError, IllegalArgumentError, IllegalStateError):
        raise  # our program is broken
    except (KafkaError, OSError) as error:
        raise translate_errors(error, settings) from error


def patiently(work: Callable[[], T], *, within_s: float = WITHIN_S) -> T:
    """The answer to a question that a cluster may not be ready for yet.

    After a start or a fail-over coordinators load, leaders are elected: kafka-python calls
    such errors retriable and raises them all the same. Raises the last of them.
    """
    until = time.monotonic() + within_s
    while True:
        try:
            return work()
        except RetriableError:
            if time.monotonic() > until:
                raise
        time.sleep(0.1)


def translate_errors(error: BaseException, settings: KafkaSettings) -> TouchstoneError:
    """Our error for one of kafka-python's, or of the network's."""
    servers = ", ".join(settings.servers)
    if isinstance(error, SaslAuthenticationFailedError | UnsupportedSaslMechanismError):
        return ConfigurationError(
            f"Kafka at {servers} refused user {settings.user!r}",
            next_step=_CHECK_USER,
        )
    if isinstance(error, AuthorizationError):
        return ConfigurationError(
            f"Kafka does not allow user {settings.user!r} to do this: {error}",
            next_step="grant the rights that docs/how-to/operate.md lists",
        )
    if isinstance(error, NotEnoughReplicasError | NotEnoughReplicasAfterAppendError):
        return LogUnavailableError(
            "too few replicas of a topic are in sync to acknowledge anything",
            next_step="start the brokers that are down; publishing then goes on by itself",
        )
    if isinstance(error, UnknownTopicOrPartitionError):
        return LogUnavailableError(
            f"Kafka at {servers} has no such topic", next_step="run: touchstone topics create"
        )
    if isinstance(error, KafkaTimeoutError) and (fault := _fault_of_security(settings)):
        return fault
    if isinstance(error, KafkaTimeoutError | KafkaConnectionError | OSError):
        return LogUnavailableError(
            f"no Kafka broker answers at {servers}",
            next_step="check TOUCHSTONE_KAFKA and that the brokers run, then try again",
        )
    return LogUnavailableError(
        f"Kafka at {servers}: {type(error).__name__}: {error}",
        next_step="look at the brokers' log, then try again",
    )


def _fault_of_security(settings: KafkaSettings) -> TouchstoneError | None:
    """Why a broker that can be reached does not serve us: kafka-python only goes on trying."""
    context = settings.tls()
    reached = False
    for server in settings.servers if settings.security is not Security.PLAINTEXT else ():
        host, _, port = server.rpartition(":")
        host = host.strip("[]")
        try:
            with socket.create_connection((host, int(port)), _SHAKEN_WITHIN_S) as plain:
                if context is not None:
                    context.wrap_socket(plain, server_hostname=host).close()
                reached = True
        except ssl.SSLError as error:
            return ConfigurationError(
                f"no TLS with Kafka at {server}: {error.reason or error}",
                next_step="check TOUCHSTONE_KAFKA_CA, the broker's certificate and its host name",
            )
        except OSError:
            continue
    if not (reached and settings.security.authenticated):
        return None
    # Over TLS a broker's refusal can get lost: it closes the connection right behind it.
    return LogUnavailableError(
        f"Kafka at {', '.join(settings.servers)} ends every connection of user {settings.user!r}",
        next_step=_CHECK_USER,
    )
