"""Codes in a photograph or a scan of paper: every symbol that can be read.

Images come from anybody, so size and format are checked before a pixel is decoded: a
file of a few kilobytes can unfold to gigabytes.
"""

import io
import warnings
from dataclasses import dataclass
from typing import Final

import zxingcpp
from PIL import Image, ImageOps, UnidentifiedImageError

from authenticity.errors import InputError

FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
_MAGIC: Final = (
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """Beyond these an image is refused. 64 megapixels are the largest phone cameras'."""

    file_bytes: int = 40_000_000
    pixels: int = 64_000_000
    symbols: int = 1_000


LIMITS: Final = ImageLimits()


class PhotographError(InputError):
    """An image that cannot or must not be read."""


def is_image(start: bytes) -> bool:
    """Whether a file that begins with these bytes (12 or more) says that it is an image."""
    return start.startswith(_MAGIC) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")


def codes_in_image(data: bytes, limits: ImageLimits = LIMITS) -> list[str]:
    """The text of each symbol in the image, from top to bottom; empty if none can be read.

    GS1 symbols come with their symbology identifier and FNC1 as GS (`\\x1d`), as from a
    scanner. Whether a text is a code is not checked. Raises `PhotographError`.
    """
    if len(data) > limits.file_bytes:
        raise PhotographError(
            f"an image of {len(data):,} bytes; the limit is {limits.file_bytes:,}",
            next_step="take the photograph at a lower resolution",
        )
    symbols = zxingcpp.read_barcodes(_grey(data, limits), text_mode=zxingcpp.TextMode.Plain)
    if len(symbols) > limits.symbols:
        raise PhotographError(
            f"{len(symbols):,} symbols in one image; the limit is {limits.symbols:,}",
            next_step="take several photographs",
        )
    in_order = sorted(symbols, key=lambda symbol: (symbol.position.top_left.y, symbol.text))
    return [_as_scanned(symbol) for symbol in in_order]


def _grey(data: bytes, limits: ImageLimits) -> Image.Image:
    """The first picture of the file, the right way up, without colours."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                width, height = image.size
                if width * height > limits.pixels:
                    raise _too_large(f"{width:,} × {height:,} pixels", limits)
                image.load()
                upright = ImageOps.exif_transpose(image)
                return _on_white(upright)
    except UnidentifiedImageError:
        raise PhotographError(
            "this is no image that can be read here", next_step=f"use {', '.join(FORMATS)}"
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large("far too many pixels", limits) from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        raise PhotographError(
            f"the image is damaged: {error}", next_step="take the photograph again"
        ) from error


def _on_white(image: Image.Image) -> Image.Image:
    """Black modules on a transparent ground would otherwise be black on black."""
    if not image.has_transparency_data:
        return image.convert("L")
    coloured = image.convert("RGBA")
    white = Image.new("RGBA", coloured.size, "white")
    return Image.alpha_composite(white, coloured).convert("L")


def _too_large(what: str, limits: ImageLimits) -> PhotographError:
    return PhotographError(
        f"an image of {what}; the limit is {limits.pixels:,}",
        next_step="take the photograph at a lower resolution, or crop it to the codes",
    )


def _as_scanned(symbol: zxingcpp.Barcode) -> str:
    if symbol.content_type == zxingcpp.ContentType.GS1:
        return symbol.symbology_identifier + symbol.text
    return symbol.text
