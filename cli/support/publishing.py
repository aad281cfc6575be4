"""Where events are published to: Kafka if TOUCHSTONE_KAFKA is set, else the embedded log."""

from typing import TYPE_CHECKING

from authenticity.errors import LogUnavailableError
from cli.support.data import DataFolder

if TYPE_CHECKING:
    from events.publisher import Publisher


def open_publisher(folder: DataFolder) -> "Publisher":
    """A publisher to close when done. The embedded log, and its folder, are made if need be.

    Raises `LogUnavailableError` (embedded) or `ConfigurationError` (Kafka; a broker that does
    not answer is heard of when something is published).
    """
    if folder.kafka is not None:
        from events.kafka.publisher import KafkaPublisher

        return KafkaPublisher(folder.kafka)
    from events.embedded.publisher import EmbeddedPublisher

    try:
        folder.root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LogUnavailableError(
            f"{folder.root} cannot be made: {error.strerror}", next_step="choose another --data"
        ) from None
    folder.make_databases_private()
    return EmbeddedPublisher(folder.log)
