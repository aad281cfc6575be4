"""The generated OpenAPI document says at least what that of version 0.1.0 said."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulation.two_makers import World
from verifier_api.app import Dependencies, create_app, service_document

PINNED: dict[str, Any] = json.loads((Path(__file__).parent / "openapi_0_1_0.json").read_text())


def _operation(name: str) -> dict[str, Any]:
    method, path = name.split(" ")
    operation: dict[str, Any] = service_document()["paths"][path][method.lower()]
    return operation


@pytest.mark.parametrize("name", PINNED["operations"])
def test_an_operation_keeps_its_parameters_bodies_and_responses(name: str) -> None:
    pinned, operation = PINNED["operations"][name], _operation(name)
    parameters = {f"{row['in']} {row['name']}" for row in operation.get("parameters", [])}
    assert operation["operationId"] == pinned["id"]
    assert set(pinned["parameters"]) <= parameters
    assert set(pinned["request"]) <= set(operation.get("requestBody", {}).get("content", {}))
    for status, media_types in pinned["responses"].items():
        assert set(media_types) <= set(operation["responses"][status].get("content", {}))


@pytest.mark.parametrize("name", PINNED["schemas"])
def test_a_schema_keeps_its_properties(name: str) -> None:
    schema = service_document()["components"]["schemas"][name]
    assert set(PINNED["schemas"][name]) <= set(schema.get("properties", {}))


def test_every_reference_leads_to_a_schema() -> None:
    text = json.dumps(service_document())
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= service_document()["components"]["schemas"].keys()


def test_the_document_is_served_and_head_and_wrong_methods_are_answered() -> None:
    world = World()
    reader: Any = None
    app = create_app(
        Dependencies(reader=reader, publisher=reader, roots=world.roots, secret=bytes(32))
    )

    async def run() -> tuple[httpx.Response, httpx.Response, httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            document = await client.get("/openapi.json")
            return document, await client.head("/healthz"), await client.put("/v1/alerts/x")

    document, head, wrong = asyncio.run(run())
    assert document.json() == json.loads(json.dumps(service_document()))
    assert head.status_code == 200
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD, PATCH")
    counted = app.state.service.metrics.exposition().decode()
    assert 'route="/openapi.json",status="200"' in counted
    assert 'method="HEAD",route="/healthz"' in counted
