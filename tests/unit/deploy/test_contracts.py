"""The import contracts name every module that they are about."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
CONTRACTS = {
    contract["name"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
}


def test_every_module_of_the_stream_but_its_faust_source_is_kept_from_faust() -> None:
    name = "Faust and its driver live in stream.sources.faust alone"
    kept = set(CONTRACTS[name]["source_modules"])
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "stream").rglob("*.py")
        if path.name != "__init__.py" and "faust" not in path.parts
    }
    assert modules <= kept


def test_every_top_level_package_is_in_a_layer() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = " ".join(
        next(c for c in config["contracts"] if c["type"] == "layers")["layers"]
    ).split()
    assert {layer.partition(".")[0] for layer in layers if layer not in "|:"} == set(
        config["root_packages"]
    )
