"""Labels of a finished run: drawn, read back, and only then released.

A file is written under a name ending in `.rejected`; it loses that ending when
every symbol in it has been decoded from the file's own bytes and says the code of
its row of the manifest.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Final, TypeVar
from urllib.parse import quote

from authenticity.errors import UnavailableError
from keys.durable_files import sync_folder
from producers.issuing.manifest import read_codes
from producers.labels.layout import SheetLayout
from producers.labels.sheets import Label, misprints, text_lines, write_sheets
from producers.labels.symbols import draw_mask, draw_png, draw_svg, read_png, read_svg
from producers.processes import in_processes

LABELS_PER_FILE: Final = 5_000
"""Bounds the memory and what a printer has to swallow at once; each core makes a file."""
_SYMBOLS_AT_ONCE: Final = 200

Task = TypeVar("Task")


@dataclass(frozen=True, slots=True)
class SheetsTask:
    """One file of labels to make."""

    path: str
    sheet: SheetLayout
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SymbolTask:
    """Single symbols to draw into a folder: serial and code of each."""

    folder: str
    form: str
    module_mm: float
    rows: tuple[tuple[str, str], ...]


def release_sheets(
    folder: Path,
    sheet: SheetLayout,
    *,
    workers: int = 1,
    on_progress: Callable[[int], None] = lambda _: None,
) -> tuple[Path, ...]:
    """`labels-001.pdf`, … beside the manifest of a finished run, in its order.

    Raises `UnavailableError` for a symbol that does not read as its code; the file
    stays as `.rejected`.
    """
    codes = read_codes(folder / "manifest.csv")["code"].to_pylist()
    starts = range(0, len(codes), LABELS_PER_FILE)
    tasks = [
        SheetsTask(
            str(folder / f"labels-{number:03}.pdf"),
            sheet,
            tuple(codes[start : start + LABELS_PER_FILE]),
        )
        for number, start in enumerate(starts, 1)
    ]
    done = 0
    for count in _on_cores(make_sheets, tasks, workers):
        done += count
        on_progress(done)
    return tuple(Path(task.path) for task in tasks)


def make_sheets(_: None, task: SheetsTask) -> int:
    """Draw, write, read back and release the file; how many labels it holds."""
    labels = draw_labels(task.sheet.product, task.codes)
    release_file(Path(task.path), labels, task.sheet, task.codes)
    return len(labels)


def release_file(
    path: Path, labels: Sequence[Label], sheet: SheetLayout, codes: Sequence[str]
) -> None:
    """Write one file, read all of it back, release it."""
    rejected = path.with_name(path.name + ".rejected")
    path.unlink(missing_ok=True)
    write_sheets(labels, sheet, rejected)
    _refuse_misprints(rejected, codes)
    rejected.rename(path)
    sync_folder(path.parent)


def release_symbols(
    folder: Path,
    form: str,
    sheet: SheetLayout,
    *,
    workers: int = 1,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Path:
    """A folder `symbols-png` or `symbols-svg` with one file a code, named by the serial.

    The serial is percent-encoded where a file name could not hold it.
    """
    table = read_codes(folder / "manifest.csv")
    rows = list(zip(table["serial"].to_pylist(), table["code"].to_pylist(), strict=True))
    released, rejected = folder / f"symbols-{form}", folder / f"symbols-{form}.rejected"
    for old in (released, rejected):
        if old.exists():
            rmtree(old)
    rejected.mkdir()
    tasks = [
        SymbolTask(str(rejected), form, sheet.module_mm, tuple(rows[at : at + _SYMBOLS_AT_ONCE]))
        for at in range(0, len(rows), _SYMBOLS_AT_ONCE)
    ]
    done = 0
    for count in _on_cores(draw_symbols, tasks, workers):
        done += count
        on_progress(done)
    rejected.rename(released)
    sync_folder(folder)
    return released


def draw_labels(product: tuple[str, ...], codes: Sequence[str]) -> list[Label]:
    """The symbols and lines of these codes."""
    return [Label(code, *draw_mask(code), text_lines(code, product)) for code in codes]


def draw_symbols(_: None, task: SymbolTask) -> int:
    """Draw, write, and read back from the file, each symbol of the task."""
    for serial, code in task.rows:
        path = Path(task.folder) / f"{quote(serial, safe='')}.{task.form}"
        if task.form == "svg":
            path.write_text(draw_svg(code, task.module_mm))
            read = read_svg(path.read_text())
        else:
            path.write_bytes(draw_png(code, task.module_mm))
            read = read_png(path.read_bytes())
        if read != code:
            raise _stopped(path, f"symbol {path.name}", "it does not read as its code")
    return len(task.rows)


def _on_cores(
    make: Callable[[None, Task], int], tasks: Sequence[Task], workers: int
) -> Iterator[int]:
    """In this process if there is but one task or one core."""
    if min(workers, len(tasks)) == 1:
        return (make(None, task) for task in tasks)
    return in_processes(_nothing, make, tasks, workers=min(workers, len(tasks)))


def _nothing() -> None:
    return None


def _refuse_misprints(rejected: Path, codes: Sequence[str]) -> None:
    for misprint in misprints(rejected, codes):
        name = f"label {misprint.number} ({misprint.code or 'no code'})"
        raise _stopped(rejected, name, misprint.reason)


def _stopped(path: Path, name: str, reason: str) -> UnavailableError:
    return UnavailableError(
        f"{name} must not be printed: {reason}. {path} was not released",
        next_step="run the same command again; if it happens again, report it",
    )
