"""A policy file is refused with the name of what is wrong, and documented as it is."""

import re
from pathlib import Path

import pytest

from authenticity.errors import PolicyError
from authenticity.policy import DEFAULT_POLICY, read_policy

DOCUMENTED = Path(__file__).parents[3] / "docs" / "policy.md"


def test_an_empty_file_is_the_default_policy() -> None:
    assert read_policy("") == DEFAULT_POLICY


def test_the_documented_file_is_the_default_policy_whole() -> None:
    [block] = re.findall(r"```toml\n(.*?)```", DOCUMENTED.read_text(), re.DOTALL)
    assert read_policy(block) == DEFAULT_POLICY
    for name in (*DEFAULT_POLICY.__dataclass_fields__, *DEFAULT_POLICY.clone.__dataclass_fields__):
        assert name in block


def test_one_value_changes_and_the_others_stay() -> None:
    policy = read_policy("[clone]\nspeed_limit_kmh = 500.0")
    assert policy.clone.speed_limit_kmh == 500.0
    assert policy.clone.crowd_places == DEFAULT_POLICY.clone.crowd_places


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("undo_window_days = \n", "line 1"),
        ("undo_days = 3", "undo_days"),
        ("[clone]\nspeed = 3", "clone.speed"),
        ('late_after_hours = "long"', "late_after_hours"),
        ("late_after_hours = 0", "late_after_hours"),
        ("[clone]\nspeed_limit_kmh = inf", "speed_limit_kmh"),
        ("[clone.radius_factor]\ngps = -1.0", "radius_factor"),
        ("[clone.radius_factor]\nsextant = 1.0", "sextant"),
        ('alert_from = "loud"', "alert_from"),
    ],
)
def test_a_bad_policy_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(PolicyError, match=re.escape(named)):
        read_policy(text)
