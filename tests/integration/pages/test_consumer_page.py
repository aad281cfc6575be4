"""The consumer page in a real Chromium: every standing, phone and desk, light and dark."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from authenticity.records.batch import BatchStatus
from authenticity.records.scan import Act
from authenticity.records.serial_filter import build_filter
from simulation.two_makers import P256_MAKER, changed
from tests.integration.api.stand import Stand, path_of
from tests.support.patience import PATIENCE_S

ARGS = (
    "--no-sandbox", "--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
LARGEST_PAGE_BYTES = 30_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For this module alone: while it lives, its event loop runs in the tests' thread."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=[*ARGS])
        yield launched
        launched.close()


def _verified(stand: Stand) -> str:
    return stand.world.code()


def _seen_before(stand: Stand) -> str:
    code = stand.world.code()
    stand.publish(*(stand.world.scan(code, minutes=-minutes) for minutes in (50, 9)))
    return code


def _caution(stand: Stand) -> str:
    code = stand.world.code()
    stand.publish(*stand.world.copied_scans(code))
    return code


def _recalled(stand: Stand) -> str:
    code = stand.world.code(maker=P256_MAKER, lot="R1")
    stand.register(stand.world.batch(maker=P256_MAKER, lot="R1", status=BatchStatus.RECALLED))
    return code


def _never_issued(stand: Stand) -> str:
    others = build_filter(["ANOTHER"])
    stand.register(stand.world.batch(batch_id="n1", lot="N1", count=1, serials=others))
    return stand.world.code(lot="N1")


def _proven(stand: Stand) -> str:
    code = stand.world.code()
    sale: dict[str, Any] = {"channel": "retail", "act": Act.SELL}
    stand.publish(
        stand.world.officer_scan(code, publisher="shop-1", minutes=-900, **sale),
        stand.world.officer_scan(code, publisher="shop-2", minutes=-60, **sale),
    )
    return code


def _forged(stand: Stand) -> str:
    return stand.world.forged_code()


def _not_issued(stand: Stand) -> str:
    return stand.world.unsigned_code()


def _unreadable(stand: Stand) -> str:
    return stand.world.code().replace("/01/095", "/01/096")


def _expired(stand: Stand) -> str:
    return stand.world.code(expiry="240131")


STANDINGS: dict[str, tuple[Callable[[Stand], str], str]] = {
    "verified": (_verified, "Genuine code"),
    "seen-before": (_seen_before, "Genuine code, scanned before"),
    "caution": (_caution, "Take care: copies may exist"),
    "recalled": (_recalled, "Do not use"),
    "never-issued": (_never_issued, "Do not use"),
    "proven-copies": (_proven, "Do not use"),
    "forged": (_forged, "Do not use"),
    "not-issued": (_not_issued, "Not issued by the maker"),
    "unreadable": (_unreadable, "This could not be read"),
    "expired": (_expired, "Genuine code"),
}


def _context(
    browser: Browser, *, dark: bool = False, desk: bool = False, **more: object
) -> BrowserContext:
    context: BrowserContext = browser.new_context(
        viewport=DESK if desk else PHONE,  # type: ignore[arg-type]
        color_scheme="dark" if dark else "light",
        locale="en-GB",
        timezone_id="Asia/Tokyo",
        **more,  # type: ignore[arg-type]
    )
    context.set_default_timeout(1_000 * PATIENCE_S)
    return context


@pytest.mark.parametrize("name", STANDINGS)
def test_every_standing_says_its_sentence_without_accessibility_violations(
    browser: Browser, stand: Stand, name: str
) -> None:
    make, title = STANDINGS[name]
    for dark, desk in ((False, False), (True, False), (False, True), (True, True)):
        with _context(browser, dark=dark, desk=desk) as context:
            page = context.new_page()
            page.goto(stand.url + path_of(make(stand)))
            page.locator("[data-status]:not(:empty)").wait_for()
            assert page.locator("h1").inner_text() == title
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= (DESK if desk else PHONE)["width"]
            _photograph(page, f"{name}-{'desk' if desk else 'phone'}-{'dark' if dark else 'light'}")
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()


def _photograph(page: Page, name: str) -> None:
    folder = os.environ.get("TOUCHSTONE_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_the_script_posts_exactly_one_scan_after_the_page_is_shown(
    browser: Browser, stand: Stand
) -> None:
    code = stand.world.code()
    posts: list[str] = []
    with _context(browser) as context:
        page = context.new_page()
        page.on("request", lambda request: posts.append(f"{request.method} {request.url}"))
        page.clock.install()
        page.goto(stand.url + path_of(code))
        page.locator("[data-status]:not(:empty)").wait_for()
        page.clock.fast_forward(60_000)  # whatever the script has still put off, it does now
    stand.drain()
    assert stand.scans_of(code) == 1
    assert [post for post in posts if "POST" in post] == [f"POST {stand.url}/v1/scans?lang=en"]


def test_a_batch_that_its_maker_has_not_registered_is_said_to_be_so(
    browser: Browser, stand: Stand
) -> None:
    stand.register(stand.world.batch())
    code = stand.world.code(lot="Z9")
    with _context(browser) as context:
        page = context.new_page()
        page.goto(stand.url + path_of(code))
        page.locator("[data-status]:not(:empty)").wait_for()
        assert page.locator("h1").inner_text() == "Genuine code"
        assert "not told us of this batch yet" in page.locator("[data-text]").inner_text()
    stand.drain()
    with _context(browser) as context:
        page = context.new_page()
        page.goto(stand.url + path_of(code))
        page.locator("[data-status]:not(:empty)").wait_for()
        assert page.locator("h1").inner_text() == "Genuine code, scanned before"
        text = page.locator("[data-text]").inner_text()
        assert "not told us of this batch yet" in text
        assert "Also scanned by someone else" in text
        assert page.locator("main.tone-wait").count() == 1


def test_own_rescan_is_not_called_seen_before(browser: Browser, stand: Stand) -> None:
    stand.register(stand.world.batch())
    code = stand.world.code()
    url = stand.url + path_of(code)
    with _context(browser) as context:
        for number in (1, 2):
            page = context.new_page()
            page.goto(url)
            page.locator("[data-status]:not(:empty)").wait_for()
            assert page.locator("h1").inner_text() == "Genuine code"
            assert "Not scanned before" in page.locator("[data-text]").inner_text()
            stand.drain()
            assert stand.scans_of(code) == number


def test_without_javascript_the_button_records_the_scan(browser: Browser, stand: Stand) -> None:
    code = stand.world.code()
    with _context(browser, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(stand.url + path_of(code))
        assert page.locator("h1").inner_text() == "Genuine code"
        stand.drain()
        assert stand.scans_of(code) == 0
        page.get_by_role("button", name="Confirm this scan").click()
        page.get_by_text("Thank you. This scan is recorded.").wait_for()
        assert page.locator("h1").inner_text() == "Genuine code"
    stand.drain()
    assert stand.scans_of(code) == 1


def test_location_is_asked_for_only_after_the_click(browser: Browser, stand: Stand) -> None:
    code = stand.world.code()
    bodies: list[str] = []
    with _context(
        browser,
        permissions=["geolocation"],
        geolocation={"latitude": 48.85, "longitude": 2.35, "accuracy": 30},
    ) as context:
        page = context.new_page()
        page.on("request", lambda request: bodies.append(request.post_data or ""))
        page.goto(stand.url + path_of(code))
        page.locator("[data-status]:not(:empty)").wait_for()
        assert not any("48.85" in body for body in bodies)
        page.get_by_role("button", name="share my location").click()
        page.get_by_text("Your location was added").wait_for()
    assert sum("48.85" in body for body in bodies) == 1


def test_a_preview_that_never_shows_the_page_posts_none(stand: Stand) -> None:
    code = stand.world.code()
    path = path_of(code)
    with stand.client() as client:
        assert client.head(path).status_code == 200
        assert client.get(path, headers={"User-Agent": "WhatsApp/2"}).status_code == 200
        head = client.head(path)
    stand.drain()
    assert head.content == b""
    assert stand.scans_of(code) == 0


def test_the_whole_page_is_smaller_than_thirty_kilobytes(browser: Browser, stand: Stand) -> None:
    weights: list[int] = []
    with _context(browser) as context:
        page = context.new_page()
        page.on("response", lambda response: weights.append(len(response.body())))
        page.goto(stand.url + path_of(_caution(stand)))
        page.locator("[data-status]:not(:empty)").wait_for()
    assert 0 < sum(weights) < LARGEST_PAGE_BYTES


def test_times_are_written_in_the_readers_zone(browser: Browser, stand: Stand) -> None:
    scan = stand.world.scan(stand.world.code())
    noon = stand.world.now.replace(hour=1, minute=30, second=0, microsecond=0) - timedelta(days=3)
    stand.publish(changed(scan, captured_at=noon, received_at=noon))
    with _context(browser) as context:
        page = context.new_page()
        page.goto(stand.url + path_of(scan.code))
        shown = page.locator("main dd time").first.inner_text()
    assert "10:30" in shown  # 01:30 UTC in Tokyo


def test_the_skip_link_and_the_button_are_reached_by_keyboard(
    browser: Browser, stand: Stand
) -> None:
    with _context(browser, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(stand.url + path_of(stand.world.forged_code()))
        page.keyboard.press("Tab")
        assert page.locator(":focus").inner_text() == "Go to the answer"
        reached = []
        for _ in range(4):
            page.keyboard.press("Tab")
            reached.append(page.locator(":focus").inner_text())
    assert "Report this pack" in reached
    assert "Confirm this scan" in reached
