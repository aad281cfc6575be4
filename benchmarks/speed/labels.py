"""`touchstone bench labels`: print-ready sheets beside the same sheets by reportlab.

Ours: what `touchstone issue --labels pdf` does: draw on all cores, write the PDF,
read every symbol back from it. Baseline: the same symbols (computed by zxing-cpp too),
text and places, drawn by reportlab in its one process; nothing is read back. Both in
labels a second. In the details: ours in one process, and reportlab with its own QR
widget, as its manual would have it.
"""

import os
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from reportlab.graphics import renderPDF
from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.pdfgen.canvas import Canvas

from authenticity.trust.signature_field import Algorithm
from benchmarks.machine import machine
from benchmarks.speed.result import Details, Result, interleaved
from keys.guarded_files import make_private_folder
from keys.signer import KeyFile, generate_key_file
from producers.issuing.order import Order, template_of
from producers.issuing.signing import Chunk, sign_chunk
from producers.labels.layout import POINTS_PER_MM, SheetLayout, label_layout, layout_of
from producers.labels.release import release_sheets
from producers.labels.sheets import text_lines
from producers.labels.symbols import draw_mask

TARGET: Final = 10.0
_PASSPHRASE: Final = b"benchmark"
_BLACK: Final = re.compile("0+")
_Draw = Callable[[Canvas, str, float, float, float], None]


def measure(*, quick: bool) -> Result:
    """The baseline draws fewer labels of the same kind: it takes 7 ms for each."""
    many, few, runs = (10_000, 500, 1) if quick else (10_000, 1_000, 5)
    sheet = layout_of("60x30", "a4", 10, 2, 0.396, "")
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory(prefix="touchstone-bench-") as name:
        folder = Path(name)
        lines = _manifest_lines(folder, many)
        (folder / "manifest.csv").write_bytes(b"serial,code\n" + lines)
        codes = [line.partition(",")[2] for line in lines.decode().splitlines()]
        ours, baseline, ratio = interleaved(
            lambda: _ours(folder, sheet, many, cores),
            lambda: _baseline(folder, sheet, codes[:few], _draw_modules),
            runs,
        )
        alone = _ours(folder, sheet, many, 1)
        own_widget = _baseline(folder, sheet, codes[:100], _draw_widget)
    details: Details = {
        "labels": many,
        "labels_of_pair": few,
        "read_back_by_us": "all",
        "read_back_by_pair": "none",
        "our_processes": cores,
        "ours_in_one_process": round(alone, 1),
        "ratio_in_one_process": round(alone / baseline, 2),
        "pair_with_its_own_qr_widget": round(own_widget, 1),
    }
    return Result("labels", "labels/s", ours, baseline, ratio, TARGET, runs, machine(), details)


def _manifest_lines(folder: Path, count: int) -> bytes:
    store = folder / "keys"
    make_private_folder(store)
    path, _ = generate_key_file(store, "bench", Algorithm.ED25519, _PASSPHRASE)
    order = Order("bench", "09521234000013", count, "id.bench.example", "L7", "281231")
    signer = KeyFile(path, 0, _PASSPHRASE).open()
    return sign_chunk(signer, template_of(order, Algorithm.ED25519, 0), Chunk(count))


def _ours(folder: Path, sheet: SheetLayout, count: int, cores: int) -> float:
    began = time.perf_counter()
    release_sheets(folder, sheet, workers=cores)
    return count / (time.perf_counter() - began)


def _baseline(folder: Path, sheet: SheetLayout, codes: Sequence[str], draw: _Draw) -> float:
    began = time.perf_counter()
    page = (sheet.sheet_width_mm * POINTS_PER_MM, sheet.sheet_height_mm * POINTS_PER_MM)
    canvas = Canvas(str(folder / "baseline.pdf"), pagesize=page)
    lines = text_lines(codes[0])
    layout = label_layout(sheet, 53, len(lines), max(map(len, lines)))
    for number, code in enumerate(codes):
        place = number % sheet.labels_per_sheet
        if number and not place:
            canvas.showPage()
        left, top = sheet.corner_mm(place)
        from_bottom = sheet.sheet_height_mm - top
        draw(
            canvas,
            code,
            (left + layout.symbol_left_mm) * POINTS_PER_MM,
            (from_bottom - layout.symbol_top_mm) * POINTS_PER_MM,
            sheet.module_mm * POINTS_PER_MM,
        )
        text = canvas.beginText(
            (left + layout.text_left_mm) * POINTS_PER_MM,
            (from_bottom - layout.text_top_mm) * POINTS_PER_MM,
        )
        text.setFont("Courier-Bold", layout.text_points)
        for line in text_lines(code):
            text.textLine(line)
        canvas.drawText(text)
    canvas.save()
    return len(codes) / (time.perf_counter() - began)


def _draw_modules(canvas: Canvas, code: str, left: float, top: float, module: float) -> None:
    """One path, a rectangle for each run of black modules."""
    side, mask = draw_mask(code)
    row_bytes = len(mask) // side
    path = canvas.beginPath()
    for y in range(side):
        row = int.from_bytes(mask[y * row_bytes : (y + 1) * row_bytes], "big")
        bits = f"{row:0{8 * row_bytes}b}"[:side]
        for run in _BLACK.finditer(bits):
            width = (run.end() - run.start()) * module
            path.rect(left + run.start() * module, top - (y + 1) * module, width, module)
    canvas.drawPath(path, stroke=0, fill=1)


def _draw_widget(canvas: Canvas, code: str, left: float, top: float, module: float) -> None:
    side = 53 * module
    drawing = Drawing(side, side)
    drawing.add(QrCodeWidget(code, barLevel="M", barBorder=0, barWidth=side, barHeight=side))
    renderPDF.draw(drawing, canvas, left, top - side)
