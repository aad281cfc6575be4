"""`touchstone backtest`: what a policy would have alerted, before it is in force."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from authenticity.errors import ConfigurationError, InputError
from cli.support.checkout import require_checkout
from cli.support.console import EXIT_BAD_ANSWER, err, fail, out, print_json
from cli.support.data import DataFolder
from cli.support.policies import load_policy, policy_in_force
from cli.support.progress import progress
from cli.support.recorded_scans import (
    MOST_REFUSALS_SHOWN,
    BatchesFile,
    RootsFile,
    TrustListFile,
    recorded_beside,
)

if TYPE_CHECKING:
    from authenticity.gs1.item import ItemId
    from authenticity.records.scan import Scan
    from cli.support.backtest_truth import TruthResult
    from simulation.score import CodeRecord
    from stream.backtest import AlertName, Backtest, Course

MOST_EXAMPLES = 10

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Data = Annotated[Path | None, typer.Option("--data", help="Data folder of the installation.")]


def register(app: typer.Typer) -> None:
    """Add `backtest`."""
    app.command()(backtest)


def backtest(
    scans: Annotated[Path, typer.Option("--scans", help="Recorded scans, NDJSON.")],
    policy: Annotated[Path, typer.Option("--policy", help="The policy to try, in TOML.")],
    against: Annotated[
        Path | None,
        typer.Option("--against", help="The policy to compare with. Default: the one in force."),
    ] = None,
    truth: Annotated[
        Path | None, typer.Option("--truth", help="Truth of a simulation: precision and recall.")
    ] = None,
    trust_list: TrustListFile = None,
    roots: RootsFile = None,
    batches: BatchesFile = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show what a policy would have alerted on recorded scans, before it is switched on.

    The scans are assessed in the order in which they arrived, under the policy in force and
    under the one to try. Nothing is written and nobody is alerted.

    Example: [bold]touchstone simulate --seed 1 --items 2000 --out scans.ndjson
    --truth truth.ndjson && touchstone policy > strict.toml && touchstone backtest
    --policy strict.toml --scans scans.ndjson --truth truth.ndjson[/]

    Exit code 0, or 1 if some lines were no scans (they are named on stderr).
    """
    from stream.backtest import Backtest

    if truth is not None:
        require_checkout(
            "simulation",
            "touchstone backtest --truth",
            instead=".venv/bin/touchstone backtest --truth",
        )
    tried = load_policy(policy)
    other = policy_in_force(DataFolder.find(data), against)
    if tried != other and tried.version == other.version:
        err.print(
            f"both policies say version {tried.version!r}: change `version` before it is used",
            style="yellow",
        )
    records = None if truth is None else _records(truth)
    believed, batch_registry = recorded_beside(str(scans), trust_list, roots, batches)
    run = Backtest(believed, batch_registry, (tried, other))
    refused: list[tuple[int, str]] = []
    try:
        run.feed(_by_arrival(scans, refused, silent=as_json))
    finally:
        run.close()
    report = _report(run, refused, records)
    print_json(report) if as_json else _print(report, run, refused)
    if refused:
        raise typer.Exit(EXIT_BAD_ANSWER)


def _records(path: Path) -> "dict[ItemId, CodeRecord]":
    import msgspec

    from simulation.score import gather
    from simulation.truth import Truth, decode_truth

    def truths(file: BinaryIO) -> Iterator[Truth]:
        for number, line in enumerate(file, 1):
            try:
                yield decode_truth(line)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise ConfigurationError(
                    f"{path} line {number} is no truth of a simulation: {error}",
                    next_step="name the file that `touchstone simulate --truth` wrote",
                ) from None

    try:
        with path.open("rb") as file:
            return gather(truths(file))
    except OSError as error:
        raise ConfigurationError(
            f"cannot read the truth {path}: {error.strerror}",
            next_step="name the file that `touchstone simulate --truth` wrote",
        ) from None


def _by_arrival(path: Path, refused: list[tuple[int, str]], *, silent: bool) -> "Iterator[Scan]":
    """The scans of a file by arrival, read twice: where each line is, then in order.

    Two numbers a scan are held in memory. Lines that are no scans go to `refused`.
    """
    from authenticity.records.scan import decode_scan, to_epoch_ms

    try:
        with path.open("rb") as file:
            places: list[tuple[int, int]] = []
            place = 0
            for number, line in enumerate(file, 1):
                try:
                    scan = decode_scan(line.rstrip(b"\r\n"))
                    places.append((to_epoch_ms(scan.received_at), place))
                except InputError as error:
                    refused.append((number, str(error)))
                place += len(line)
            places.sort()
            with progress(len(places), "replaying", silent=silent) as on_progress:
                for done, (_, place) in enumerate(places, 1):
                    if file.tell() != place:
                        file.seek(place)
                    yield decode_scan(file.readline().rstrip(b"\r\n"))
                    if not done % 1_000:
                        on_progress(done)
    except OSError as error:
        raise ConfigurationError(
            f"cannot read the scans {path}: {error.strerror}",
            next_step="name a file of recorded scans, one JSON object a line",
        ) from None


def _report(
    run: "Backtest",
    refused: Sequence[tuple[int, str]],
    records: "dict[ItemId, CodeRecord] | None",
) -> dict[str, Any]:
    """Everything, as `--json` prints it; `docs/reference/command-line.md` names the keys."""
    tried, other = run.courses
    new = sorted(set(tried.raised) - set(other.raised))
    gone = sorted(set(other.raised) - set(tried.raised))
    return {
        "policy": tried.policy.version,
        "against": other.policy.version,
        "scans": run.scans,
        "refused": len(refused),
        "first_day": run.first_day,
        "last_day": run.last_day,
        "kinds": _by_kind(tried, other, new, gone),
        "days": _by_day(tried, other),
        "new": [name._asdict() for name in new],
        "gone": [name._asdict() for name in gone],
        "truth": None if records is None else _by_policy(tried, other, records),
    }


