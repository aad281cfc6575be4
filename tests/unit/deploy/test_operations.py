"""docs/how-to/operate.md speaks of commands, options, settings and files that exist."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from cli.app import app
from events.topics import TOPICS
from stream.engine_stats import EngineStats
from stream.metrics import exposition
from verifier_api.metrics import Metrics

ROOT = Path(__file__).parents[3]
PAGES = {name: (ROOT / name).read_text() for name in ("docs/how-to/operate.md", "README.md")}


def _command(words: list[str]) -> Any:
    command: Any = get_command(app)
    while hasattr(command, "commands"):
        if not words or words[0] not in command.commands:
            return None
        command, words = command.commands[words[0]], words[1:]
    return command


def _lines_of_commands(text: str) -> list[str]:
    quoted = re.findall(r"`touchstone ([^`\n]+)`", text)
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.S)).replace("\\\n", " ")
    return quoted + re.findall(r"^(?:CODE=.*)?touchstone ([^#|\n]+)", blocks, re.M)


@pytest.mark.parametrize(
    "line", sorted({line for text in PAGES.values() for line in _lines_of_commands(text)})
)
def test_every_command_and_option_exists(line: str) -> None:
    words = [word for word in line.split() if word not in ("…", "&")]
    if words[0] in ("COMMAND", "--help"):
        return
    group: Any = get_command(app).commands.get(words[0])  # type: ignore[attr-defined]
    assert group is not None
    command = _command(words)
    if command is None:
        assert len(words) == 1, line  # a group of commands, named as a whole
        return
    known = {name for parameter in command.params for name in parameter.opts}
    known |= {name for parameter in command.params for name in parameter.secondary_opts}
    assert {word.split("=")[0] for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("name", list(PAGES))
def test_every_setting_is_read_in_the_code(name: str) -> None:
    sources = "".join(
        path.read_text()
        for folder in ("cli", "verifier_api", "events", "ledger", "stream", "producers")
        for path in (ROOT / folder).rglob("*.py")
    )
    for setting in set(re.findall(r"\bTOUCHSTONE_[A-Z_]+\b", PAGES[name])):
        ends = [setting, setting.removeprefix("TOUCHSTONE_"),
                setting.removeprefix("TOUCHSTONE_WORKER_")]  # fmt: skip
        assert any(f'"{end}"' in sources for end in ends) or setting == "TOUCHSTONE_", setting


@pytest.mark.parametrize("name", list(PAGES))
def test_every_link_and_named_file_leads_somewhere(name: str) -> None:
    folder = (ROOT / name).parent
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", PAGES[name]):
        assert (folder / target).exists(), target
    for path in re.findall(r"`((?:docs|tests|stream|verifier_api)/[\w./-]+\.\w+)`", PAGES[name]):
        assert (ROOT / path).exists(), path


def test_every_metric_that_is_named_is_shown() -> None:
    shown = (exposition(EngineStats()) + Metrics().exposition()).decode()
    for metric in set(
        re.findall(r"`(touchstone_(?!worker|api|restored)\w+)`", PAGES["docs/how-to/operate.md"])
    ):
        assert metric in shown


def test_partitions_and_days_are_those_of_the_topics() -> None:
    text = PAGES["docs/how-to/operate.md"]
    partitions = {topic.name: topic.partitions for topic in TOPICS}
    assert "`scans` has 24, `alerts` 24, `batches` and `scans-dead` 4, `trust` 1" in text
    assert partitions == {"scans": 24, "alerts": 24, "batches": 4, "scans-dead": 4, "trust": 1}
    days = {topic.name: topic.kept_days for topic in TOPICS}
    assert "`scans` are kept 30 days, `scans-dead` 90, `alerts` a year" in text
    assert days == {"scans": 30, "scans-dead": 90, "alerts": 365, "batches": None, "trust": None}
