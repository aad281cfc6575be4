"""Every bound of the core on its input."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes and counts beyond which input is refused, not truncated."""

    code_characters: int = 512
    scan_bytes: int = 16_384
    batch_bytes: int = 884_736
    batch_filter_serials: int = 131_072
    serial_parts: int = 4_096
    part_serials: int = 16_384
    part_most_serials: int = 32_768
    part_bytes: int = 262_144
    trust_list_bytes: int = 4_194_304
    issuers: int = 10_000
    prefixes_per_issuer: int = 1_000
    hosts_per_issuer: int = 100
    keys_per_issuer: int = 1_024
    keys_per_slot: int = 8
    root_signatures: int = 32
    foreign_keys_tried: int = 64
    scan_id_characters: int = 64
    name_characters: int = 200
    markets: int = 250


LIMITS = Limits()
