"""The contract of the topics as AsyncAPI 3.0 with JSON Schema, made from the structs.

`docs/asyncapi.json` is its output; a test holds it to that.
"""

from typing import Any, Final

import msgspec

from events.topics import TOPICS, CleanupPolicy, Topic

VERSION: Final = "1"
_HEADERS: Final = {
    "type": "object",
    "properties": {
        "traceparent": {
            "type": "string",
            "description": "W3C Trace Context of the request it came with, if there was one.",
        }
    },
}
_COMPONENTS: Final = "#/components/schemas/{name}"


def asyncapi() -> dict[str, Any]:
    """The document, ready to be written as JSON."""
    structs = [value for topic in TOPICS for value in (topic.value, topic.or_value) if value]
    _, schemas = msgspec.json.schema_components(structs, ref_template=_COMPONENTS)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Touchstone events",
            "version": VERSION,
            "description": "Values are JSON with a version field where they are ours to evolve."
            " Unknown fields are ignored; a missing one that may not be null is an error.",
            "license": {"name": "Apache-2.0"},
        },
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {
            f"receive-{topic.name}": {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{topic.name}"},
            }
            for topic in TOPICS
        },
        "components": {"schemas": schemas},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    payload: dict[str, Any]
    if topic.value is None:
        payload = {"type": "object", "description": "JWS, general JSON serialization (RFC 7515)."}
    else:
        payload = {"$ref": _COMPONENTS.format(name=topic.value.__name__)}
    if topic.or_value is not None:
        payload = {
            "oneOf": [payload, {"$ref": _COMPONENTS.format(name=topic.or_value.__name__)}],
            "description": "Which one is said by `typ` in the header of the JWS.",
        }
    if topic.signed:
        payload = {
            "type": "string",
            "description": "JWS in compact form (RFC 7515); contentSchema is that of its payload.",
            "contentSchema": payload,
        }
    return {
        "address": topic.name,
        "description": f"{topic.about} Kept: {topic.kept}.",
        "messages": {
            "record": {
                "contentType": "application/jose" if topic.signed else "application/json",
                "headers": _HEADERS,
                "payload": payload,
                "bindings": {"kafka": {"key": {"type": "string", "description": topic.keyed_by}}},
            }
        },
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "topicConfiguration": _configuration(topic),
            }
        },
    }


def _configuration(topic: Topic) -> dict[str, Any]:
    """How the topic is created on Kafka, as far as AsyncAPI's Kafka binding has words for it."""
    settings: dict[str, Any] = {
        "cleanup.policy": {
            CleanupPolicy.BY_TIME: ["delete"],
            CleanupPolicy.COMPACTED: ["compact"],
            CleanupPolicy.COMPACTED_AND_BY_TIME: ["compact", "delete"],
        }[topic.kept],
        "max.message.bytes": topic.most_bytes,
    }
    if topic.kept_days is not None:
        settings["retention.ms"] = topic.kept_days * 86_400_000
    return settings
