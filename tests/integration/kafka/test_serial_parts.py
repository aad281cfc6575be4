"""A serial list in parts on Kafka: what is answered while parts are missing, whatever comes in
whatever order, and workers killed while they write them."""

from collections.abc import Collection, Iterable, Iterator
from functools import partial
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from authenticity.records.part_statement import SignedPart, read_part
from authenticity.records.serial_parts import SerialPart, part_filter
from benchmarks.faults.site import Site
from benchmarks.faults.traffic import Traffic
from events.kafka.reading import read_topic
from events.kafka.topic_admin import topic_drift
from events.topics import BATCHES, SCANS_DEAD
from keys.batch_signing import sign_part
from keys.signer import Signer
from ledger.administration import LedgerAdministration
from simulation.seeded_signer import SeededSigner
from tests.integration.engine.installation import Installation
from tests.integration.issuing.test_issue_command import new_maker
from tests.integration.kafka.large_run import LargeRun, issued_run
from tests.support.patience import PATIENCE_S, wait_until

pytestmark = pytest.mark.slow

LOCK = "LOCK TABLE serial_parts IN ACCESS EXCLUSIVE MODE"
UNKNOWN, GENUINE, NEVER = "caution", "seen-before", "never-issued"
"""Standings of codes that a stranger has scanned once, and the finding of a suspect one."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> LargeRun:
    return issued_run(new_maker(tmp_path_factory.mktemp("maker")))


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory, run: LargeRun) -> Traffic:
    """With the replay of all parts."""
    made = run.traffic(tmp_path_factory.mktemp("replayed"), run.records)
    assert made.replayed.count(b'"kind":"never-issued"') >= run.batch.parts
    return made


@pytest.fixture
def site(tmp_path: Path, traffic: Traffic) -> Iterator[Site]:
    with Site(tmp_path, traffic) as made:
        yield made


class Asked:
    """The service next to Kafka, asked about every code of the run by an officer."""

    def __init__(self, site: Site, run: LargeRun) -> None:
        self._site, self._run = site, run
        self._bearer = {"Authorization": f"Bearer {site.officer()}"}

    def answers(self) -> list[str]:
        """Of each code: standing, or the kind of the finding if it is suspect. Whatever parts
        are here: no invented serial is good, and no issued one suspect. An issued one is
        `verified` until its scan is folded."""
        said = []
        for code in self._run.codes:
            answer = self._site.http.post(
                f"{self._site.service_url}/v1/verify", json={"code": code.text},
                headers=self._bearer,
            ).raise_for_status().json()  # fmt: skip
            kinds = [finding["kind"] for finding in answer["findings"]]
            said.append(kinds[0] if answer["standing"] == "suspect" else answer["standing"])
            allowed = {UNKNOWN, "verified", GENUINE} if code.issued else {UNKNOWN, NEVER}
            assert said[-1] in allowed, (code, answer)
        return said

    def until_exact_for(self, numbers: Collection[int]) -> None:
        """Wait until the codes of these parts are answered exactly, and of the others nothing is
        claimed."""
        expected = [
            (GENUINE if code.issued else NEVER) if code.number in numbers else UNKNOWN
            for code in self._run.codes
        ]
        wait_until(lambda: self.answers() == expected, lambda: f"{self.answers()}, not {expected}")


def signed(part: SerialPart, by: Signer, run: LargeRun) -> SignedPart:
    """This part under another signature of the same moment."""
    return read_part(sign_part(part, by, at=run.batch.registered_at))


def harmed_parts(run: LargeRun) -> tuple[list[bytes], list[bytes]]:
    """Records that look like the last part of the run: those that an engine refuses, and those
    that it may keep, since the maker signed them, and does not use."""
    last = run.parts[-1]
    swapped = replace(last.part, serials=run.parts[0].part.serials)
    head, _, signature = last.raw.split(b".")
    _, other_content, _ = signed(swapped, run.signer, run).raw.split(b".")
    refused = [
        b".".join((head, other_content, signature)),
        signed(swapped, SeededSigner(1, "thief"), run).raw,
        signed(replace(last.part, gtin="09526543000013"), run.signer, run).raw,
    ]
    invented = [code.text.split("/21/")[1].split("?")[0] for code in run.codes if not code.issued]
    unused = [
        signed(replace(last.part, batch_id="f" * 32), run.signer, run).raw,
        signed(replace(last.part, serials=part_filter(invented)), run.signer, run).raw,
    ]
    return refused, unused


def dead_reasons(site: Site) -> list[str]:
    """Of every dead letter."""
    letters = read_topic(site.kafka.settings, SCANS_DEAD)
    return [str(letter.value) for letter in letters]


def parts_held(site: Site, run: LargeRun) -> int:
    administration = LedgerAdministration(site.postgres.address)
    try:
        return administration.parts_held(run.batch)
    finally:
        administration.close()


def raw(parts: Iterable[SignedPart]) -> list[bytes]:
    return [part.raw for part in parts]


def test_each_part_makes_its_serials_exact_and_nothing_else_does(
    site: Site, run: LargeRun, tmp_path: Path
) -> None:
    every = range(run.batch.parts)
    site.start_worker(0)
    site.start_service()
    site.publish_scans(site.traffic.scans)
    site.publish_batch_records([run.statement])
    site.until("no answer", lambda: site.http.get(f"{site.service_url}/readyz").is_success)
    asked = Asked(site, run)
    asked.until_exact_for(())
    assert not any(NEVER in line for line in site.exported().decode().splitlines())

    refused, unused = harmed_parts(run)
    some = [5, 2, 7]
    site.publish_batch_records([*refused, *unused, *raw(run.parts[n] for n in [*some, 2, 7])])
    site.wait_until_passed(within_s=PATIENCE_S)
    asked.until_exact_for(some)
    reasons = dead_reasons(site)
    assert len(reasons) == len(refused)
    assert sum("is not one by key maker/0" in reason for reason in reasons) == 2
    assert sum("does not hold the company prefix" in reason for reason in reasons) == 1
    partly = [run.statement, *raw(run.parts[n] for n in some)]
    site.traffic = run.traffic(tmp_path, partly)
    assert site.drain(within_s=PATIENCE_S) == site.traffic.replayed

    site.publish_batch_records(raw(Random(4).sample(run.parts, len(run.parts))))
    site.wait_until_passed(within_s=PATIENCE_S)
    asked.until_exact_for(every)
    site.traffic = run.traffic(tmp_path, run.records)
    assert site.drain(within_s=PATIENCE_S) == site.traffic.replayed
    assert len(dead_reasons(site)) == len(refused)


def test_the_command_registers_a_large_batch_on_kafka(site: Site, run: LargeRun) -> None:
    site.start_worker(0)
    site.start_service()
    site.publish_scans(site.traffic.scans)
    on_kafka = run.maker.environ | {
        name: site.environment[name] for name in ("TOUCHSTONE_KAFKA", "TOUCHSTONE_LEDGER")
    }
    keys = ("--keys", str(run.maker.folder / "data" / "keys"))
    (run.maker.folder / "data" / "roots.json").write_bytes(site.traffic.roots_document)
    words = ("batches", "register", "out", *keys, "--wait", "120")
    for _ in range(2):
        run.maker.run(*words, environ=on_kafka)
    parts = run.batch.parts
    site.until("some parts are missing", lambda: parts_held(site, run) == parts)
    wide = {**on_kafka, "COLUMNS": "240"}
    assert f"{parts} of {parts} parts" in run.maker.run("batches", "list", environ=wide)[0]
    site.until("no answer", lambda: site.http.get(f"{site.service_url}/readyz").is_success)
    Asked(site, run).until_exact_for(range(parts))
    assert site.drain(within_s=PATIENCE_S) == site.traffic.replayed
    assert dead_reasons(site) == []
    assert topic_drift(site.kafka.settings) == []
    on_topic = [len(one.value or b"") for one in read_topic(site.kafka.settings, BATCHES)]
    assert len(on_topic) == 2 * (parts + 1)


def test_a_worker_killed_while_it_writes_parts_loses_none(site: Site, run: LargeRun) -> None:
    """The parts come before their header. Each time the worker is killed it has taken some and
    waits for the ledger: nothing of them is written yet."""
    site.start_worker(0)
    site.publish_scans(site.traffic.scans)
    site.publish_batch_records(raw(run.parts[:3]))
    site.wait_until_passed(within_s=PATIENCE_S)
    for portion in (raw(run.parts[3:6]), [*raw(run.parts[6:]), run.statement]):
        with site.held(LOCK, partial(site.publish_batch_records, portion)):
            site.kill_worker(0, wipe=True)
        site.start_worker(0)
        site.wait_until_passed(within_s=PATIENCE_S)
    assert site.drain(within_s=PATIENCE_S) == site.traffic.replayed
    assert parts_held(site, run) == run.batch.parts
    assert dead_reasons(site) == []


def test_the_embedded_engine_killed_among_the_parts_ends_in_the_same_bytes(
    tmp_path: Path, run: LargeRun, traffic: Traffic
) -> None:
    refused, unused = harmed_parts(run)
    records = [*refused, *unused, *run.records, *raw(run.parts[:3])]
    Random(6).shuffle(records)
    records += raw(run.parts[-1:])  # after what may have taken its place
    installation = Installation(tmp_path / "data", traffic.roots_document)
    try:
        installation.publish_trust_list(traffic.trust_document)
        installation.publish_scans(traffic.scans)
        for portion in (records[:5], records[5:10], records[10:]):
            installation.publish_batches(portion)
            installation.start()
            installation.wait_until_something_is_exported()
            installation.kill()
        installation.start()
        installation.wait_until_exported(traffic.replayed)
        assert len(installation.dead_letters()) == len(refused)
    finally:
        installation.close()
