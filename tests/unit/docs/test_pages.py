"""Every page names links, anchors, files, commands, make targets and settings that exist."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from cli.app import app
from tests.unit.docs.pages import (
    ROOT,
    anchors_of,
    code_of,
    commands_of,
    links_of,
    page_names,
    shell_lines_of,
    text_of,
)

PAGES = page_names()
_CHANGELOG = "CHANGELOG.md"  # speaks of what was there in older versions
_PACKAGES = (
    "authenticity", "benchmarks", "cli", "demo", "deploy", "docs", "events", "keys", "ledger",
    "producers", "simulation", "stream", "tests", "verifier_api",
)  # fmt: skip
_PATH = re.compile(rf"(?:{'|'.join(_PACKAGES)})/[\w./*-]*")
_NOT_IN_THE_CHECKOUT = ("keys/",)  # the folder of keys in a data folder


@pytest.mark.parametrize("name", PAGES)
def test_every_relative_link_and_anchor_leads_somewhere(name: str) -> None:
    page = ROOT / name
    for path, anchor in links_of(name):
        target = (page.parent / path) if path else page
        assert target.exists(), path
        if anchor:
            assert anchor in anchors_of(target), f"{path}#{anchor}"


@pytest.mark.parametrize("name", [name for name in PAGES if name != _CHANGELOG])
def test_every_named_file_of_the_checkout_exists(name: str) -> None:
    for code in code_of(name):
        path = code.partition("::")[0]
        if _PATH.fullmatch(path) and path not in _NOT_IN_THE_CHECKOUT:
            assert list(ROOT.glob(path.rstrip("/"))), code


@pytest.mark.parametrize("name", [name for name in PAGES if name != _CHANGELOG])
def test_every_module_and_name_in_it_exists(name: str) -> None:
    for code in code_of(name):
        parts = code.split(".")
        if parts[0] not in _PACKAGES or len(parts) < 2 or not all(map(str.isidentifier, parts)):
            continue
        known = [end for end in range(1, len(parts) + 1) if _module(parts[:end])]
        assert known, code
        rest = parts[known[-1] :]
        source = _module(parts[: known[-1]])
        assert source is not None
        assert all(re.search(rf"\b{part}\b", source.read_text()) for part in rest), code


def _module(parts: list[str]) -> Path | None:
    path = ROOT.joinpath(*parts)
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.exists()), None)


@pytest.mark.parametrize("name", PAGES)
def test_every_make_target_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for words in commands_of(name, "make"):
        assert words[0] in targets, words


@pytest.mark.parametrize("name", [name for name in PAGES if name != _CHANGELOG])
def test_every_command_and_option_exists(name: str) -> None:
    for words in commands_of(name, "touchstone"):
        if not words[0][0].islower():  # COMMAND, an option, or no command at all
            continue
        command, rest = _command(words)
        if hasattr(command, "commands"):  # a group of commands, named as a whole
            assert rest == [], words
            continue
        known = {name for parameter in command.params for name in parameter.opts}
        known |= {name for parameter in command.params for name in parameter.secondary_opts}
        known.add("--help")
        assert {word.split("=")[0] for word in rest if word.startswith("--")} <= known, words


@cache
def _whole_command() -> Any:
    return get_command(app)


def _command(words: list[str]) -> tuple[Any, list[str]]:
    """The command that these words name, and the words after it."""
    command = _whole_command()
    rest = [word for word in words if word not in ("…", "&")]
    while hasattr(command, "commands") and rest:
        assert rest[0] in command.commands, words
        command, rest = command.commands[rest[0]], rest[1:]
    return command, rest


@pytest.mark.parametrize("name", [name for name in PAGES if name != _CHANGELOG])
def test_every_setting_is_read_in_the_code(name: str) -> None:
    for setting in set(re.findall(r"\bTOUCHSTONE_[A-Z_]+\b", text_of(name))):
        ends = [setting, setting.removeprefix("TOUCHSTONE_"),
                setting.removeprefix("TOUCHSTONE_WORKER_")]  # fmt: skip
        assert any(f'"{end}"' in _sources() for end in ends) or setting == "TOUCHSTONE_", setting


@cache
def _sources() -> str:
    """All code that reads settings."""
    return "".join(
        path.read_text()
        for folder in ("cli", "verifier_api", "events", "ledger", "stream", "producers")
        for path in (ROOT / folder).rglob("*.py")
    )


def test_every_page_of_the_site_is_in_its_index_and_its_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text()
    indexed = {path for path, _ in links_of("docs/index.md")}
    for name in PAGES:
        if name.startswith("docs/") and name != "docs/index.md":
            page = name.removeprefix("docs/")
            assert page in navigation
            assert page in indexed or page.startswith("decisions/")


def test_shell_blocks_of_the_readme_were_found() -> None:
    assert len(commands_of("README.md", "touchstone")) > 20
    assert len(commands_of("README.md", "make")) > 5
    assert any(line.startswith("curl ") for line in shell_lines_of("README.md"))
