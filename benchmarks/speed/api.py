"""`POST /v1/verify` against a bare ASGI app that does the same verification.

The baseline decodes the same body, verifies the code, reads the item from the same ledger,
assesses its history and encodes verdict and standing: no router, no rate limit, no tokens,
no wording, no metrics, no security headers, no deadline. Codes are all different, so no
memory helps. Taken twice: in one process over ASGI, and over uvicorn and loopback with
several connections, the server in a process of its own. The details also give a
baseline that checks the signature alone, without a ledger.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from authenticity.detection.caller_assessment import assess_for_caller
from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.history.observation import observe
from authenticity.records.scan import SCAN_FORMAT, Channel, Scan
from authenticity.trust.verdict import Genuine
from authenticity.trust.verify import verify
from benchmarks.machine import machine
from benchmarks.speed.result import Details, Result, interleaved
from simulation.two_makers import World
from verifier_api.services.batched_lookups import BatchedLookups

App = Callable[..., Awaitable[None]]
Message = MutableMapping[str, Any]

TARGET: Final = 0.8
_CONNECTIONS: Final = 16
_START_S: Final = 20.0


def measure(*, quick: bool) -> Result:
    """`ours` and `baseline` are checks a second over ASGI; loopback is among the details."""
    runs, count = (3, 1_000) if quick else (7, 3_000)
    with tempfile.TemporaryDirectory() as folder, prepared(Path(folder)) as (service, world):
        bodies = _bodies(world, count * (4 * runs + 2))
        bare_app = bare(world, service)
        signature_only = bare(world, None)
        asyncio.run(_in_process(service, [next(bodies) for _ in range(200)]))
        ours, baseline, ratio = interleaved(
            lambda: _timed(service, bodies, count), lambda: _timed(bare_app, bodies, count), runs
        )
        _, signatures, signature_ratio = interleaved(
            lambda: _timed(service, bodies, count),
            lambda: _timed(signature_only, bodies, count),
            runs,
        )
    loop_ours, loop_baseline, loop_ratio = _over_loopback(runs, count)
    details: Details = {
        "signature_only_pair": round(signatures, 1),
        "signature_only_ratio": round(signature_ratio, 3),
        "loopback_ours": round(loop_ours, 1),
        "loopback_pair": round(loop_baseline, 1),
        "loopback_ratio": round(loop_ratio, 3),
        "loopback_connections": _CONNECTIONS,
        "codes": "all different, Ed25519",
    }
    return Result("api", "checks/s", ours, baseline, ratio, TARGET, runs, machine(), details)


def _bodies(world: World, count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield msgspec.json.encode({"code": world.code()})


def _timed(app: App, bodies: Iterator[bytes], count: int) -> float:
    taken = [next(bodies) for _ in range(count)]
    started = time.perf_counter()
    asyncio.run(_in_process(app, taken))
    return count / (time.perf_counter() - started)


async def _in_process(app: App, bodies: list[bytes]) -> None:
    """Requests one after the other in each of a few tasks, as connections would send them.

    By hand: httpx's client costs more than the requests that are measured.
    """
    waiting = iter(bodies)

    async def connection() -> None:
        for body in waiting:
            await _request(app, body)

    await asyncio.gather(*(connection() for _ in range(_CONNECTIONS)))


async def _request(app: App, body: bytes) -> None:
    status = 0

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)

    await app(_scope(), receive, send)
    assert status == 200, status


def _scope() -> Message:
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": "/v1/verify", "raw_path": b"/v1/verify", "query_string": b"",
        "root_path": "", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")],
    }  # fmt: skip


class _Body(msgspec.Struct):
    code: str


def bare(world: World, service: Any) -> App:
    """The baseline; with the ledger of `service`, or without any."""
    decoder = msgspec.json.Decoder(_Body)
    trust_list = world.trust_list
    lookups = service and BatchedLookups(service.state.service.reader, within_s=1.0)

    async def app(scope: Message, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await _lifespan(receive, send)
            return
        message = await receive()
        body = decoder.decode(message["body"])
        now = datetime.now(UTC)
        verdict = verify(body.code, trust_list, now)
        standing = ""
        if lookups and isinstance(verdict, Genuine):
            known = await lookups.known(verdict.item)
            scan = Scan(SCAN_FORMAT, "0", "bench", body.code, now, now, Channel.CONSUMER, False)
            observation = observe(scan, verdict, trust_list.version)
            assessment = assess_for_caller(
                verdict.item, observation, known.history, known.batch_registry, DEFAULT_POLICY
            )
            standing = assessment.standing if assessment else ""
        answer = msgspec.json.encode((standing, verdict))
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(answer)),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    return app


async def _lifespan(receive: Any, send: Any) -> None:
    for step in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{step}.complete"})


@contextmanager
def prepared(folder: Path) -> Iterator[tuple[App, World]]:
    """The real service on a real ledger, with a trust list in force."""
    from events.embedded.log import EmbeddedLog
    from events.embedded.publisher import EmbeddedPublisher
    from events.publisher import Record
    from events.topics import TRUST, TRUST_KEY
    from ledger.opening import migrate, open_reader, open_store
    from stream.sources.embedded import EmbeddedSource
    from verifier_api.app import Dependencies, create_app
    from verifier_api.settings import Limits, Settings

    world = World(now=datetime.now(UTC))
    migrate(folder / "ledger.sqlite")
    publisher = EmbeddedPublisher(folder / "log.sqlite")
    publisher.publish([Record(TRUST, TRUST_KEY, world.trust_document)]).result(10)
    engine = EmbeddedSource(
        EmbeddedLog(folder / "log.sqlite"),
        open_store(folder / "ledger.sqlite"),
        world.roots,
        DEFAULT_POLICY,
    )
    engine.start()
    while engine.stats.trust_version == 0:
        time.sleep(0.01)
    engine.stop()
    settings = Settings(limits=Limits(anonymous_per_minute=1e9, anonymous_burst=10**9))
    reader = open_reader(folder / "ledger.sqlite")
    app = create_app(
        Dependencies(
            reader=reader,
            publisher=publisher,
            roots=world.roots,
            secret=bytes(32),
            settings=settings,
        )
    )
    asyncio.run(app.state.service.trust.refresh())
    try:
        yield app, world
    finally:
        publisher.close()
        asyncio.run(reader.close())


def _over_loopback(runs: int, count: int) -> tuple[float, float, float]:
    world = World(now=datetime.now(UTC))  # the seed decides the keys: the servers' own
    bodies = _bodies(world, count * (2 * runs + 2))
    with _server("ours") as ours_port, _server("bare") as bare_port:

        def rate(port: int) -> float:
            taken = [next(bodies) for _ in range(count)]
            return asyncio.run(_load(port, taken))

        rate(ours_port), rate(bare_port)
        return interleaved(lambda: rate(ours_port), lambda: rate(bare_port), runs)


async def _load(port: int, bodies: list[bytes]) -> float:
    """Requests a second, from bare sockets: with httpx the client would be the bottleneck."""
    waiting = iter(bodies)

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for body in waiting:
            writer.write(
                b"POST /v1/verify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
            )
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(_CONNECTIONS)))
    return len(bodies) / (time.perf_counter() - started)


@contextmanager
def _server(which: str) -> Iterator[int]:
    """`python -m benchmarks.speed.api ours|bare`: prints its port, ends when its input does."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.speed.api", which],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(_START_S)
        process.stdout.close()


def _serve(which: str) -> None:
    import threading

    import uvicorn

    with tempfile.TemporaryDirectory() as folder, prepared(Path(folder)) as (service, world):
        app: Any = service if which == "ours" else bare(world, service)
        config = uvicorn.Config(app, port=0, log_level="error", access_log=False)
        server = uvicorn.Server(config)

        def watch() -> None:
            while not server.started:
                time.sleep(0.01)
            sys.stdout.write(f"{server.servers[0].sockets[0].getsockname()[1]}\n")
            sys.stdout.flush()
            sys.stdin.read()
            server.should_exit = True

        threading.Thread(target=watch, daemon=True).start()
        server.run()


if __name__ == "__main__":
    _serve(sys.argv[1])
