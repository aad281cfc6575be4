"""Publishes the scans of a demonstration, through the service or as a service recorded them.

The service is handed officers' scans, and one in some hundred of the consumers' by the
gateway of an app, which passes the networks of its users. All others go to the event log as
records of another region's service, with the network evidence that it derived: they are of
days that are past, and a service judges consumers' scans that old at their arrival.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from authenticity.errors import UnavailableError
from authenticity.records.scan import Channel, encode_scan
from events.publisher import Publisher
from producers.scanner.scanning import scan_record
from producers.scanner.service_client import ScanService
from simulation.traffic import Line

_MOST_BY_SERVICE: Final = 20
_ACKNOWLEDGED_WITHIN_S: Final = 30.0


class Scanners:
    """Publishes without waiting, and reports what has been acknowledged. For one thread."""

    def __init__(
        self, publisher: Publisher, service_url: str, *, officer_token: str, gateway_token: str
    ) -> None:
        self.by_service = 0
        """Scans that the service has acknowledged."""
        self._publisher = publisher
        self._officer = ScanService(service_url, officer_token)
        self._gateway = ScanService(service_url, gateway_token)
        self._sender = ThreadPoolExecutor(1, thread_name_prefix="by-service")
        self._sending: deque[Future[bool]] = deque()
        self._pending: deque[tuple[Future[None] | Future[bool], list[Line]]] = deque()

    def publish(self, lines: list[Line]) -> None:
        """Publish these scans; returns at once."""
        to_log: list[Line] = []
        while self._sending and self._sending[0].done():
            self.by_service += self._sending.popleft().result()
        for line in lines:
            if self._goes_to_service(line):
                answer = self._sender.submit(self._send, line)
                self._sending.append(answer)
                self._pending.append((answer, [line]))
            else:
                to_log.append(line)
        if to_log:
            records = [scan_record(line.scan) for line in to_log]
            self._pending.append((self._publisher.publish(records), to_log))

    def acknowledged(self, on_line: Callable[[Line], None], *, wait: bool = False) -> None:
        """Call `on_line` for what is durable, in order; `wait` for all of it.

        Raises `LogUnavailableError` for what the log refused.
        """
        while self._pending and (wait or self._pending[0][0].done()):
            answer, lines = self._pending.popleft()
            answer.result(timeout=_ACKNOWLEDGED_WITHIN_S)
            for line in lines:
                on_line(line)

    def close(self) -> None:
        """Give up what is still on its way to the service."""
        self._sender.shutdown(wait=False, cancel_futures=True)

    def _goes_to_service(self, line: Line) -> bool:
        if len(self._sending) >= _MOST_BY_SERVICE:
            return False
        scan = line.scan
        if scan.channel is Channel.CUSTOMS:
            return scan.authorised
        anybodys = scan.channel is Channel.CONSUMER and scan.act is scan.operation is None
        return anybodys and scan.scan_id.startswith("00")

    def _send(self, line: Line) -> bool:
        """Whether the service took it. What it did not take goes to the log, as on a device
        that tries again later: nothing that was shown as published is lost."""
        service = self._officer if line.scan.authorised else self._gateway
        try:
            if service.publish([encode_scan(line.scan)])[0].get("recorded"):
                return True
        except UnavailableError:
            pass
        self._publisher.publish([scan_record(line.scan)]).result(_ACKNOWLEDGED_WITHIN_S)
        return False
