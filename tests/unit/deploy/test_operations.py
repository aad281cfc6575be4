"""docs/how-to/operate.md names metrics, partitions and retention as they are.

That its commands, settings, links and files exist is tested with those of every page, in
tests/unit/docs.
"""

import re
from pathlib import Path

from events.topics import TOPICS
from stream.engine_stats import EngineStats
from stream.metrics import exposition
from verifier_api.metrics import Metrics

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "how-to" / "operate.md").read_text()


def test_every_metric_that_is_named_is_shown() -> None:
    shown = (exposition(EngineStats()) + Metrics().exposition()).decode()
    named = set(re.findall(r"`(touchstone_(?!worker|api|restored)\w+)`", PAGE))
    assert named
    for metric in named:
        assert metric in shown


def test_partitions_and_days_are_those_of_the_topics() -> None:
    partitions = {topic.name: topic.partitions for topic in TOPICS}
    assert "`scans` has 24, `alerts` 24, `batches` and `scans-dead` 4, `trust` 1" in PAGE
    assert partitions == {"scans": 24, "alerts": 24, "batches": 4, "scans-dead": 4, "trust": 1}
    days = {topic.name: topic.kept_days for topic in TOPICS}
    assert "`scans` are kept 30 days, `scans-dead` 90, `alerts` a year" in PAGE
    assert days == {"scans": 30, "scans-dead": 90, "alerts": 365, "batches": None, "trust": None}
