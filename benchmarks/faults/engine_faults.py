"""Faults of the embedded engine. Times are seconds."""

import random
import time
from pathlib import Path
from typing import Final

from benchmarks.faults.embedded_site import EmbeddedSite
from benchmarks.faults.outcome import Outcome, compare
from benchmarks.faults.traffic import Traffic

_SHORTEST_LIFE_S: Final = 0.45
_LONGEST_LIFE_S: Final = 4.0


def killed_engines(folder: Path, traffic: Traffic, *, kills: int) -> Outcome:
    """`kill -9` of the embedded engine at random moments while scans arrive; sometimes two
    engines fold one log at once, and both are killed. Batches come after half of the kills."""
    rng = random.Random(13)
    portion = -(-len(traffic.scans) // kills)
    site = EmbeddedSite(folder / "data", traffic.roots_document)
    try:
        site.publish_trust_list(traffic.trust_document)
        began = time.monotonic()
        for number in range(kills):
            for _ in range(1 + (rng.random() < 0.15)):
                site.start()
            site.publish_scans(traffic.scans[number * portion :][:portion])
            if number == kills // 2:
                site.publish_batches(traffic.batches)
            time.sleep(rng.uniform(_SHORTEST_LIFE_S, _LONGEST_LIFE_S))
            site.kill()
        site.start()
        exported = site.drain(traffic.replayed)
        seconds = time.monotonic() - began
        return compare(
            "killed engines", traffic, exported, kills, seconds, alerts_amiss=site.alerts_amiss()
        )
    finally:
        site.close()
