"""What an operator sees of a running site: one trace from request to fold, and its numbers."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from demo.local_ports import free_ports
from events.kafka.publisher import KafkaPublisher
from events.publisher import Record
from events.topics import SCANS
from tests.integration.operations.site import (
    OperatedSite,
    eventually,
    operated_site,
    simulated,
)
from tests.support.patience import PATIENCE_S

pytestmark = pytest.mark.slow

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
DEAD_TRACE = "0af7651916cd43dd8448eb211c80319c"


def _traceparent(trace: str) -> str:
    return f"00-{trace}-00f067aa0ba902b7-00"


def _lines(said: Path) -> list[dict[str, Any]]:
    """Every line of all processes: each must be JSON."""
    return [json.loads(line) for line in said.read_text().splitlines()]


def _folded(said: Path) -> set[str]:
    """Which records were folded or became dead letters, however often: a rebalance, as when
    the second worker comes, may bring one again."""
    return set(
        re.findall(r"folded, or a dead letter: offset \d+ of partition \d+", said.read_text())
    )


def _samples(port: int) -> Iterator[tuple[str, float]]:
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_S).text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.value


def _sum(name: str, ports: list[int]) -> float:
    try:
        return sum(value for port in ports for found, value in _samples(port) if found == name)
    except httpx.TransportError:
        return 0.0


def _records(port: int, body: dict[str, str]) -> bool:
    """Whether the log has acknowledged this scan; a busy one does not in time, and it may have
    it all the same."""
    answered = httpx.post(
        f"http://127.0.0.1:{port}/v1/scans",
        json=body,
        headers={"traceparent": _traceparent(TRACE)},
        timeout=PATIENCE_S,
    )
    assert answered.status_code in (202, 503), answered.text
    return answered.status_code == 202


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=PATIENCE_S).status_code == 200
    except httpx.TransportError:
        return False


def _publish_junk(site: OperatedSite) -> None:
    publisher = KafkaPublisher(site.kafka.settings)
    publisher.publish([Record(SCANS, b"k", b"no scan", _traceparent(DEAD_TRACE))]).result(
        PATIENCE_S
    )
    publisher.close()


def test_a_trace_leads_from_the_request_to_the_fold_and_the_numbers_add_up(
    tmp_path: Path,
) -> None:
    codes = [json.loads(line)["code"] for line in simulated(tmp_path, items=60)[:5]]
    port, first = free_ports(2)
    workers = [first, first + 1]
    with operated_site(tmp_path) as site:
        site.publish_what_scans_rest_on()
        watched = {
            "TOUCHSTONE_LOGS": "json",
            "TOUCHSTONE_LOGS_LEVEL": "debug",
            "TOUCHSTONE_ACCESS_LOG": "1",
        }
        options = ("--workers", "2", "--port", str(port), "--metrics-port", str(first))
        with site.up(*options, role="owner", **watched) as said:
            eventually(lambda: _answers(port), said)
            now = datetime.now(UTC).isoformat()
            for number, code in enumerate(codes):
                body = {"code": code, "scan_id": str(number), "captured_at": now, "session": "one"}
                eventually(partial(_records, port, body), said)
            _publish_junk(site)
            eventually(
                lambda: (
                    len(_folded(said)) >= len(codes) + 1  # the junk too
                    and _sum("touchstone_engine_scans_total", workers) >= len(codes)
                    and _sum("touchstone_engine_dead_letters_total", workers) >= 1
                    and _sum("touchstone_engine_waiting", workers) == 0
                ),
                said,
            )
            assert _sum("touchstone_engine_fold_seconds_count", workers) > 0
            assert _sum("process_resident_memory_bytes", workers) > 50e6
            assert _sum("touchstone_scans_recorded_total", [port]) == len(codes)
        lines = _lines(said)
    of_request = [line for line in lines if line.get("trace") == TRACE]
    answered = [line for line in of_request if line["logger"] == "verifier_api.access"]
    assert {line["route"] for line in answered} == {"/v1/scans"}
    assert [line["status"] for line in answered].count(202) == len(codes)
    folded = {line["message"] for line in of_request if line["logger"] == "touchstone.stream"}
    assert len(folded) >= len(codes)
    about_dead = [line for line in lines if "are dead letters" in line["message"]]
    assert {line["trace"] for line in about_dead} == {DEAD_TRACE}
    assert not any(code.split("?")[-1] in json.dumps(lines) for code in codes)
