"""Branches that tests reach, by package, held to a floor that only rises.

    coverage json -o - | python -m tests.support.coverage_floor unit

The floors are in pyproject.toml, `[tool.touchstone.coverage.unit]` (unit tests alone) and
`.all` (with the integration tests of the service, the ledger, Kafka and the engine). Exit
code 1 if a package is below its floor.
"""

import json
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
ROOM_PERCENT = 2.0


class Reached(NamedTuple):
    """Branches of one package."""

    covered: int
    total: int

    @property
    def percent(self) -> float:
        """100 for a package without branches."""
        return 100.0 * self.covered / self.total if self.total else 100.0


def reached_branches(report: Mapping[str, Any]) -> dict[str, Reached]:
    """By package, from the document that `coverage json` writes."""
    found: dict[str, Reached] = {}
    for path, file in report["files"].items():
        package = Path(path).parts[0]
        before = found.get(package, Reached(0, 0))
        summary = file["summary"]
        found[package] = Reached(
            before.covered + summary["covered_branches"], before.total + summary["num_branches"]
        )
    return found


def shortfalls(found: Mapping[str, Reached], floors: Mapping[str, float]) -> Iterator[str]:
    """A sentence for each package below its floor, or without one."""
    for package, floor in floors.items():
        percent = found[package].percent if package in found else 0.0
        if percent < floor:
            yield (
                f"{package} fell {floor - percent:.1f} points below its floor of {floor:g} %:"
                f" {percent:.1f} % of its branches are reached"
            )
    for package in found.keys() - floors.keys():
        yield f"{package} has no floor: give it one in {PYPROJECT.name}"


def table(found: Mapping[str, Reached], floors: Mapping[str, float]) -> Iterator[str]:
    """One line a package; where the floor can rise, what it can rise to."""
    yield f"{'package':<14} {'branches':>11} {'reached':>8} {'floor':>6}"
    for package, reached in found.items():
        floor = floors.get(package, 0.0)
        can_rise = reached.percent >= floor + ROOM_PERCENT
        rise = f"  may rise to {int(reached.percent)}" if can_rise else ""
        share = f"{reached.covered}/{reached.total}"
        yield f"{package:<14} {share:>11} {reached.percent:>6.1f} % {floor:>4g} %{rise}"


def main(arguments: Sequence[str]) -> int:
    """The exit code."""
    (which,) = arguments
    floors = tomllib.loads(PYPROJECT.read_text())["tool"]["touchstone"]["coverage"][which]
    found = reached_branches(json.load(sys.stdin))
    print("\n".join(table(found, floors)))
    fallen = list(shortfalls(found, floors))
    for sentence in fallen:
        print(sentence, file=sys.stderr)
    return 1 if fallen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
