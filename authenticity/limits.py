"""Every bound of the core, in one place."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes and counts beyond which input is refused, not truncated."""

    code_characters: int = 512
    scan_bytes: int = 16_384
    batch_bytes: int = 65_536
    trust_list_bytes: int = 4_194_304
    scan_id_characters: int = 64
    name_characters: int = 200
    markets: int = 250


LIMITS = Limits()
