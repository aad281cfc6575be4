"""The pages of the repository: their links, anchors, code and named files."""

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
_FENCE: Final = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_SHELL: Final = re.compile(r"^ *```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_INLINE: Final = re.compile(r"`([^`\n]+)`")


def page_names() -> list[str]:
    """Every page of Markdown that is tracked, by its path from the root."""
    listed = subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return listed.stdout.splitlines()


@cache
def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def links_of(name: str) -> list[tuple[str, str]]:
    """Targets of relative links as (path, anchor), either of them maybe empty."""
    prose = _INLINE.sub("", _FENCE.sub("", text_of(name)))
    targets = re.findall(r"\]\(([^)\s]+)\)", prose)
    pairs = [target.partition("#") for target in targets if "://" not in target]
    return [(path, anchor) for path, _, anchor in pairs]


def anchors_of(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MkDocs both name them."""
    prose = _FENCE.sub("", path.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def code_of(name: str) -> list[str]:
    """Text in code font outside of blocks."""
    return _INLINE.findall(_FENCE.sub("", text_of(name)))


def shell_lines_of(name: str) -> list[str]:
    """Lines of shell blocks, continued lines joined, without comments."""
    blocks = "\n".join(_SHELL.findall(text_of(name))).replace("\\\n", " ")
    return [line.split(" #")[0].strip() for line in blocks.splitlines()]


def commands_of(name: str, program: str) -> list[list[str]]:
    """Every use of this program in code font or in a shell block, as words without its name."""
    given = [*code_of(name), *shell_lines_of(name)]
    found = [re.split(rf"(?:^|[\s/(]){program} ", line, maxsplit=1) for line in given]
    lines = [parts[1] for parts in found if len(parts) == 2 and _begins(parts[0])]
    return [re.split(r"[|;>]", line)[0].split() for line in lines]


def _begins(before: str) -> bool:
    """Whether what stands before a program's name lets it be a command."""
    return before == "" or before.endswith((".venv/bin", "$")) or "=" in before
