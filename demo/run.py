"""One demonstration, from the first key to the summary.

1. Make keys and trust list; start what the engine needs, engine and service; issue batches.
2. Publish what arrives in the demonstration's calendar, follow the alert feed, show it.
3. On Ctrl-C, or when the time is over: publish nothing more, let the engine finish.
4. Ask for the alerts that stand, stop the service, compare with the truth, clean up.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from rich.console import Console
from rich.live import Live

from authenticity.records.scan import judged_at
from authenticity.trust.jws import read_roots
from authenticity.trust.trust_list import TrustList, read_trust_list
from authenticity.trust.verify import verify
from demo.feed import AlertFeed, read_alert
from demo.installation import DemoInstallation, make_installation, publish_trust
from demo.live import LiveTraffic, Pace
from demo.open_site import open_embedded, open_kafka
from demo.pack_supply import PackSupply
from demo.pages import ShortAddresses
from demo.running_results import Results
from demo.scanners import Scanners
from demo.service import HOST, DemoService, choose_port
from demo.signals import StopRequest, stop_on_signal
from demo.summary import print_summary, summary_of
from demo.view import Frame, plain_line, render
from ledger.administration import LedgerAdministration
from ledger.records import Role
from simulation.attacks import AttackFamily
from simulation.noise import Noise
from simulation.traffic import Line
from simulation.visits import DAY_S
from simulation.world import signed_code

LONGEST_S: Final = 720.0
"""The calendar begins so many days ago; a second shows a day."""
_DAYS_BEFORE: Final = 3.0
"""So many days of trade are behind the first frame; their scans arrive at once."""
_ON_ITS_WAY: Final = timedelta(days=1)
"""Scans of the last second cannot have been assessed yet; the live score leaves them out."""
_TICK_S: Final = 0.05
_FRAME_EVERY_S: Final = 0.25
_PAUSE_FACTOR: Final = 10
_PLAIN_EVERY_S: Final = 2.0
_ATTACKS_A_SCAN: Final = 2.6 / 150
_PACKS_PER_BATCH: Final = 2_000
_QUIET_S: Final = 0.8


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the user asked for. `seconds` None: until Ctrl-C."""

    folder: Path | None
    seconds: float | None
    rate: float
    port: int | None
    seed: int
    as_json: bool
    kafka: bool = False


def run_demo(options: DemoOptions, out: Console, err: Console) -> dict[str, Any]:
    """The summary, shown on `out` unless it is asked for as JSON, which is left to the caller;
    then progress goes to `err`.

    Raises `TouchstoneError`; whatever happens, no process and no temporary folder stays.
    """
    with ExitStack() as stack:
        stop_request = stack.enter_context(stop_on_signal())
        folder = options.folder
        if folder is None:
            temporary = TemporaryDirectory(prefix="touchstone-demo-", ignore_cleanup_errors=True)
            folder = Path(stack.enter_context(temporary))
            (folder / "demo").mkdir()
            for way in (folder, folder / "demo"):  # whatever the umask: PostgreSQL, started by
                way.chmod(0o711)  # root, is another user, who must get to its folder
        demo = _Demo(options, folder, stack, stop_request, (out, err))
        demo.set_up()
        demo.run()
        return demo.finish()


