"""Worlds by name: the benchmark's never changes, drawn ones say what they are made of."""

import json
import re
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.commands.simulate import WorldName
from simulation.files import SimulationFiles, simulate
from simulation.presets import KEPT_OUT, PRESETS, scenario_named
from simulation.priors import PRIORS, drawn_scenario, with_value
from simulation.setting import check_settings, settings_of, value_at
from simulation.settings_page import presets_table, settings_table
from simulation.traffic import BENCHMARK, Scenario, Traffic
from simulation.world_record import decode_world, encode_world, world_record

ITEMS = 3_000
DIGESTS = {
    ("benchmark", 301): (
        "9641f2e97464511d", "51d9bbbb613a0242", "e3c369531d669d7e", "ed35ed374e74f3ae",
    ),
    ("small", 7): (
        "f1481f151af5c34e", "175eb501f70ed112", "4c06274da6b837e0", "20591523e62e4427",
    ),
}  # fmt: skip
"""Of scans, truth, attacks and batches: the first 16 hexadecimal digits of SHA-256."""
DRAWN = [drawn_scenario(seed, 1_000) for seed in range(2_001, 2_031)]


@pytest.mark.parametrize(("world", "seed"), DIGESTS)
def test_a_world_that_was_published_keeps_its_bytes(tmp_path: Path, world: str, seed: int) -> None:
    files = SimulationFiles(tmp_path / "scans.ndjson", tmp_path / "scans.truth.ndjson")
    simulate(scenario_named(world, seed, ITEMS), files)
    written = (files.scans, files.truth, files.attacks, files.batches)
    assert (
        tuple(sha256(path.read_bytes()).hexdigest()[:16] for path in written)
        == (DIGESTS[world, seed])
    )


def test_every_number_of_a_world_has_a_unit_a_range_and_a_source() -> None:
    settings = settings_of(Scenario)
    assert len(settings) > 90
    for path, setting in settings:
        assert setting.unit and setting.source and setting.least < setting.most, path


@pytest.mark.parametrize("path", [prior.path for prior in PRIORS])
def test_a_prior_is_of_a_setting_and_does_not_always_draw_the_same(path: str) -> None:
    assert path in {each.path for each in settings_of(Scenario)}
    assert len({value_at(scenario, path) for scenario in DRAWN}) > 1


def test_what_is_drawn_is_within_its_range() -> None:
    for scenario in DRAWN:
        check_settings(scenario)


def test_a_drawn_world_is_the_same_for_the_same_seed_alone() -> None:
    assert drawn_scenario(7, 1_000) == drawn_scenario(7, 1_000)
    assert replace(drawn_scenario(7, 1_000), seed=8) != drawn_scenario(8, 1_000)


def test_what_no_prior_draws_is_as_in_the_benchmark() -> None:
    drawn = {prior.path for prior in PRIORS}
    for path, _ in settings_of(Scenario):
        if path not in drawn:
            values = {value_at(scenario, path) for scenario in DRAWN}
            assert values == {value_at(BENCHMARK, path)}, path


@pytest.mark.parametrize("name", ["aid", "border", "one-gateway", "collectables"])
def test_a_kind_of_world_that_is_kept_out_has_what_no_drawn_world_has(name: str) -> None:
    drawn = {prior.path for prior in PRIORS}
    kept_out = scenario_named(name, 1, 1_000)
    different = [
        path for path, _ in settings_of(Scenario)
        if path not in drawn and value_at(kept_out, path) != value_at(BENCHMARK, path)
    ]  # fmt: skip
    assert different


def test_a_value_outside_its_range_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=re.escape("noise.vpn is 1.5, in share of")):
        Traffic(with_value(BENCHMARK, "noise.vpn", 1.5))


@pytest.mark.parametrize("name", PRESETS)
def test_a_record_of_a_world_is_read_back_whole(name: str) -> None:
    record = world_record(name, scenario_named(name, 5, 1_000), is_drawn=name == "drawn")
    assert decode_world(encode_world(record)).settings == record.settings
    assert bool(record.drawn) is (name == "drawn")


@pytest.mark.parametrize("name", PRESETS)
def test_a_world_makes_scans_and_the_same_ones_again(name: str) -> None:
    one, other = (Traffic(scenario_named(name, 9, 2_000)) for _ in range(2))
    packs = range(0, 2_000, 25)
    forwards = {index: one.of_pack(index) for index in packs}
    assert sum(map(len, forwards.values())) > 20
    for index in reversed(packs):
        assert other.of_pack(index) == forwards[index]


def test_the_command_knows_every_world_and_says_what_it_is() -> None:
    assert [str(name) for name in WorldName] == list(PRESETS)
    told = CliRunner().invoke(app, ["simulate", "--help"], env={"COLUMNS": "120"}).output
    lines = [" ".join(line.strip(" │").split()) for line in told.splitlines()]
    for name, preset in PRESETS.items():
        assert f"{name} {preset.says}" in lines
    assert len(KEPT_OUT) >= 8


def test_the_command_prints_and_records_what_was_drawn(tmp_path: Path) -> None:
    scans = tmp_path / "s.ndjson"
    arguments = ["simulate", "--items", "200", "--seed", "3", "--world", "drawn"]
    told = CliRunner().invoke(app, [*arguments, "--out", str(scans), "--json"])
    assert told.exit_code == 0, told.output
    recorded = json.loads(scans.with_suffix(".world.json").read_bytes())
    assert recorded["name"] == "drawn"
    assert recorded["drawn"] == json.loads(told.stdout)["drawn"]
    assert set(recorded["drawn"]) == {prior.path for prior in PRIORS}


def test_the_page_of_worlds_has_every_setting_and_every_world_that_is_kept_out() -> None:
    page = (Path(__file__).parents[3] / "docs/reference/simulated-worlds.md").read_text()
    for table in (settings_table(), presets_table()):
        assert "\n" + "\n".join(table) + "\n" in page
