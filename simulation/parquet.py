"""Scans and truths as Parquet, beside the NDJSON that they are read from.

One column for each field of the JSON object; places and networks are structs; times are
timestamps in UTC, in microseconds.
"""

from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.json as pa_json
import pyarrow.parquet as pq

from authenticity.errors import ConfigurationError

_BLOCK_BYTES: Final = 16 * 2**20
_TIME: Final = pa.timestamp("us", tz="UTC")

SCAN_SCHEMA: Final = pa.schema(
    [
        ("v", pa.int8()),
        ("scan_id", pa.string()),
        ("publisher", pa.string()),
        ("code", pa.string()),
        ("captured_at", _TIME),
        ("received_at", _TIME),
        ("channel", pa.string()),
        ("authorised", pa.bool_()),
        ("session", pa.string()),
        (
            "place",
            pa.struct(
                [
                    ("lat", pa.float64()),
                    ("lon", pa.float64()),
                    ("accuracy_km", pa.float64()),
                    ("source", pa.string()),
                    ("country", pa.string()),
                ]
            ),
        ),
        ("act", pa.string()),
        ("operation", pa.string()),
        (
            "network",
            pa.struct(
                [
                    ("network", pa.string()),
                    ("kind", pa.string()),
                    ("country", pa.string()),
                    ("lat", pa.float64()),
                    ("lon", pa.float64()),
                    ("accuracy_km", pa.float64()),
                ]
            ),
        ),
        ("selection", pa.string()),
        ("clamped", pa.bool_()),
        ("refused_for", pa.string()),
    ]
)
TRUTH_SCHEMA: Final = pa.schema(
    [
        ("v", pa.int8()),
        ("scan_id", pa.string()),
        ("publisher", pa.string()),
        ("item", pa.string()),
        ("physical", pa.string()),
        ("thing", pa.string()),
        ("genuine", pa.bool_()),
        ("attack", pa.string()),
        ("attack_id", pa.string()),
        ("behaviour", pa.string()),
        ("noise", pa.list_(pa.string())),
        ("true_at", _TIME),
        ("true_lat", pa.float64()),
        ("true_lon", pa.float64()),
        ("true_country", pa.string()),
        ("first_detectable_at", _TIME),
    ]
)


def as_parquet(ndjson: Path, schema: pa.Schema) -> Path:
    """The same lines in the same order, in a file of the same name with suffix `.parquet`.

    Memory does not grow with the number of lines. Raises `ConfigurationError` if it cannot
    be written.
    """
    target = ndjson.with_suffix(".parquet")
    try:
        _write(ndjson, schema, target)
    except (OSError, pa.ArrowException) as error:
        raise ConfigurationError(
            f"{target} cannot be written: {error}", next_step="make room on the disk"
        ) from error
    return target


def _write(ndjson: Path, schema: pa.Schema, target: Path) -> None:
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        if ndjson.stat().st_size == 0:
            return
        blocks = pa_json.open_json(
            ndjson,
            read_options=pa_json.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=pa_json.ParseOptions(explicit_schema=schema),
        )
        for block in blocks:
            writer.write_batch(block)
