"""The manifest: every code of a batch, as CSV and Parquet, and a header that says what it is.

Columns: `serial` (decoded), `code` (the text to print). The header is `manifest.json`
beside them and, under the key `touchstone`, in the Parquet file's metadata, so that
the CSV stays a plain table. `manifest_sha256` is the SHA-256 of the serials sorted
by their bytes, each followed by a line feed: it does not depend on order or format.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

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
_ROWS_AT_ONCE: Final = 1 << 17
_SORTED_AT_ONCE: Final = 1 << 22
_SAMPLED_EVERY: Final = 1 << 10
_COLUMNS: Final = {"serial": pa.string(), "code": pa.string()}
_SCHEMA: Final = pa.schema(_COLUMNS)


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
    """The rows of a `serial,code` CSV, all in memory. Raises `ConfigurationError` if it is
    none."""
    return pa.Table.from_batches(codes_of(csv), _SCHEMA)


def codes_of(csv: Path) -> Iterator[pa.RecordBatch]:
    """The rows of a `serial,code` CSV, some at a time. Raises `ConfigurationError` if it is
    none."""
    try:
        width, comma = _uniform_width(csv)
        yield from _cut_rows(csv, width, comma) if width else _parsed_rows(csv)
    except (pa.ArrowException, OSError) as error:
        raise ConfigurationError(
            f"{csv} is no manifest: {error}", next_step="issue again into a new folder"
        ) from None


def _parsed_rows(csv: Path) -> Iterator[pa.RecordBatch]:
    options = pa_csv.ConvertOptions(
        column_types=_COLUMNS, strings_can_be_null=False, include_columns=list(_COLUMNS)
    )
    with pa_csv.open_csv(csv, convert_options=options) as reader:
        yield from reader


def _uniform_width(csv: Path) -> tuple[int, int]:
    """Length of every line and place of its comma, if they are all alike, as minted serials
    make them; 0, 0 for any other file: with a quote, a carriage return, or anything but one
    comma, in one place, and one line feed in each line.

    Such rows are cut out of the file by position, five times faster than by a CSV parser.
    """
    body = csv.stat().st_size - len(CSV_HEADER)
    with csv.open("rb") as file:
        header, first = file.readline(), file.readline()
        width, comma = len(first), first.find(b",")
        if header != CSV_HEADER or body <= 0 or comma < 1 or body % width:
            return 0, 0
        file.seek(len(CSV_HEADER))
        while block := file.read(width * _ROWS_AT_ONCE):
            if not _plain(block, width, comma):
                return 0, 0
    return width, comma


def _plain(block: bytes, width: int, comma: int) -> bool:
    """Whether each row ends with its only line feed and has its only comma in its place, and
    nothing is quoted."""
    rows = len(block) // width
    counts = {block.count(b"\n"), block.count(b",")}
    if counts != {rows} or b'"' in block or b"\r" in block:
        return False
    lines = _lines_of(block, width)
    ends = pc.binary_slice(lines, width - 1, width)
    commas = pc.binary_slice(lines, comma, comma + 1)
    return bool(pc.all(pc.equal(ends, b"\n")).as_py() and pc.all(pc.equal(commas, b",")).as_py())


def _cut_rows(csv: Path, width: int, comma: int) -> Iterator[pa.RecordBatch]:
    with csv.open("rb") as file:
        file.seek(len(CSV_HEADER))
        while block := file.read(width * _ROWS_AT_ONCE):
            lines = _lines_of(block, width)
            cells = (
                pc.binary_slice(lines, 0, comma),
                pc.binary_slice(lines, comma + 1, width - 1),
            )
            columns = [cell.cast(pa.binary()).cast(pa.string()) for cell in cells]
            yield pa.RecordBatch.from_arrays(columns, schema=_SCHEMA)


def _lines_of(block: bytes, width: int) -> pa.Array:
    rows = len(block) // width
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), rows, [None, pa.py_buffer(block)])


def serials_of(csv: Path) -> Iterator[list[str]]:
    """The serials of a manifest, some at a time. Raises `ConfigurationError` if it is none."""
    for rows in codes_of(csv):
        yield rows["serial"].to_pylist()


def serials_of_run(folder: Path) -> "RunSerials | None":
    """The serials of a finished run, of the one manifest or the other; None if neither is here."""
    csv, parquet = folder / "manifest.csv", folder / "manifest.parquet"
    if csv.exists():
        return RunSerials(csv)
    return RunSerials(parquet) if parquet.exists() else None


@dataclass(frozen=True, slots=True)
class RunSerials:
    """The serials of a manifest, CSV or Parquet, read anew each time. Whoever reads them raises
    `ConfigurationError` if it is none."""

    manifest: Path

    def __iter__(self) -> Iterator[list[str]]:
        """Some at a time, in the order of the file."""
        for serials in self._columns():
            yield serials.to_pylist()

    def digest(self) -> str:
        """Their `manifest_sha256`. Raises `DuplicateSerials`."""
        return digest_of(self._columns)

    def _columns(self) -> Iterator[pa.Array]:
        if self.manifest.suffix == ".parquet":
            return _serial_columns(_rows_in(self.manifest, ["serial"]))
        return _serial_columns(codes_of(self.manifest))


def _rows_in(parquet: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(parquet) as file:
            if missing := set(columns) - set(file.schema_arrow.names):
                raise KeyError(f"it has no column {min(missing)}")
            for rows in file.iter_batches(_ROWS_AT_ONCE, columns=columns):
                yield rows.replace_schema_metadata(None)
    except (pa.ArrowException, KeyError, OSError) as error:
        raise ConfigurationError(
            f"{parquet} is no manifest: {error}", next_step="restore it, or manifest.csv"
        ) from None


def digest_of(read: Callable[[], Iterable[pa.Array]]) -> str:
    """`manifest_sha256` of the serials that `read` gives, at each call the same. Raises
    `DuplicateSerials` if a serial occurs twice.

    They are sorted share by share, of about `_SORTED_AT_ONCE` serials that follow on each
    other in the order, and read once for each: memory is bounded, whatever their number.
    """
    hashed = sha256()
    repeated: set[str] = set()
    for least, below in _shares(read):
        lines = _sorted_lines(_within(serials, least, below) for serials in read())
        if not len(lines):
            continue
        same = pc.equal(lines[1:], lines[:-1])
        repeated.update(line.removesuffix("\n") for line in lines[1:].filter(same).to_pylist())
        offsets = memoryview(lines.buffers()[1]).cast("i")
        first, last = offsets[lines.offset], offsets[lines.offset + len(lines)]
        hashed.update(memoryview(lines.buffers()[2])[first:last])
    if repeated:
        raise DuplicateSerials(frozenset(repeated))
    return hashed.hexdigest()


def _shares(read: Callable[[], Iterable[pa.Array]]) -> Iterator[tuple[str | None, str | None]]:
    """Bounds of the shares in order: the least serial, and the one that all are below; None at
    the ends. Taken from a sample, so that shares differ in size by chance."""
    count, sample = 0, []
    for serials in read():
        sample += serials[-count % _SAMPLED_EVERY :: _SAMPLED_EVERY].to_pylist()
        count += len(serials)
    parts = max(1, -(-count // _SORTED_AT_ONCE))
    sample.sort()
    inner = [sample[number * len(sample) // parts] for number in range(1, parts)]
    return zip([None, *inner], [*inner, None], strict=True)


def _within(serials: pa.Array, least: str | None, below: str | None) -> pa.Array:
    if least is not None:
        serials = serials.filter(pc.greater_equal(serials, least))
    return serials if below is None else serials.filter(pc.less(serials, below))


def _sorted_lines(serials: Iterable[pa.Array]) -> pa.Array:
    """The line feed is joined on before sorting. It sorts before every character of a serial,
    so the order is the same, and the sorted column is the text to hash."""
    column = pa.chunked_array(serials, pa.string())
    lines = pc.binary_join_element_wise(column, "", "\n").combine_chunks()
    return lines.take(pc.sort_indices(lines))


def write_parquet(csv: Path, path: Path, header: Callable[[str], ManifestHeader]) -> ManifestHeader:
    """The rows of a CSV with the header in the metadata; whole or not at all.

    `header` gets the digest of the serials. Memory is bounded (`digest_of`). Raises
    `DuplicateSerials`, and then writes nothing.
    """
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(
            temporary,
            _SCHEMA,
            compression="snappy",
            use_dictionary=False,
            write_statistics=False,
        ) as writer,
    ):
        for rows in codes_of(csv):
            writer.write_batch(rows)
        made = header(digest_of(lambda: _serial_columns(codes_of(csv))))
        writer.add_key_value_metadata({METADATA_KEY: msgspec.json.encode(made)})
    return made


def _serial_columns(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Array]:
    return (rows["serial"] for rows in batches)


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
    csv, parquet = folder / "manifest.csv", folder / "manifest.parquet"
    faults = []
    count = sum(rows.num_rows for rows in codes_of(csv))
    if count != header.count:
        faults.append(f"the CSV holds {count:,} codes, not {header.count:,}")
    try:
        if digest_of(lambda: _serial_columns(codes_of(csv))) != header.manifest_sha256:
            faults.append("the CSV's serials do not have the header's digest")
    except DuplicateSerials as found:
        faults.append(f"{len(found.serials)} serials are in the CSV twice")
    if read_header(parquet) != header:
        faults.append("the Parquet file's header is another one")
    if not _same_rows(codes_of(csv), _rows_in(parquet, list(_COLUMNS))):
        faults.append("the Parquet file's rows differ from the CSV's")
    return header, tuple(faults)


def _same_rows(one: Iterator[pa.RecordBatch], other: Iterator[pa.RecordBatch]) -> bool:
    """Whether both give the same rows, however they divide them."""
    nothing = pa.RecordBatch.from_pylist([], _SCHEMA)
    one, other = (filter(len, rows) for rows in (one, other))
    left = right = nothing
    while True:
        left = left if left.num_rows else next(one, nothing)
        right = right if right.num_rows else next(other, nothing)
        rows = min(left.num_rows, right.num_rows)
        if not rows:
            return bool(left.num_rows == right.num_rows)
        if not left[:rows].equals(right[:rows]):
            return False
        left, right = left[rows:], right[rows:]
