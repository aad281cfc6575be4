"""Which package fell below its floor, and by how much."""

from typing import Any

from tests.support.coverage_floor import Reached, reached_branches, shortfalls, table


def _file(covered: int, total: int) -> dict[str, Any]:
    return {"summary": {"covered_branches": covered, "num_branches": total}}


def test_branches_are_summed_by_package() -> None:
    files = {"keys/a.py": _file(3, 4), "keys/b/c.py": _file(5, 6), "cli/main.py": _file(0, 0)}
    found = reached_branches({"files": files})
    assert found == {"keys": Reached(8, 10), "cli": Reached(0, 0)}
    assert [reached.percent for reached in found.values()] == [80.0, 100.0]


def test_a_package_below_its_floor_is_named_with_what_it_lost() -> None:
    found = {"keys": Reached(8, 10), "cli": Reached(5, 10)}
    assert list(shortfalls(found, {"keys": 80, "cli": 50})) == []
    [fallen] = shortfalls(found, {"keys": 81.5, "cli": 50})
    assert fallen.startswith("keys fell 1.5 points below its floor of 81.5 %")


def test_a_package_that_was_not_measured_or_has_no_floor_is_no_pass() -> None:
    assert "events fell 90.0 points" in next(shortfalls({}, {"events": 90}))
    assert next(shortfalls({"new": Reached(1, 1)}, {})).startswith("new has no floor")


def test_the_table_says_where_a_floor_can_rise() -> None:
    _, keys, cli = table({"keys": Reached(9, 10), "cli": Reached(5, 10)}, {"keys": 80, "cli": 50})
    assert keys.endswith("may rise to 90")
    assert "rise" not in cli
