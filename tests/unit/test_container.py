"""The container files speak of commands, settings and paths that exist in the code.

No engine runs them here: what can be checked without one is checked.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml
from typer.main import get_command

from cli.main import app

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICE: dict[str, Any] = COMPOSE["services"]["touchstone"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_the_command_and_its_options_exist() -> None:
    word, *options = SERVICE["command"]
    commands = get_command(app).commands  # type: ignore[attr-defined]
    known = {name for parameter in commands[word].params for name in parameter.opts}
    assert {option for option in options if option.startswith("--")} <= known


def test_every_setting_is_read_somewhere_in_the_code() -> None:
    sources = "".join(
        path.read_text()
        for folder in ("cli", "verifier_api")
        for path in (ROOT / folder).glob("*.py")
    )
    for name in SERVICE["environment"]:
        assert f'"{name}"' in sources or f'"{name.removeprefix("TOUCHSTONE_")}"' in sources, name


def test_the_health_check_asks_a_route_of_the_service_on_its_port() -> None:
    [url] = re.findall(r"http://[^']+", SERVICE["healthcheck"]["test"][-1])
    assert url in DOCKERFILE
    assert url.endswith("/healthz")
    assert '"/healthz"' in (ROOT / "verifier_api" / "app.py").read_text()
    assert SERVICE["command"][-1] in url


def test_it_runs_without_privileges_and_cannot_write_but_to_its_data() -> None:
    assert SERVICE["read_only"] is True
    assert SERVICE["cap_drop"] == ["ALL"]
    assert SERVICE["user"].split(":")[0] in DOCKERFILE
    assert SERVICE["environment"]["TOUCHSTONE_DATA"] == "/data"
    assert "data:/data" in SERVICE["volumes"]
    assert SERVICE["deploy"]["resources"]["limits"]["memory"]


def test_every_package_is_in_the_image_and_private_keys_are_not_mounted() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for package in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        assert f"COPY {package} {package}" in DOCKERFILE
        assert f"!{package}" in (ROOT / ".dockerignore").read_text().splitlines()
    assert not [volume for volume in SERVICE["volumes"] if "keys" in volume]
