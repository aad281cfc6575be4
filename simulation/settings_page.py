"""The tables of docs/reference/simulated-worlds.md, from the settings, priors and presets.

    python -m simulation.settings_page

prints them; a test compares the page.
"""

from collections.abc import Iterator
from typing import Any, Final

from simulation.presets import PRESETS, scenario_named
from simulation.priors import PRIORS
from simulation.setting import settings_of, value_at
from simulation.traffic import BENCHMARK, Scenario

_LIKE: Final = "look-again"


def settings_table() -> Iterator[str]:
    """A row for each setting: what it is, its range, the benchmark's value and the prior."""
    priors = {prior.path: prior.text for prior in PRIORS}
    yield "| setting | unit | range | benchmark | drawn worlds | source |"
    yield "|---|---|---|---|---|---|"
    for path, setting in settings_of(Scenario):
        yield (
            f"| `{path}` | {setting.unit} | {setting.least:g} to {setting.most:g} |"
            f" {_text(value_at(BENCHMARK, path))} | {priors.get(path, 'as in the benchmark')} |"
            f" {setting.source} |"
        )


def presets_table() -> Iterator[str]:
    """A row for each world that is kept out of every fit, with what differs."""
    yield "| world | what it is | settings |"
    yield "|---|---|---|"
    for name, preset in PRESETS.items():
        if preset.is_kept_out:
            yield f"| `{name}` | {preset.says} | {_settings_of(name)} |"


def _settings_of(name: str) -> str:
    """What differs from the benchmark, or from the world that it is like."""
    own = list(_differences(name, "benchmark"))
    beside = list(_differences(name, _LIKE)) if name != _LIKE else own
    if len(beside) < len(own):
        return f"as `{_LIKE}`, but {', '.join(beside)}"
    return ", ".join(own)


def _differences(name: str, other: str) -> Iterator[str]:
    one, beside = (scenario_named(each, 1, 1_000) for each in (name, other))
    for path, _ in settings_of(Scenario):
        value = value_at(one, path)
        if value != value_at(beside, path):
            yield f"`{path}` {_text(value)}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(_text, value)) or "none"
    return f"{value:,g}" if value < 1e4 else f"{value:,.0f}"


if __name__ == "__main__":
    print("\n".join((*presets_table(), "", *settings_table())))