class _Demo:
    """One demonstration. What it opens is closed by `stack`, in reverse order."""

    def __init__(
        self,
        options: DemoOptions,
        folder: Path,
        stack: ExitStack,
        stop_request: StopRequest,
        consoles: tuple[Console, Console],
    ) -> None:
        self._options = options
        self._out, self._err = consoles
        self._folder = folder
        self._stack = stack
        self._stop_request = stop_request
        self._seconds = min(options.seconds or LONGEST_S, LONGEST_S)
        began = datetime.now(UTC) - timedelta(days=self._seconds + 30)
        self._at = began.replace(hour=0, minute=0, second=0, microsecond=0)
        self._second = 0.0

    def set_up(self) -> None:
        """Step 1."""
        options = self._options
        port = choose_port(options.port)
        self._report("makers, keys, trust list")
        installation = make_installation(
            self._folder / "demo" if options.folder is None else self._folder,
            seed=options.seed,
            at=self._at,
            valid_for=timedelta(days=LONGEST_S + 400),
            hosts=(f"{HOST}:{port}",),
            packs_per_batch=_PACKS_PER_BATCH,
        )
        if options.kafka:
            self._site = open_kafka(installation, self._stack, self._report)
        else:
            self._site = open_embedded(installation, self._stack)
        site = self._site
        publish_trust(installation, site.publisher)
        remove = self._folder if options.folder is None else None
        self._service = DemoService(
            installation.data,
            port,
            installation.folder / "service.log",
            remove,
            site.arguments,
            site.environment,
        )
        self._stack.callback(self._service.stop)
        self._report("batches, signed and registered")
        supply = PackSupply(lambda number: installation.issue_batch(number, site.publisher))
        self._stack.callback(supply.close)
        self._report(f"engine ({site.about}) and service" if site.about else "engine and service")
        self._service.wait_until_ready(site.ready_within_s)
        self._trust_list = _trust_list_of(installation)
        self._connect(supply)
        self._report(f"everything is up at {self._service.url}")
        for name, url in self._pages.short.items():
            self._report(f"a {name} pack: {url}")
        self._stop_request.gently = True

    def run(self) -> None:
        """Step 2."""
        began = time.monotonic()
        with self._screen() as show:
            while not self._stop_request.asked and self._second < self._seconds:
                self._second = min(time.monotonic() - began, self._seconds)
                self._service.check()
                self._scanners.publish(self._live.until(self._now_s))
                self._scanners.acknowledged(self._count)
                self._results.passed(self._second)
                self._take_alerts()
                show()
                time.sleep(_TICK_S)

    def finish(self) -> dict[str, Any]:
        """Steps 3 and 4."""
        self._report("letting the engine finish")
        self._scanners.acknowledged(self._count, wait=True)
        self._scanners.publish([])
        self._results.by_service = self._scanners.by_service
        self._let_engine_finish()
        for alert in self._service.standing_alerts(self._token):
            self._results.alerted(read_alert(alert), self._second)
        score = self._results.score(self._now)
        summary = summary_of(self._results, score, self._second, self._pages.targets)
        summary["engine"] = "kafka" if self._options.kafka else "embedded"
        if not self._options.as_json:
            print_summary(summary, score, self._out)
        return summary

    def _connect(self, supply: PackSupply) -> None:
        """Make tokens, follow the alert feed, open the ways to publish, choose the three packs."""
        options = self._options
        administration = LedgerAdministration(self._site.ledger)
        self._stack.callback(administration.close)
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        self._token, _ = administration.create_token(Role.ADMIN, "demo", None, tomorrow)
        officer, _ = administration.create_token(Role.OFFICER, "demo-customs", None, tomorrow)
        gateway, _ = administration.create_token(None, "demo-app", None, tomorrow)
        feed = AlertFeed(HOST, self._service.port, self._token)
        self._stack.callback(feed.close)
        self._feed = feed
        self._scanners = Scanners(
            self._site.publisher,
            self._service.url,
            officer_token=officer,
            gateway_token=gateway,
        )
        self._stack.callback(self._scanners.close)
        self._pages = ShortAddresses(HOST, self._service.url)
        self._stack.callback(self._pages.close)
        pace = Pace(options.rate, options.rate * _ATTACKS_A_SCAN)
        start_s = self._at.timestamp()
        self._live = LiveTraffic(supply.take, pace, Noise(), options.seed, start_s)
        self._results = Results(self._live.launched)
        (untouched,) = supply.take(1)
        (copied,) = self._live.launch(AttackFamily.COPIES, start_s)
        self._pages.show("genuine", untouched.code)
        self._pages.show("copied", copied.code)
        (named,) = supply.take(1)
        self._pages.show("forged", signed_code(named.plain_ais, named.host, self._live.forger))

    @property
    def _now_s(self) -> float:
        return self._at.timestamp() + (_DAYS_BEFORE + self._second) * DAY_S

    @property
    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._now_s, UTC)

    def _count(self, line: Line) -> None:
        """A scan was acknowledged; its code is verified as the scanner would, offline."""
        verdict = verify(line.scan.code, self._trust_list, judged_at(line.scan))
        self._results.published(line, verdict, self._second)

    def _take_alerts(self) -> bool:
        alerts = self._feed.take()
        for alert in alerts:
            self._results.alerted(alert, self._second)
        return bool(alerts)

    def _let_engine_finish(self) -> None:
        """Return when no scan waits and the feed is quiet, or after the site's time limit."""
        deadline = time.monotonic() + self._site.finished_within_s
        quiet_since = time.monotonic()
        while time.monotonic() < deadline:
            if self._take_alerts() or self._site.waiting(self._service):
                quiet_since = time.monotonic()
            if time.monotonic() - quiet_since > _QUIET_S:
                return
            time.sleep(_TICK_S)

    def _report(self, line: str) -> None:
        """One line of progress; on stderr if stdout is for a machine."""
        console = self._err if self._options.as_json else self._out
        console.print("· ", style="cyan", end="")
        console.print(line)

    @contextmanager
    def _screen(self) -> Iterator[Callable[[], None]]:
        """A function that shows the present moment when it is due, and is cheap when not."""
        out = self._out
        if self._options.as_json:
            yield lambda: None
        elif not out.is_terminal:
            yield _every(_PLAIN_EVERY_S, lambda: out.print(plain_line(self._frame())))
        else:
            with Live(console=out, screen=True, auto_refresh=False) as live:

                def show() -> None:
                    live.update(render(self._frame(), out.width, out.height), refresh=True)

                yield _every(_FRAME_EVERY_S, show)

    def _frame(self) -> Frame:
        left = self._seconds - self._second
        timed = f"{left:.0f} s left   " if self._options.seconds else ""
        return Frame(
            results=self._results,
            score=self._results.score(self._now - _ON_ITS_WAY),
            second=self._second,
            now=self._now,
            day=int(self._second) + 1,
            pages=self._pages.short,
            ending=f"{timed}Ctrl-C ends",
            about=self._site.about,
        )


def _every(seconds: float, show: Callable[[], None]) -> Callable[[], None]:
    """A function that calls `show` at most every `seconds`, and rests ten times as long as a
    call took: drawing must not slow the demonstration."""
    next_at = 0.0

    def show_when_due() -> None:
        nonlocal next_at
        began = time.monotonic()
        if began >= next_at:
            show()
            took = time.monotonic() - began
            next_at = began + max(seconds, _PAUSE_FACTOR * took)

    return show_when_due


def _trust_list_of(installation: DemoInstallation) -> TrustList:
    roots = read_roots((installation.data / "roots.json").read_bytes())
    document = (installation.folder / "keys" / "trust.jws").read_bytes()
    return read_trust_list(document, roots, at=datetime.now(UTC))
