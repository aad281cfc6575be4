"""Photographs of codes, made for tests."""

import io

import zxingcpp
from PIL import Image


def symbol(text: str, *, gs1: bool = False, scale: int = 4) -> Image.Image:
    """One QR symbol with its quiet zone; `gs1`: element strings in brackets, with FNC1."""
    options = {"gs1": True} if gs1 else {}
    made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, **options)
    pixels = zxingcpp.write_barcode_to_image(made, scale=scale, add_quiet_zones=True)
    return Image.fromarray(pixels)


def sheet(*symbols: Image.Image) -> Image.Image:
    """Symbols below one another on white paper."""
    width = max(each.width for each in symbols)
    paper = Image.new("L", (width, sum(each.height for each in symbols)), 255)
    top = 0
    for each in symbols:
        paper.paste(each, (0, top))
        top += each.height
    return paper


def file_of(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The image as a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()
