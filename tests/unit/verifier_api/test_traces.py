"""One id can be followed from a request into its record, its problem and its log lines."""

from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

from events.publisher import Publisher, Record
from events.topics import SCANS
from tests.support.service import in_process_service


def test_a_callers_trace_leads_through_the_answer_the_problem_and_the_record(
    tmp_path: Path,
) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    published: list[Record] = []

    class Watched:
        """Notes what passes on its way to the real log."""

        def __init__(self, real: Publisher) -> None:
            self._real = real

        def publish(self, records: Sequence[Record]) -> "Future[None]":
            published.extend(records)
            return self._real.publish(records)

        def close(self) -> None:
            self._real.close()

    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    with in_process_service(tmp_path, publisher=Watched) as stand, stand.client() as client:
        body = {"code": stand.world.code()}
        recorded = client.post("/v1/scans", json=body, headers=headers)
        refused = client.get("/v1/alerts", headers=headers)
        without = client.get("/v1/alerts")
    assert recorded.headers["traceresponse"].startswith(f"00-{trace}-")
    (record,) = [record for record in published if record.topic is SCANS]
    assert record.trace == recorded.headers["traceresponse"]
    assert refused.json()["trace_id"] == trace
    assert without.json()["trace_id"] not in ("", trace)
    assert without.json()["trace_id"] in without.headers["traceresponse"]
