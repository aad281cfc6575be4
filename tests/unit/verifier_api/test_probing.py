"""What it costs to ask which serials were issued: the same, however the questions are packed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from msgspec.structs import replace

from authenticity.records.batch import BatchStatus
from authenticity.records.serial_filter import build_filter
from ledger.records import Role
from tests.support.service import InProcess, Stand, in_process_service, path_of, unhurried
from verifier_api.http.bodies import FORM
from verifier_api.services.probing import INVENTED_COSTS

BURST: Final = 60
PER_MINUTE: Final = 60
MINUTES: Final = 2
STEP_S: Final = 20
PRICE: Final = INVENTED_COSTS + 1
MOST: Final = (BURST + PER_MINUTE * MINUTES) // PRICE + 1
"""Invented serials that are answered within `MINUTES`, from a full allowance on."""
AT_ONCE: Final = 2 * MOST
LISTED: Final = build_filter(["S1"])


@dataclass
class Monotonic:
    """Stands where it is set."""

    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Probed:
    """A service with a lot of one serial, and who asks about others."""

    stand: Stand
    clock: Monotonic
    client: httpx.Client
    headers: dict[str, str]

    def request(self, door: str, codes: list[str]) -> httpx.Request:
        """The request that asks about these codes; of one where the door takes one."""
        build = self.client.build_request
        bodies: list[dict[str, Any]] = [{"code": code} for code in codes]
        if door == "page":
            headers = {**self.headers, "Accept": "application/json"}
            return build("GET", path_of(codes[0]), headers=headers)
        if door == "form":
            at = datetime.now(UTC).isoformat()
            form = {"captured_at": at, "scan_id": codes[0][-20:], "session": "s"}
            headers = {**self.headers, "Content-Type": FORM}
            return build("POST", path_of(codes[0]), data=form, headers=headers)
        if door in ("verify", "scan"):
            path = "/v1/verify" if door == "verify" else "/v1/scans"
            return build("POST", path, json=bodies[0], headers=self.headers)
        if door == "array":
            return build("POST", "/v1/scans", json=bodies, headers=self.headers)
        lines = b"\n".join(json.dumps(body).encode() for body in bodies)
        headers = {**self.headers, "Content-Type": "application/x-ndjson"}
        return build("POST", "/v1/scans", content=lines, headers=headers)

    def answered(self, door: str, codes: list[str], *, at_once: int = 1) -> int:
        """How many of these codes are answered, `at_once` requests being under way."""
        transport = self.stand.transport
        assert isinstance(transport, InProcess)
        requests = [self.request(door, codes)] * at_once
        return sum(map(_answers_in, transport.at_once(requests)))


def _answers_in(response: httpx.Response) -> int:
    assert response.status_code in (200, 202, 207, 429), response.text
    if response.status_code == 429:
        assert int(response.headers["Retry-After"]) > 0
        return 0
    if "html" in response.headers["Content-Type"]:
        return 1
    results = response.json().get("results", [response.json()])
    refused = [result for result in results if "standing" not in result]
    assert {result["status"] for result in refused} <= {429}
    assert all(result["next_step"] and not result["recorded"] for result in refused)
    assert bool(refused) == ("Retry-After" in response.headers)
    return len(results) - len(refused)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stand, Monotonic]]:
    clock = Monotonic()
    settings = unhurried(
        anonymous_per_minute=PER_MINUTE,
        anonymous_burst=BURST,
        token_per_minute=PER_MINUTE,
        token_burst=BURST,
    )
    folder: Path = tmp_path_factory.mktemp("probing")
    with in_process_service(folder, settings=settings, monotonic_s=clock) as stand:
        stand.register(stand.world.batch(count=1, serials=LISTED))
        yield stand, clock


@pytest.fixture(params=["anybody", "gateway", "another company"])
def probed(service: tuple[Stand, Monotonic], request: pytest.FixtureRequest) -> Iterator[Probed]:
    """All allowances are full."""
    stand, clock = service
    clock.now_s += 10_000
    headers = {}
    if request.param == "gateway":
        headers = stand.bearer(None, "app")
    elif request.param == "another company":
        headers = stand.bearer(Role.RIGHTS_HOLDER, "foreign", ["4012345"])
    with stand.client() as client:
        yield Probed(stand, clock, client, headers)


PACKINGS: Final = {
    "one by one": ("verify", 1, 1),
    "scans one by one": ("scan", 1, 1),
    "pages": ("page", 1, 1),
    "forms": ("form", 1, 1),
    "small arrays": ("array", 5, 1),
    "arrays": ("array", BURST, 1),
    "lines": ("lines", BURST, 1),
    "at once": ("verify", 1, AT_ONCE),
    "scans at once": ("scan", 1, AT_ONCE),
    "pages at once": ("page", 1, AT_ONCE),
    "forms at once": ("form", 1, AT_ONCE),
    "arrays at once": ("array", 10, 6),
}


@pytest.mark.parametrize("packing", PACKINGS)
def test_as_many_invented_serials_are_answered_however_they_are_packed(
    probed: Probed, packing: str
) -> None:
    door, size, at_once = PACKINGS[packing]
    codes = [probed.stand.world.code(serial=f"X{number}") for number in range(size)]
    answered = 0
    for _ in range(MINUTES * 60 // STEP_S):
        for _ in range(2):
            answered += probed.answered(door, codes, at_once=at_once)
        probed.clock.now_s += STEP_S
    assert 1 <= answered <= MOST


STATEMENTS: Final[dict[str, dict[str, Any]]] = {
    "recalled": {"serials": None, "status": BatchStatus.RECALLED},
    "stolen": {"serials": None, "status": BatchStatus.STOLEN},
    "withdrawn": {"serials": None, "status": BatchStatus.WITHDRAWN},
    "moved": {"lot": "EVIL"},
    "parts that are not here": {
        "serials": None,
        "serial_parts": bytes(range(32)) * 4,
        "count": 200_000,
    },
}
_lots: Final = (f"M{number}" for number in count())


@pytest.mark.parametrize("stated", STATEMENTS)
@pytest.mark.parametrize("of_the_makers_batch", [True, False])
def test_no_statement_makes_it_cheap_to_ask_for_what_it_does_not_list(
    probed: Probed, stated: str, of_the_makers_batch: bool
) -> None:
    world, lot = probed.stand.world, next(_lots)
    makers = world.batch(batch_id=f"of-{lot}", lot=lot, count=1, serials=LISTED)
    probed.stand.register(makers)
    changed = {"revision": 2} if of_the_makers_batch else {"batch_id": f"0-{lot}"}
    probed.stand.register(replace(makers, **STATEMENTS[stated], **changed))
    codes = [world.code(serial=f"X{number}", lot=lot) for number in range(BURST)]
    assert sum(probed.answered("verify", [code]) for code in codes) == BURST // PRICE
    probed.clock.now_s += 10_000
    assert probed.answered("array", codes) == 1


@pytest.mark.parametrize("door", ["verify", "page", "scan", "array", "lines", "form"])
def test_whatever_is_said_of_a_serial_in_no_list_it_costs_the_same(
    probed: Probed, door: str
) -> None:
    """A batch without a list, recalled, takes every serial of the lot: what it answers tells
    all the same which ones the maker's list holds."""
    world = probed.stand.world
    recalled = world.batch(
        batch_id="thiefs", lot="R", count=1, serials=None, status=BatchStatus.RECALLED
    )
    probed.stand.register(recalled)
    code = world.code(serial="INVENTED")
    asked = [probed.answered(door, [code]) for _ in range(5)]
    assert asked == [1, 1, 1, 0, 0]


