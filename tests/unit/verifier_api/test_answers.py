"""What each caller is told of one code and one history."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from authenticity.detection.alerts import Alert, alert_id
from authenticity.detection.findings import FINDINGS, FindingKind
from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.detection.reasons import ReasonCode, because
from authenticity.detection.standing import Standing
from authenticity.gs1.item import ItemId, batch_entity
from authenticity.history.history import history_of
from authenticity.history.observation import observe
from authenticity.records.batch import Batch, BatchStatus
from authenticity.records.batch_registry import BatchRegistry
from authenticity.records.scan import Act, Scan
from authenticity.records.serial import ALPHABET
from authenticity.records.serial_filter import build_filter
from authenticity.trust.entitlement import Entitlement
from authenticity.trust.trust_list import read_trust_list
from authenticity.trust.verdict import Doubt
from authenticity.trust.verify import verify
from ledger.records import Role
from simulation.seeded_signer import SeededSigner
from simulation.two_makers import World
from verifier_api.auth.principals import ANONYMOUS, Principal
from verifier_api.i18n.advice import advise
from verifier_api.i18n.translator import load_translators
from verifier_api.services.answers import Answer, Known, Question, answer, reference_of

WORDS = load_translators()
OFFICER = Principal(Role.OFFICER, "customs-1", None)
HOLDER = Principal(Role.RIGHTS_HOLDER, "alpine", Entitlement(frozenset({"9521234"})))
STRANGER = Principal(Role.RIGHTS_HOLDER, "harbour", Entitlement(frozenset({"9526543"})))


@pytest.fixture
def world() -> World:
    return World()


def _answer(
    world: World,
    code: str,
    scans: Sequence[Scan] | None,
    *,
    principal: Principal = ANONYMOUS,
    session: str = "mine",
    batches: Sequence[Batch] = (),
    language: str = "en",
    of_batch: tuple[Alert, ...] = (),
) -> Answer:
    trust_list = world.trust_list
    scan = world.scan(code, session=session)
    verdict = verify(code, trust_list, world.now)
    known = None
    if scans is not None:
        observations = [observe(s, verify(s.code, trust_list, world.now), 1) for s in scans]
        known = Known(history_of(observations), BatchRegistry(batches), of_batch)
    question = Question(
        verdict, observe(scan, verdict, 1), principal, WORDS[language], world.now, 1
    )
    return answer(question, known, DEFAULT_POLICY)


def test_first_scan_is_verified_in_the_words_of_the_reader(world: World) -> None:
    answered = _answer(world, world.code(), [], language="de")
    assert answered.standing is Standing.VERIFIED
    assert answered.advice.text == "Echter Code von Alpine Tea. Noch nicht gescannt."


def test_own_earlier_scans_are_nobody_elses(world: World) -> None:
    code = world.code()
    scans = [world.scan(code, minutes=-5, session="mine")]
    own, other = _answer(world, code, scans), _answer(world, code, scans, session="other")
    assert (own.standing, own.scans) == (Standing.VERIFIED, 0)
    assert (other.standing, other.scans) == (Standing.SEEN_BEFORE, 1)
    arrived_at = max(scan.received_at for scan in scans)
    assert other.first == arrived_at.replace(microsecond=0)


def test_a_scan_of_the_makers_own_line_is_not_seen_before(world: World) -> None:
    code = world.code()
    packed = world.officer_scan(code, channel="maker", publisher="line-1", minutes=-9)
    assert _answer(world, code, [packed]).standing is Standing.VERIFIED


def _cloned(world: World) -> tuple[str, list[Scan]]:
    code = world.code()
    return code, world.copied_scans(code)


def test_copies_are_caution_and_a_consumer_learns_no_places(world: World) -> None:
    code, scans = _cloned(world)
    answered = _answer(world, code, scans)
    assert answered.standing is Standing.CAUTION
    assert answered.findings[0].kind is FindingKind.CLONE_SUSPECTED
    assert all(finding.reasons == () for finding in answered.findings)
    assert "elsewhere" in answered.advice.text


@pytest.mark.parametrize(
    ("principal", "has_reasons", "has_alert"),
    [(OFFICER, True, False), (HOLDER, True, True), (STRANGER, False, False)],
)
def test_reasons_and_alert_ids_are_for_who_is_entitled(
    world: World, principal: Principal, has_reasons: bool, has_alert: bool
) -> None:
    code, scans = _cloned(world)
    answered = _answer(world, code, scans, principal=principal)
    [clone] = [f for f in answered.findings if f.kind is FindingKind.CLONE_SUSPECTED]
    assert bool(clone.reasons) is has_reasons
    assert (clone.alert_id is not None) is has_alert


def test_an_officer_reads_how_likely_copies_are_and_why_and_what_to_inspect(world: World) -> None:
    code, scans = _cloned(world)
    answered = _answer(world, code, scans, principal=OFFICER)
    assert answered.advice.title == "Amber: inspect"
    assert "How likely: " in answered.advice.text and "%" in answered.advice.text
    assert "security features" in answered.advice.steps[0]
    [clone] = [f for f in answered.findings if f.kind is FindingKind.CLONE_SUSPECTED]
    assert clone.probability and clone.words
    assert clone.words.title == "Copies of this pack are suspected"
    assert len(clone.words.reasons) == len(clone.reasons)


@pytest.mark.parametrize("principal", [ANONYMOUS, STRANGER])
def test_a_consumer_reads_no_number_and_no_reason(world: World, principal: Principal) -> None:
    code, scans = _cloned(world)
    answered = _answer(world, code, scans, principal=principal, of_batch=(_campaign(),))
    assert "%" not in answered.advice.text and "likely" not in answered.advice.text
    assert {(f.probability, f.words) for f in answered.findings} == {(None, None)}
    assert answered.findings_of_batch == ()


def _campaign() -> Alert:
    item, kind = ItemId(batch_entity("09521234000013", "L7")), FindingKind.CAMPAIGN
    reason = because(ReasonCode.MANY_ITEMS_LOOK_COPIED, items_at_least=8, networks_at_least=16)
    return Alert(
        alert_id(item, kind), item, kind, FINDINGS[kind].severity, 0.97, 1, False, (reason,)
    )


@pytest.mark.parametrize(("principal", "has_alert"), [(OFFICER, False), (HOLDER, True)])
def test_a_campaign_on_its_batch_is_told_to_who_is_entitled(
    world: World, principal: Principal, has_alert: bool
) -> None:
    answered = _answer(world, world.code(), [], principal=principal, of_batch=(_campaign(),))
    [campaign] = answered.findings_of_batch
    assert (campaign.kind, campaign.probability) == (FindingKind.CAMPAIGN, 0.97)
    assert (campaign.alert_id is not None) is has_alert
    assert campaign.words and campaign.words.likelihood == "very likely (97%)"
    assert campaign.words.reasons == (
        "At least 8 packs of the batch look copied. Networks of anonymous scans: at least 16.",
    )
    assert answered.standing is Standing.VERIFIED


def test_a_serial_that_was_never_issued_is_suspect_in_plain_words(world: World) -> None:
    others = world.batch(count=1, serials=build_filter(["ANOTHER"]))
    answered = _answer(world, world.code(), [], batches=[others])
    assert (answered.standing, answered.verdict) == (Standing.SUSPECT, "Genuine")
    assert answered.advice.title == "Do not use"
    assert answered.advice.text.startswith("This code was not issued by Alpine Tea")
    officer = _answer(world, world.code(), [], batches=[others], principal=OFFICER)
    assert officer.advice.title == "Red: detain"
    assert "Ask the maker about this serial number" in officer.advice.steps[0]


def test_proven_copies_are_suspect_in_plain_words(world: World) -> None:
    code = world.code()
    sales = [
        world.officer_scan(code, publisher=shop, channel="retail", act=Act.SELL, minutes=-minutes)
        for shop, minutes in (("shop-1", 900), ("shop-2", 60))
    ]
    answered = _answer(world, code, sales)
    assert answered.standing is Standing.SUSPECT
    assert answered.advice.text == (
        "This code is on more than one pack, so at least one of them is a copy."
    )


def test_a_recall_is_told_before_anybody_ever_scanned(world: World) -> None:
    recalled = world.batch(status=BatchStatus.RECALLED)
    answered = _answer(world, world.code(), [], batches=[recalled])
    assert answered.standing is Standing.SUSPECT
    assert answered.advice.text == "Alpine Tea has recalled these packs."


@pytest.mark.parametrize("principal", [ANONYMOUS, OFFICER, HOLDER])
@pytest.mark.parametrize("others", [0, 1, 3])
def test_that_the_maker_has_not_told_of_a_batch_is_said_to_everybody_under_every_good_standing(
    world: World, principal: Principal, others: int
) -> None:
    code = world.code(lot="NOBODYS")
    scans = [world.scan(code, session=f"s{n}", minutes=-9) for n in range(others)]
    answered = _answer(world, code, scans, principal=principal, batches=[world.batch()])
    good = Standing.SEEN_BEFORE if others else Standing.VERIFIED
    assert (answered.standing, answered.provisional) == (good, True)
    assert "Alpine Tea, who has not told us of this batch yet" in answered.advice.text
    assert ("Also scanned by" in answered.advice.text) == bool(others)
    registered = _answer(world, world.code(), scans, principal=principal, batches=[world.batch()])
    assert not registered.provisional
    assert "not told us" not in registered.advice.text


def test_of_a_product_without_any_registered_batch_nothing_is_said(world: World) -> None:
    answered = _answer(world, world.code(lot="NOBODYS"), [])
    assert (answered.standing, answered.provisional) == (Standing.VERIFIED, False)


def test_an_invented_print_of_a_good_code_is_no_word_about_its_batch(world: World) -> None:
    """What the code in hand prints is registered; another print under its serial is not."""
    code = world.code()
    scans = [world.scan(world.code(lot="NOBODYS"), session="thief", minutes=-9)]
    answered = _answer(world, code, scans, batches=[world.batch()])
    assert (answered.standing, answered.provisional) == (Standing.CAUTION, False)
    assert "another lot was seen" in answered.advice.text
    thiefs = _answer(world, scans[0].code, [world.scan(code, minutes=-9)], batches=[world.batch()])
    assert thiefs.standing is Standing.CAUTION


def test_no_history_in_time_claims_nothing_about_earlier_scans(world: World) -> None:
    answered = _answer(world, world.code(), None)
    assert (answered.standing, answered.provisional) == (Standing.VERIFIED, True)
    assert "Not scanned before" not in answered.advice.text


@pytest.mark.parametrize("principal", [ANONYMOUS, STRANGER])
def test_a_forged_code_takes_nothing_from_the_history(world: World, principal: Principal) -> None:
    scans = [world.scan(world.code(serial="S1"), minutes=-m) for m in (1, 2)]
    answered = _answer(world, world.forged_code(serial="S1"), scans, principal=principal)
    assert (answered.standing, answered.doubt) == (Standing.SUSPECT, Doubt.FORGED)
    assert (answered.findings, answered.scans, answered.first) == ((), 0, None)


@pytest.mark.parametrize("slot", [1, 9, 255])
def test_an_invented_slot_takes_nothing_from_the_history_and_is_never_good(
    world: World, slot: int
) -> None:
    """Amber with careful words, and not a thing of the item that the code claims to be."""
    scans = [world.scan(world.code(serial="S1"), minutes=-m) for m in (1, 2)]
    signer = SeededSigner(1, "somebody", key_slot=slot)
    code = world.code("S1", signer=signer)
    for principal in (ANONYMOUS, STRANGER):
        answered = _answer(world, code, scans, principal=principal)
        assert (answered.standing, answered.doubt) == (Standing.CAUTION, Doubt.NEWER_KEY)
        assert (answered.findings, answered.scans, answered.first) == ((), 0, None)
        assert answered.verdict == "Doubtful"
        assert "Genuine" not in answered.advice.title + answered.advice.text
        assert answered.advice.title != "Do not use"
        unseen = _answer(world, code, [], principal=principal)
        assert replace(unseen, reference="") == replace(answered, reference="")
    officer = _answer(world, code, scans, principal=OFFICER)
    assert officer.advice.title == "Amber: inspect"
    assert officer.advice.steps[0] == "Get the newest trust list, then scan again."


def test_an_officer_sees_the_history_of_what_a_forged_code_claims(world: World) -> None:
    scans = [world.scan(world.code(serial="S1"), minutes=-m) for m in (1, 2)]
    answered = _answer(world, world.forged_code(serial="S1"), scans, principal=OFFICER)
    assert answered.standing is Standing.SUSPECT
    assert FindingKind.SEEN_BEFORE in {finding.kind for finding in answered.findings}


@pytest.mark.parametrize("days", [1, -1])
def test_a_revoked_keys_code_stands_if_its_batch_was_registered_before(
    world: World, days: int
) -> None:
    revoked_at = world.now - timedelta(hours=1)
    document = world.next_trust_document(revoked={0: revoked_at})
    world.trust_list = read_trust_list(document, world.roots, at=world.now)
    batch = world.batch(registered_at=revoked_at - timedelta(days=days))
    answered = _answer(world, world.code(), [], batches=[batch])
    assert answered.doubt is Doubt.KEY_REVOKED
    assert answered.standing is (Standing.VERIFIED if days > 0 else Standing.SUSPECT)


def test_the_same_scan_twice_gets_the_same_reference(world: World) -> None:
    code = world.code()
    scan = world.scan(code)
    verdict = verify(code, world.trust_list, world.now)
    question = Question(verdict, observe(scan, verdict, 1), ANONYMOUS, WORDS["en"], world.now, 1)
    known = Known(None, BatchRegistry())
    first, second = (answer(question, known, DEFAULT_POLICY) for _ in range(2))
    assert first == second
    assert len(first.reference) == 14


def test_a_reference_tells_nothing_of_the_id_that_decides_what_is_kept(world: World) -> None:
    scan = world.scan(world.code())
    verdict = verify(scan.code, world.trust_list, world.now)
    seen = observe(scan, verdict, 1)
    ids = range(0, 2**64, len(ALPHABET) ** 12)
    assert len({reference_of(replace(seen, id=number)) for number in ids}) == len(ids)


def test_every_doubt_has_words_for_every_reader(world: World) -> None:
    from authenticity.detection.findings import STANDING_OF_DOUBT
    from verifier_api.auth.principals import Audience
    from verifier_api.i18n.advice import Occasion

    for doubt in Doubt:
        for audience in Audience:
            occasion = Occasion(
                standing=STANDING_OF_DOUBT[doubt],
                cause=doubt,
                issuer=None,
                others=0,
                first=None,
                provisional=False,
                unregistered=False,
                at=world.now,
            )
            answered = advise(occasion, audience, WORDS["ko"])
            assert answered.title
            assert "{" not in answered.text
