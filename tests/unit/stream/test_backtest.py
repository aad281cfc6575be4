"""What a policy would have alerted, beside another, in the order of arrival."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from authenticity.detection.findings import FindingKind
from authenticity.detection.item_state import UNKNOWN, KnownItem
from authenticity.detection.policy import DEFAULT_POLICY, Policy, Severity
from authenticity.errors import ConfigurationError
from authenticity.gs1.item import ItemId, serial_of
from authenticity.history.history import decode_history
from authenticity.records.batch_registry import BatchRegistry
from authenticity.records.scan import Scan, encode_scan
from authenticity.trust.trust_list import read_trust_list
from cli.app import app
from simulation.files import SimulationFiles, simulate
from simulation.traffic import Scenario, Traffic
from stream.backtest import Backtest, Course
from stream.replay import Replay
from stream.step import step, updates_of
from stream.verification import ScanVerifier

ITEMS = 400
SCENARIO = Scenario(seed=1, items=ITEMS)
TRAFFIC = Traffic(SCENARIO)
TRUST_LIST = read_trust_list(
    TRAFFIC.world.trust_document, TRAFFIC.world.roots, at=datetime.now(UTC)
)
BATCH_REGISTRY = BatchRegistry(TRAFFIC.world.batch(number) for number in TRAFFIC.world.batches)
SCANS = sorted(
    (line.scan for index in range(SCENARIO.items) for line in TRAFFIC.of_pack(index)),
    key=lambda scan: scan.received_at,
)


def ran(scans: Sequence[Scan], *policies: Policy) -> tuple[Course, ...]:
    run = Backtest(TRUST_LIST, BATCH_REGISTRY, policies)
    run.feed(scans)
    run.close()
    return run.courses


STRICT = replace(DEFAULT_POLICY, alert_from=Severity.CRITICAL)


@pytest.fixture(scope="module")
def courses() -> tuple[Course, ...]:
    """Of all scans, under the default policy and a stricter one."""
    return ran(SCANS, DEFAULT_POLICY, STRICT)


def test_what_stands_in_the_end_is_what_the_replay_prints(courses: tuple[Course, ...]) -> None:
    course, _ = courses
    replay = Replay(TRUST_LIST, BATCH_REGISTRY, DEFAULT_POLICY)
    replay.feed(enumerate((encode_scan(scan) for scan in SCANS), 1))
    lines = [json.loads(line) for line in replay.final_lines()]
    replay.close()
    printed = {(line["item"], line["kind"]) for line in lines if line["type"] == "alert"}
    assert printed
    assert {(name.item, name.kind.value) for name in course.standing} == printed


def test_a_stricter_severity_takes_alerts_away_and_adds_none(courses: tuple[Course, ...]) -> None:
    all_of_them, critical = courses
    assert set(critical.raised) < set(all_of_them.raised)
    assert all(day == all_of_them.raised[name] for name, day in critical.raised.items())


def test_an_alert_counts_on_the_day_on_which_its_scan_arrived(courses: tuple[Course, ...]) -> None:
    course, _ = courses
    never_issued = [name for name in course.raised if name.kind is FindingKind.NEVER_ISSUED]
    assert never_issued
    for name in never_issued[:20]:
        serial = serial_of(name.item)
        assert serial
        arrived = [scan.received_at.date() for scan in SCANS if f"/21/{serial}" in scan.code]
        assert course.raised[name] in arrived


def test_scans_of_an_earlier_day_are_refused() -> None:
    run = Backtest(TRUST_LIST, BATCH_REGISTRY, [DEFAULT_POLICY])
    earlier = replace_arrival(SCANS[0], SCANS[-1].received_at - timedelta(days=3))
    with pytest.raises(ValueError, match="by arrival"):
        run.feed([SCANS[-1], earlier])
    run.close()


def replace_arrival(scan: Scan, at: datetime) -> Scan:
    return msgspec.structs.replace(scan, received_at=at)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> SimulationFiles:
    """Read only: whoever changes it takes a copy of it."""
    folder = tmp_path_factory.mktemp("recorded")
    files = SimulationFiles(folder / "scans.ndjson", folder / "truth.ndjson")
    simulate(SCENARIO, files)
    return files


@pytest.fixture
def copied(recorded: SimulationFiles, tmp_path: Path) -> SimulationFiles:
    folder = shutil.copytree(recorded.scans.parent, tmp_path / "copied")
    return SimulationFiles(folder / recorded.scans.name, folder / recorded.truth.name)


def invoked(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["backtest", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_the_command_compares_with_the_default_and_with_the_truth(
    recorded: SimulationFiles, tmp_path: Path
) -> None:
    policy = tmp_path / "strict.toml"
    policy.write_text('version = "strict"\nalert_from = "critical"\n')
    code, printed, _ = invoked(
        "--policy", policy, "--scans", recorded.scans, "--truth", recorded.truth,
        "--data", tmp_path, "--json",
    )  # fmt: skip
    report = json.loads(printed)
    assert code == 0
    assert (report["policy"], report["against"]) == ("strict", DEFAULT_POLICY.version)
    assert not report["new"]
    assert {name["kind"] for name in report["gone"]} >= {"diverted"}
    assert report["truth"]["against"]["families"]["diversion"]["recall"] == 1.0
    assert report["truth"]["policy"]["families"]["diversion"]["recall"] == 0.0
    assert sum(row["against"] for row in report["days"]) == sum(
        row["against"] for row in report["kinds"].values()
    )


def test_a_policy_that_names_more_markets_alerts_less_of_diversion(
    recorded: SimulationFiles, tmp_path: Path
) -> None:
    countries = sorted({s.place.country for s in SCANS if s.place and s.place.country})
    policy = tmp_path / "everywhere.toml"
    policy.write_text(f'version = "everywhere"\n[markets]\nalso = {json.dumps(countries)}\n')
    _, printed, _ = invoked(
        "--policy", policy, "--scans", recorded.scans, "--data", tmp_path, "--json"
    )
    report = json.loads(printed)
    diverted = report["kinds"]["diverted"]
    assert diverted["against"] > 0
    assert (diverted["alerts"], diverted["gone"]) == (0, diverted["against"])


def test_the_order_of_the_lines_changes_nothing(copied: SimulationFiles, tmp_path: Path) -> None:
    policy = tmp_path / "same.toml"
    policy.write_text("")
    arguments = ("--policy", policy, "--scans", copied.scans, "--data", tmp_path, "--json")
    lines = copied.scans.read_bytes().splitlines(keepends=True)[:700]
    copied.scans.write_bytes(b"".join(lines))
    _, in_order, _ = invoked(*arguments)
    copied.scans.write_bytes(b"".join(reversed(lines)))
    assert invoked(*arguments)[1] == in_order
    assert json.loads(in_order)["scans"] == len(lines)


def test_people_read_tables_and_lines_that_are_no_scans_are_named(
    copied: SimulationFiles, tmp_path: Path
) -> None:
    policy = tmp_path / "loud.toml"
    policy.write_text("diverted_sessions = 1\n")
    with copied.scans.open("ab") as file:
        file.write(b"no scan\n")
    code, printed, said = invoked(
        "--policy", policy, "--scans", copied.scans, "--truth", copied.truth, "--data", tmp_path
    )
    assert code == 1
    assert "no scan" in said or "not a scan" in said
    assert "change `version`" in said
    assert "precision" in printed and "forged" in printed


@pytest.mark.parametrize(
    ("option", "words"),
    [("--policy", "cannot read the policy"), ("--scans", "cannot read"), ("--truth", "the truth")],
)
def test_a_missing_file_is_named_with_the_next_step(
    recorded: SimulationFiles, tmp_path: Path, option: str, words: str
) -> None:
    policy = tmp_path / "p.toml"
    policy.write_text("")
    given = {"--policy": policy, "--scans": recorded.scans, "--truth": recorded.truth}
    given |= {option: tmp_path / "missing.ndjson"}
    arguments = [str(part) for pair in given.items() for part in pair]
    trust = ["--trust-list", str(recorded.trust), "--data", str(tmp_path)]
    result = CliRunner().invoke(app, ["backtest", *arguments, *trust])
    assert isinstance(result.exception, ConfigurationError)
    assert words in str(result.exception)
    assert result.exception.next_step


@pytest.mark.parametrize("fold", [1, 37])
def test_folding_step_by_step_in_any_order_ends_in_the_items_alerts_of_the_replay(
    fold: int,
) -> None:
    scans = SCANS[: len(SCANS) // 3]
    replay = Replay(TRUST_LIST, BATCH_REGISTRY, DEFAULT_POLICY)
    replay.feed(enumerate((encode_scan(scan) for scan in scans), 1))
    lines = [json.loads(line) for line in replay.final_lines()]
    replay.close()
    verifier = ScanVerifier()
    checked = verifier.check(scans[::-1], TRUST_LIST)
    verifier.close()
    known: dict[ItemId, KnownItem] = {}
    for first in range(0, len(checked), fold):
        updates = updates_of(checked[first : first + fold])
        for change in step(updates, known, BATCH_REGISTRY, DEFAULT_POLICY):
            published = {**known.get(change.item, UNKNOWN).published}
            published |= {alert.kind: alert for alert in change.alerts}
            history = decode_history(change.history)
            known[change.item] = KnownItem(history, change.version + 1, published, change.signals)
    standing = {
        (item, kind.value)
        for item, of_item in known.items()
        for kind, alert in of_item.published.items()
        if not alert.retracted
    }
    printed = {(line["item"], line["kind"]) for line in lines if line["type"] == "alert"}
    assert standing == {(item, kind) for item, kind in printed if item in known}
    assert {line["item"] for line in lines if line["type"] == "standing"} == set(known)