def _by_kind(
    tried: "Course", other: "Course", new: "Sequence[AlertName]", gone: "Sequence[AlertName]"
) -> dict[str, dict[str, int]]:
    kinds, kinds_other, kinds_new, kinds_gone, retracted = (
        Counter(name.kind for name in names)
        for names in (tried.raised, other.raised, new, gone, tried.retracted)
    )
    return {
        kind: {
            "alerts": kinds[kind],
            "against": kinds_other[kind],
            "new": kinds_new[kind],
            "gone": kinds_gone[kind],
            "retracted": retracted[kind],
        }
        for kind in sorted({*kinds, *kinds_other})
    }


def _by_day(tried: "Course", other: "Course") -> list[dict[str, Any]]:
    days, days_other = tried.by_day(), other.by_day()
    return [
        {"day": day, "kind": kind, "alerts": days[day, kind], "against": days_other[day, kind]}
        for day, kind in sorted({*days, *days_other})
    ]


def _by_policy(
    tried: "Course", other: "Course", records: "dict[ItemId, CodeRecord]"
) -> dict[str, dict[str, Any]]:
    from cli.support.backtest_truth import against_truth

    return {
        side: _of_truth(against_truth(course, records))
        for side, course in (("policy", tried), ("against", other))
    }


def _of_truth(result: "TruthResult") -> dict[str, Any]:
    return {
        "alerts": result.alerts,
        "false_alerts": result.false_alerts,
        "precision": result.precision,
        "families": {
            family: {
                "attacks": of.attacks,
                "caught": of.caught,
                "noticed": of.noticed,
                "missed": of.missed,
                "not_detectable": of.not_detectable,
                "recall": of.recall,
                "precision": of.precision,
            }
            for family, of in result.families.items()
        },
    }


def _print(report: dict[str, Any], run: "Backtest", refused: Sequence[tuple[int, str]]) -> None:
    for number, reason in refused[:MOST_REFUSALS_SHOWN]:
        err.print(f"line {number}: {reason}")
    if refused:
        err.print(f"{len(refused):,} lines were no scans and are left out", style="yellow")
    if run.first_day is None or run.last_day is None:
        fail("the file holds no scan", next_step="name a file of recorded scans")
    span = (run.last_day - run.first_day).days + 1
    out.print(
        f"{run.scans:,} scans that arrived on {span:,} days, {run.first_day} to {run.last_day}; "
        f"policy {report['policy']} against {report['against']}",
    )
    if not report["kinds"]:
        out.print("no alert under either policy")
        return
    _print_kinds(report, span)
    _print_days(report)
    for word in ("new", "gone"):
        _print_examples(word, report[word])
    if report["truth"]:
        _print_truth(report["truth"])


def _print_kinds(report: dict[str, Any], span: int) -> None:
    from rich.table import Table

    table = Table("alert", title="alerts of the policy to try, against the other")
    for column in ("alerts", "a day", "against", "new", "gone", "retracted"):
        table.add_column(column, justify="right")
    rows = [*report["kinds"].items()]
    whole = {key: sum(row[key] for _, row in rows) for key in rows[0][1]}
    for kind, row in [*rows, ("all", whole)]:
        table.add_row(
            kind,
            f"{row['alerts']:,}",
            f"{row['alerts'] / span:.2f}",
            f"{row['against']:,}",
            f"+{row['new']:,}",
            f"-{row['gone']:,}",
            f"{row['retracted']:,}",
        )
    out.print(table)


def _print_days(report: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table("day", "new alerts (the other policy's in brackets, if they differ)")
    days: dict[str, list[str]] = {}
    for row in report["days"]:
        differs = row["alerts"] != row["against"]
        shown = f"{row['kind']} {row['alerts']:,}" + (f" ({row['against']:,})" if differs else "")
        days.setdefault(str(row["day"]), []).append(shown)
    for day, shown_by_kind in days.items():
        table.add_row(day, ", ".join(shown_by_kind))
    out.print(table)


def _print_examples(word: str, names: Sequence[dict[str, str]]) -> None:
    for name in names[:MOST_EXAMPLES]:
        out.print(f"{word:4} {name['kind']:20} {name['item']}")
    if len(names) > MOST_EXAMPLES:
        out.print(f"{word:4} … {len(names) - MOST_EXAMPLES:,} more; --json lists all")


def _print_truth(truth: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(
        "attack", title="against the truth (the other policy's in brackets, if it differs)"
    )
    for column in ("attacks", "detectable", "caught", "recall", "precision"):
        table.add_column(column, justify="right")
    tried, other = truth["policy"], truth["against"]
    for family, row in tried["families"].items():
        before = other["families"].get(family, row)
        table.add_row(
            family,
            f"{row['attacks']:,}",
            f"{row['attacks'] - row['not_detectable']:,}",
            _beside(f"{row['caught']:,}", f"{before['caught']:,}"),
            _beside(_percent(row["recall"]), _percent(before["recall"])),
            _beside(_percent(row["precision"]), _percent(before["precision"])),
        )
    out.print(table)
    out.print(
        f"{tried['alerts']:,} alerts stand, {tried['false_alerts']:,} of them false: precision "
        f"{_percent(tried['precision'])} (the other policy: {other['alerts']:,}, "
        f"{other['false_alerts']:,}, {_percent(other['precision'])})",
    )


def _beside(own: str, other: str) -> str:
    return own if own == other else f"{own} ({other})"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"
