"""The running API against its own OpenAPI: no 5xx, nothing undocumented."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ledger.records import Role
from tests.integration.api.stand import Stand, standing_service
from verifier_api.app import service_document


@schemathesis.serializer("application/x-ndjson")
def as_lines(_context: Any, value: Any) -> bytes:
    """Generated text, as it is."""
    return str(value).encode("utf-8", "replace")


SCHEMA = schemathesis.openapi.from_dict(service_document())
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def contract_stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder: Path = tmp_path_factory.mktemp("contract")
    with standing_service(folder) as running:
        for _ in range(3):
            running.publish(running.world.officer_scan(running.world.forged_code()))
        running.register(running.world.batch())
        yield running


@pytest.fixture(scope="module")
def admin(contract_stand: Stand) -> dict[str, str]:
    return contract_stand.bearer(Role.ADMIN, "schemathesis")


OPERATIONS = {
    result.ok().label: result.ok()
    for result in SCHEMA.exclude(path="/v1/alerts/stream").get_all_operations()
    if isinstance(result, Ok)
}


@pytest.mark.parametrize("label", OPERATIONS)
def test_every_response_is_as_documented(
    label: str, contract_stand: Stand, admin: dict[str, str]
) -> None:
    @settings(
        max_examples=12,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=OPERATIONS[label].as_strategy())
    def holds(case: Any) -> None:
        for headers in ({}, admin):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the tool's own making
                response = case.call(base_url=contract_stand.url, headers=headers)
                case.validate_response(response, checks=CHECKS)

    holds()