@pytest.mark.parametrize("door", ["verify", "array", "lines", "page"])
def test_a_debt_refuses_what_is_genuine_too_and_is_paid_within_a_minute(
    probed: Probed, door: str
) -> None:
    """Otherwise the refusal would be the answer."""
    genuine, invented = (probed.stand.world.code(serial=each) for each in ("S1", "X"))
    for _ in range(5):
        probed.answered("verify", [invented])
    assert probed.answered(door, [genuine]) == 0
    probed.clock.now_s += PRICE * 60 / PER_MINUTE
    assert probed.answered(door, [genuine]) == 1


def test_lines_that_are_not_paid_for_are_not_recorded_and_can_be_sent_again(
    probed: Probed,
) -> None:
    world = probed.stand.world
    codes = [world.code() for _ in range(10)]
    first = probed.answered("array", codes)
    probed.stand.drain()
    recorded = [int(probed.stand.scans_of(code) > 0) for code in codes]
    assert recorded == [1] * first + [0] * (len(codes) - first)
    probed.clock.now_s += 60
    assert probed.answered("array", codes[-1:]) == 1
    probed.stand.drain()
    assert probed.stand.scans_of(codes[-1]) == 1


def test_honest_codes_never_wait_for_each_other(probed: Probed) -> None:
    code = probed.stand.world.code(serial="S1")
    assert probed.answered("verify", [code], at_once=BURST // 2) == BURST // 2
    assert probed.answered("array", [code] * (BURST // 2)) == BURST // 2


def test_who_is_entitled_to_the_item_pays_one_check(probed: Probed) -> None:
    code = probed.stand.world.code(serial="INVENTED")
    probed.headers = probed.stand.bearer(Role.OFFICER, "customs")
    assert probed.answered("verify", [code], at_once=BURST // 2) == BURST // 2
    assert probed.answered("array", [code] * (BURST // 2)) == BURST // 2
