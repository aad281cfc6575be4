"""QR symbols: drawn, and read back. Error level M, as many modules as the code needs.

Bulk symbols are drawn by zxing-cpp as 1-bit masks, single ones by qrcode as PNG or
SVG. A mask has one bit a module, rows padded to bytes, 0 for black, no quiet zone.
"""

import io
import re
from typing import TYPE_CHECKING, Final, cast

import qrcode
import zxingcpp
from PIL import Image
from qrcode.constants import ERROR_CORRECT_M

from producers.labels.layout import QUIET_MODULES

if TYPE_CHECKING:
    from typing_extensions import Buffer

PNG_PIXELS_PER_MODULE: Final = 10
_SVG_RUN: Final = re.compile(r"M(\d+) (\d+)h(\d+)v1h-\3z")
_SVG_SIDE: Final = re.compile(r'viewBox="0 0 (\d+) \1"')


def draw_mask(code: str) -> tuple[int, bytes]:
    """Modules a side, and the mask."""
    symbol = zxingcpp.create_barcode(code, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    pixels = zxingcpp.write_barcode_to_image(symbol, scale=1, add_quiet_zones=False)
    side = int(pixels.shape[0])
    shades = bytes(memoryview(cast("Buffer", pixels)))
    image = Image.frombuffer("L", (side, side), shades, "raw", "L", 0, 1)
    return side, image.convert("1", dither=Image.Dither.NONE).tobytes()


def read_mask(side: int, mask: bytes) -> str | None:
    """The text in a mask, read as a scanner would: on white paper; None if it cannot be."""
    whole = side + 2 * QUIET_MODULES
    paper = Image.new("1", (whole, whole), 1)
    try:
        paper.paste(Image.frombytes("1", (side, side), mask), (QUIET_MODULES, QUIET_MODULES))
    except ValueError:
        return None
    return _read(paper.convert("L"))


def draw_png(code: str, module_mm: float) -> bytes:
    """With quiet zone; its resolution says the size of a module."""
    symbol = qrcode.QRCode(
        error_correction=ERROR_CORRECT_M, border=QUIET_MODULES, box_size=PNG_PIXELS_PER_MODULE
    )
    symbol.add_data(code)
    symbol.make(fit=True)
    file = io.BytesIO()
    dots_per_inch = PNG_PIXELS_PER_MODULE * 25.4 / module_mm
    symbol.make_image().get_image().save(file, "PNG", dpi=(dots_per_inch, dots_per_inch))
    return file.getvalue()


def read_png(png: bytes) -> str | None:
    """The text in a PNG, or None."""
    with Image.open(io.BytesIO(png)) as image:
        return _read(image.convert("L"))


def draw_svg(code: str, module_mm: float) -> str:
    """With quiet zone; one path, one run of black modules a rectangle, in modules."""
    symbol = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=QUIET_MODULES)
    symbol.add_data(code)
    symbol.make(fit=True)
    rows = symbol.get_matrix()
    runs = "".join(
        f"M{run.start()} {y}h{len(run[0])}v1h-{len(run[0])}z"
        for y, row in enumerate(rows)
        for run in re.finditer("1+", "".join("1" if black else "0" for black in row))
    )
    side, width_mm = len(rows), len(rows) * module_mm
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width_mm:.3f}mm" '
        f'height="{width_mm:.3f}mm" viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
        f'<rect width="{side}" height="{side}" fill="#fff"/><path d="{runs}"/></svg>\n'
    )


def read_svg(svg: str) -> str | None:
    """The text in an SVG of `draw_svg`, drawn anew from its own path; None if it cannot be."""
    found = _SVG_SIDE.search(svg)
    if found is None or int(found[1]) > 200:
        return None
    image = Image.new("L", (int(found[1]), int(found[1])), 255)
    for run in _SVG_RUN.finditer(svg):
        left, top, width = (int(part) for part in run.groups())
        image.paste(0, (left, top, left + width, top + 1))
    return _read(image)


def _read(image: Image.Image) -> str | None:
    pixels = memoryview(image.tobytes()).cast("B", (image.height, image.width))
    formats = zxingcpp.barcode_formats_from_str("QRCode")
    found = zxingcpp.read_barcodes(pixels, formats=formats, is_pure=True)
    return found[0].text if len(found) == 1 and found[0].text else None
