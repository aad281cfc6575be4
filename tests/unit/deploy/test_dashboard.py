"""The dashboard and the alert rules ask for numbers that the programs show."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.process_collector import ProcessCollector
from typer.main import get_command

from authenticity.detection.standing import Standing
from cli.app import app
from stream.engine_stats import EngineStats
from stream.metrics import exposition
from verifier_api.metrics import Metrics

FOLDER = Path(__file__).parents[3] / "deploy" / "grafana"
BOARD: dict[str, Any] = json.loads((FOLDER / "touchstone.json").read_text())
_FILE: dict[str, Any] = yaml.safe_load((FOLDER / "alerts.yml").read_text())
RULES: list[dict[str, Any]] = _FILE["groups"][0]["rules"]
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
BY_THE_SERVER = {"up"}
"""Prometheus makes it."""


def _shown() -> dict[str, set[str]]:
    """Names of the samples of service and worker, with the names of their labels."""
    metrics = Metrics()
    metrics.requested("/v1/verify", "POST", 200, 0.01)
    metrics.answered(Standing.VERIFIED, provisional=False)
    process = CollectorRegistry()
    ProcessCollector(registry=process)
    text = metrics.exposition() + exposition(EngineStats()) + generate_latest(process)
    return {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def _asked() -> list[str]:
    return [target["expr"] for panel in PANELS for target in panel["targets"]] + [
        rule["expr"] for rule in RULES
    ]


@pytest.mark.parametrize("expression", _asked())
def test_every_metric_is_exposed_with_the_labels_asked_for(expression: str) -> None:
    shown = _shown()
    without_texts = re.sub(r'"[^"]*"', '""', expression)
    names = set(re.findall(r"\b(?:touchstone|process)_[a-z_]+\b", without_texts)) | (
        {"up"} & set(re.findall(r"[a-z_]+", without_texts))
    )
    assert names
    assert names <= shown.keys() | BY_THE_SERVER
    labels = set(re.findall(r"(\w+)(?:=~|!=|=)\"", without_texts))
    for grouped in re.findall(r"\bby \(([^)]*)\)", without_texts):
        labels |= {label.strip() for label in grouped.split(",")}
    known = set().union(*(shown.get(name, set()) for name in names)) | {"job", "instance"}
    assert labels <= known


def test_expressions_are_balanced_and_legends_name_labels_that_are_kept() -> None:
    for panel in PANELS:
        for target in panel["targets"]:
            expression, legend = target["expr"], target["legendFormat"]
            assert expression.count("(") == expression.count(")")
            for label in re.findall(r"{{(\w+)}}", legend):
                assert f"by ({label})" in expression or label == "instance"


def test_the_board_takes_whatever_data_source_it_is_given() -> None:
    (variable,) = BOARD["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    sources = {panel["datasource"]["uid"] for panel in PANELS}
    assert sources == {f"${{{variable['name']}}}"}
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


def test_what_operators_fear_has_a_panel() -> None:
    titles = " / ".join(panel["title"] for panel in PANELS)
    for subject in ("Scans a second", "Lag", "Fold time", "Conflicts", "Dead letters", "Feed delay",
                    "Requests", "Time to answer", "by standing", "Trust list ends"):  # fmt: skip
        assert subject in titles


def test_no_two_panels_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_every_alert_says_what_to_do_with_commands_that_exist() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    for rule in RULES:
        assert rule["labels"]["severity"] in ("warning", "critical")
        for word in re.findall(r"\btouchstone ([a-z][a-z-]+)", rule["annotations"]["do"]):
            assert word in commands, rule["alert"]
    assert len({rule["alert"] for rule in RULES}) == len(RULES)


def test_the_end_of_the_trust_list_is_a_time_of_this_age() -> None:
    metrics = Metrics()
    metrics.trust_expires_s = datetime(2027, 1, 1, tzinfo=UTC).timestamp()
    assert b"touchstone_trust_list_expires_timestamp_seconds 1.798" in metrics.exposition()
