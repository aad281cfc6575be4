"""The documentation builds without a warning, and its pages ask no other host."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
_LOADED = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=\"(?:https?:)?//[^\"]+")
_LOADED_BY_STYLE = re.compile(r"url\([\"']?(?:https?:)?//|@import")


def test_the_site_builds_strictly_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert (tmp_path / "site" / "index.html") in pages
    assert not [page for page in pages if _LOADED.search(page.read_text(encoding="utf-8"))]
    styles = (tmp_path / "site").rglob("*.css")
    assert not [s for s in styles if _LOADED_BY_STYLE.search(s.read_text(encoding="utf-8"))]
