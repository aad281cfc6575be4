"""Registering batches with the engine."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli.support.data import DataFolder
from cli.support.publishing import open_publisher

if TYPE_CHECKING:
    from authenticity.records.batch import Batch


def register_batches(where: DataFolder, found: "Sequence[Batch]", again: str) -> None:
    """Publish the headers of batches that were issued.

    `again` is the command that repeats this; it is part of the next step of the
    `LogUnavailableError` that is raised if the headers cannot be published.
    """
    from authenticity.errors import LogUnavailableError
    from producers.issuing.registration import publish_batches

    try:
        publisher = open_publisher(where)
        try:
            publish_batches(publisher, found)
        finally:
            publisher.close()
    except LogUnavailableError as error:
        hint = error.next_step or "check the data folder (--data)"
        raise LogUnavailableError(
            f"nothing is registered: {error}", next_step=f"{hint}; then run `{again}`"
        ) from None
