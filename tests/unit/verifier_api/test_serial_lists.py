"""Whether a serial of a large batch was issued: what each caller is told, and while a part of
its list is missing."""

from collections.abc import Sequence
from typing import Any

import httpx
import msgspec
import pytest

from authenticity.records.serial_parts import share_of
from events.publisher import Record
from events.topics import BATCHES, part_key
from ledger.records import Role
from tests.support.large_batch import LargeBatch, large_batch, signed_part
from tests.support.patience import PATIENCE_S
from tests.support.service import Stand

PARTS = 4


@pytest.fixture(scope="module")
def large(stand: Stand) -> LargeBatch:
    """Stated, with all parts published but that of share 0."""
    serials = [stand.world.serial() for _ in range(40)]
    batch = stand.world.batch(batch_id="large", lot="BIG")
    made = large_batch(batch, serials, PARTS)
    _LISTED[made.batch.batch_id] = serials
    publish(stand, made, range(1, PARTS))
    stand.register(made.batch)
    return made


_LISTED: dict[str, list[str]] = {}


def publish(stand: Stand, large: LargeBatch, numbers: Sequence[int]) -> None:
    parts = [signed_part(stand.world, large.parts[number]) for number in numbers]
    records = [Record(BATCHES, part_key(part.part), part.raw) for part in parts]
    stand.publisher.publish(records).result(PATIENCE_S)
    stand.drain()


def serial_in(large: LargeBatch, *, missing: bool) -> str:
    """One of the batch's, whose part is the missing one or is here."""
    return next(
        serial
        for serial in _LISTED[large.batch.batch_id]
        if (share_of(serial, PARTS) == 0) is missing
    )


def invented(stand: Stand, *, missing: bool) -> str:
    while (share_of(serial := stand.world.serial(), PARTS) == 0) is not missing:
        pass
    return serial


def asked(client: httpx.Client, stand: Stand, serial: str, role: Role | None = None) -> Any:
    prefixes = ["9521234"] if role is Role.RIGHTS_HOLDER else None
    headers = stand.bearer(role, prefixes=prefixes) if role else {}
    body = {"code": stand.world.code(serial, lot="BIG")}
    return client.post("/v1/verify", json=body, headers=headers).json()


def test_where_the_part_is_here_the_answer_is_exact(
    stand: Stand, client: httpx.Client, large: LargeBatch
) -> None:
    genuine = asked(client, stand, serial_in(large, missing=False))
    assert (genuine["standing"], genuine["provisional"]) == ("verified", False)
    never = asked(client, stand, invented(stand, missing=False))
    assert never["standing"] == "suspect"
    assert [finding["kind"] for finding in never["findings"]] == ["never-issued"]


@pytest.mark.parametrize("is_invented", [False, True])
def test_where_the_part_is_missing_nothing_is_claimed_of_a_serial(
    stand: Stand, client: httpx.Client, large: LargeBatch, is_invented: bool
) -> None:
    serial = invented(stand, missing=True) if is_invented else serial_in(large, missing=True)
    consumers = asked(client, stand, serial)
    assert (consumers["standing"], consumers["provisional"]) == ("caution", True)
    assert consumers["advice"]["title"] == "We cannot judge this code now"
    assert "not complete here" in consumers["advice"]["text"]
    assert "of 4 parts" not in consumers["advice"]["text"]
    assert consumers["serial_list"] is None
    assert consumers["findings"] == []


def test_an_officer_and_the_maker_learn_how_much_of_the_list_is_here(
    stand: Stand, client: httpx.Client, large: LargeBatch
) -> None:
    serial = serial_in(large, missing=True)
    for role, step in ((Role.OFFICER, "Tell the operator"), (Role.RIGHTS_HOLDER, "Register the")):
        answered = asked(client, stand, serial, role)
        assert answered["serial_list"] == {"held": 3, "parts": 4}
        assert "3 of 4 parts are here" in answered["advice"]["text"]
        assert any(line.startswith(step) for line in answered["advice"]["steps"])
        here = asked(client, stand, serial_in(large, missing=False), role)
        assert here["serial_list"] is None


def test_many_codes_at_once_are_answered_as_one_by_one(
    stand: Stand, client: httpx.Client, large: LargeBatch
) -> None:
    serials = [
        serial_in(large, missing=True),
        serial_in(large, missing=False),
        invented(stand, missing=False),
        invented(stand, missing=True),
    ]
    scans = [{"code": stand.world.code(serial, lot="BIG")} for serial in serials]
    headers = stand.bearer(Role.OFFICER) | {"Content-Type": "application/x-ndjson"}
    content = b"\n".join(msgspec.json.encode(scan) for scan in scans)
    results = client.post("/v1/scans", content=content, headers=headers).json()["results"]
    found = [each["standing"] for each in results]
    assert found == ["caution", "verified", "suspect", "caution"]


def test_the_view_of_an_item_says_so_too_and_shows_no_digests(
    stand: Stand, client: httpx.Client, large: LargeBatch
) -> None:
    missing = serial_in(large, missing=True)
    stand.publish(stand.world.scan(stand.world.code(missing, lot="BIG")))
    headers = stand.bearer(Role.OFFICER)
    item = client.get(f"/v1/items/{large.batch.gtin}/{missing}", headers=headers).json()
    assert (item["standing"], item["batch"]) == ("caution", None)
    assert item["serial_list"] == {"held": 3, "parts": 4}
    batches = client.get("/v1/batches", headers=headers).json()["batches"]
    [shown] = [batch for batch in batches if batch["batch_id"] == "large"]
    assert shown["serials"] is None
    assert "serial_parts" not in shown


def test_when_the_part_comes_the_same_codes_are_answered_exactly(
    stand: Stand, client: httpx.Client
) -> None:
    serials = [stand.world.serial() for _ in range(40)]
    later = large_batch(stand.world.batch(batch_id="later", lot="BIG2"), serials, PARTS)
    _LISTED["later"] = serials
    stand.register(later.batch)
    pack = stand.world.code(serials[0], lot="BIG2")
    false = stand.world.code(stand.world.serial(), lot="BIG2")
    standings = [
        client.post("/v1/verify", json={"code": code}).json()["standing"] for code in (pack, false)
    ]
    assert standings == ["caution", "caution"]
    publish(stand, later, range(PARTS))
    standings = [
        client.post("/v1/verify", json={"code": code}).json()["standing"] for code in (pack, false)
    ]
    assert standings == ["verified", "suspect"]
