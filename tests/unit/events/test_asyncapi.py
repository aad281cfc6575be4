"""The published contract is what the code says."""

import json
from pathlib import Path

from events.asyncapi import asyncapi
from events.topics import TOPICS

PUBLISHED = Path(__file__).parents[3] / "docs" / "asyncapi.json"


def test_the_published_contract_is_current() -> None:
    assert json.loads(PUBLISHED.read_text()) == json.loads(json.dumps(asyncapi()))


def test_every_topic_has_a_channel_and_every_reference_a_schema() -> None:
    document = asyncapi()
    assert set(document["channels"]) == {topic.name for topic in TOPICS}
    text = json.dumps(document)
    for name in ("Scan", "Batch", "Alert", "DeadLetter"):
        assert f"#/components/schemas/{name}" in text
        assert name in document["components"]["schemas"]
