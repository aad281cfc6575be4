"""The manifest: every code of a batch, as CSV and Parquet, and a header that says what it is.

Columns: `serial` (decoded), `code` (the text to print). The header is `manifest.json`
beside them and, under the key `touchstone`, in the Parquet file's metadata, so that
the CSV stays a plain table. `manifest_sha256` is the SHA-256 of the serials sorted
by their bytes, each followed by a line feed: it does not depend on order or format.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from msgspec import Struct

from authenticity.errors import ConfigurationError
from keys.durable_files import replacing
from producers.issuing.run_folder import CSV_HEADER

METADATA_KEY: Final = b"touchstone"
_SERIALS_AT_ONCE: Final = 1 << 16
_COLUMNS: Final = {"serial": pa.string(), "code": pa.string()}


class ManifestHeader(Struct, frozen=True):
    """What a manifest says of itself; `manifest.json`."""

    v: int
    batch_id: str
    issuer: str
    issuer_name: str
    key_slot: int
    algorithm: str
    public_key_thumbprint: str
    gtin: str
    lot: str | None
    expiry: str | None
    produced: str | None
    count: int
    manifest_sha256: str
    columns: tuple[str, ...] = ("serial", "code")


class DuplicateSerials(Exception):  # noqa: N818 - a signal between two steps, not for people
    """Two rows hold one serial; `serials` are the repeated ones."""

    def __init__(self, serials: frozenset[str]) -> None:
        super().__init__(f"{len(serials)} serials occur twice")
        self.serials = serials


def read_codes(csv: Path) -> pa.Table:
    """The rows of a `serial,code` CSV. Raises `ConfigurationError` if it is none."""
    options = pa_csv.ConvertOptions(
        column_types=_COLUMNS, strings_can_be_null=False, include_columns=list(_COLUMNS)
    )
    try:
        rows = _uniform_rows(csv)
        return pa_csv.read_csv(csv, convert_options=options) if rows is None else rows
    except (pa.ArrowException, OSError) as error:
        raise ConfigurationError(
            f"{csv} is no manifest: {error}", next_step="issue again into a new folder"
        ) from None


def _uniform_rows(csv: Path) -> pa.Table | None:
    """The rows of a file whose lines are all alike in length, as minted serials make them.

    They are cut out of the file by position, five times faster than by a CSV parser.
    None for any other file: with a quote, a carriage return, or anything but one
    comma, in one place, and one line feed in each line.
    """
    body = csv.stat().st_size - len(CSV_HEADER)
    with csv.open("rb") as file:
        header, first = file.readline(), file.readline()
        width, comma = len(first), first.find(b",")
        if header != CSV_HEADER or body <= 0 or comma < 1 or body % width:
            return None
        rows = body // width
        file.seek(len(CSV_HEADER))
        if not _plain(file, rows):
            return None
    data = pa.memory_map(str(csv)).read_buffer().slice(len(CSV_HEADER))
    lines = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), rows, [None, data])
    ends, commas = (
        pc.binary_slice(lines, width - 1, width),
        pc.binary_slice(lines, comma, comma + 1),
    )
    if not (pc.all(pc.equal(ends, b"\n")).as_py() and pc.all(pc.equal(commas, b",")).as_py()):
        return None
    cells = pc.binary_slice(lines, 0, comma), pc.binary_slice(lines, comma + 1, width - 1)
    columns = [cell.cast(pa.binary()).cast(pa.string()) for cell in cells]
    return pa.table(dict(zip(_COLUMNS, columns, strict=True)))


def _plain(file: BinaryIO, rows: int) -> bool:
    """Whether the rest of the file has this many line feeds and commas, and nothing quoted."""
    line_feeds = commas = 0
    while block := file.read(1 << 20):
        if b'"' in block or b"\r" in block:
            return False
        line_feeds += block.count(b"\n")
        commas += block.count(b",")
    return line_feeds == commas == rows


def serials_of(csv: Path) -> Iterator[list[str]]:
    """The serials of a manifest, some at a time. Raises `ConfigurationError` if it is none."""
    for rows in read_codes(csv).to_batches(max_chunksize=_SERIALS_AT_ONCE):
        yield rows["serial"].to_pylist()


def digest_of(table: pa.Table) -> str:
    """`manifest_sha256`. Raises `DuplicateSerials` if a serial occurs twice.

    The line feed is joined on before sorting. It sorts before every character of a
    serial, so the order is the same, and the sorted column is the text to hash.
    """
    lines = pc.binary_join_element_wise(table["serial"], "", "\n").combine_chunks()
    ordered = lines.take(pc.sort_indices(lines))
    if len(ordered) > 1:
        same = pc.equal(ordered[1:], ordered[:-1])
        if pc.any(same).as_py():
            repeated = ordered[1:].filter(same).to_pylist()
            raise DuplicateSerials(frozenset(line.removesuffix("\n") for line in repeated))
    hashed = sha256()
    for array in ordered.chunks if isinstance(ordered, pa.ChunkedArray) else [ordered]:
        offsets = memoryview(array.buffers()[1]).cast("i")
        first, last = offsets[array.offset], offsets[array.offset + len(array)]
        hashed.update(memoryview(array.buffers()[2])[first:last])
    return hashed.hexdigest()


def write_parquet(table: pa.Table, path: Path, header: Callable[[], ManifestHeader]) -> None:
    """The rows with the header in the metadata; whole or not at all.

    The header is asked for when the rows have been written, so that the digest can
    be computed meanwhile.
    """
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(
            temporary,
            table.schema,
            compression="snappy",
            use_dictionary=False,
            write_statistics=False,
        ) as writer,
    ):
        writer.write_table(table)
        writer.add_key_value_metadata({METADATA_KEY: msgspec.json.encode(header())})


def read_header(path: Path) -> ManifestHeader:
    """The header in `manifest.json` or `manifest.parquet`."""
    try:
        if path.suffix == ".parquet":
            raw = (pq.read_metadata(path).metadata or {})[METADATA_KEY]
        else:
            raw = path.read_bytes()
        return msgspec.json.decode(raw, type=ManifestHeader)
    except (OSError, KeyError, pa.ArrowException, msgspec.MsgspecError) as error:
        raise ConfigurationError(
            f"{path} has no manifest header: {error}",
            next_step="name the folder that `touchstone issue` wrote to",
        ) from None


def check_manifest(folder: Path) -> tuple[ManifestHeader, tuple[str, ...]]:
    """The header of a finished run, and where its files do not hold what it says.

    Compares count and digest of the CSV, the Parquet file with the CSV row by row,
    and both headers. Signatures are not verified here.
    """
    header = read_header(folder / "manifest.json")
    table = read_codes(folder / "manifest.csv")
    faults = []
    if len(table) != header.count:
        faults.append(f"the CSV holds {len(table):,} codes, not {header.count:,}")
    try:
        if digest_of(table) != header.manifest_sha256:
            faults.append("the CSV's serials do not have the header's digest")
    except DuplicateSerials as found:
        faults.append(f"{len(found.serials)} serials are in the CSV twice")
    parquet = folder / "manifest.parquet"
    if read_header(parquet) != header:
        faults.append("the Parquet file's header is another one")
    if not pq.read_table(parquet).replace_schema_metadata(None).equals(table):
        faults.append("the Parquet file's rows differ from the CSV's")
    return header, tuple(faults)
