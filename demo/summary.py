"""What a demonstration ends with: the account of what was launched and what was caught."""

from collections import Counter
from typing import Any

from rich.console import Console
from rich.text import Text

from demo.running_results import Results
from demo.view import QUIET, attack_table, false_alert_text
from simulation.attacks import SHOWN
from simulation.score import Outcome, Score

_WIDE = 110


def summary_of(
    results: Results, score: Score, seconds: float, pages: dict[str, str]
) -> dict[str, Any]:
    """The account as JSON: attacks by family and outcome, false alerts with their causes."""
    families = {
        family: {"launched": counted.total(), **_outcomes(counted)}
        for family in SHOWN
        if (counted := score.outcomes.get(family))
    }
    together: Counter[Outcome] = Counter()
    for counted in score.outcomes.values():
        together.update(counted)
    return {
        "seconds": round(seconds, 1),
        "scans": results.scans,
        "scans_per_second": round(results.scans / seconds, 1) if seconds else 0.0,
        "scans_by_service": results.by_service,
        "verdicts": dict(results.verdicts),
        "alerts": results.alerts,
        "attacks": {"launched": score.attacks, **_outcomes(together)},
        "families": families,
        "false_alerts": score.false_alerts,
        "false_alert_kinds": dict(score.false_kinds),
        "false_alert_causes": dict(score.false_causes),
        "honest_codes": score.honest_codes,
        "pages": pages,
    }


def print_summary(summary: dict[str, Any], score: Score, console: Console) -> None:
    """The same for people."""
    attacks = summary["attacks"]
    shown = attacks["launched"] - attacks["not_detectable"]
    console.print()
    console.print(
        f"[bold]{summary['scans']:,} scans[/] in {summary['seconds']:.0f} s, "
        f"{attacks['launched']} attacks launched: [bold]{attacks['caught']} caught[/] of {shown} "
        f"that their scans could show; {summary['alerts']} alerts stand, "
        f"{summary['false_alerts']} of them false",
        markup=True,
    )
    console.print()
    console.print(attack_table(score, wide=console.width >= _WIDE))
    console.print()
    console.print(false_alert_text(score))
    for line in _explained(score):
        console.print(Text(line, QUIET))
    console.print()


def _outcomes(counted: "Counter[Outcome]") -> dict[str, int]:
    return {outcome.replace("-", "_"): counted[outcome] for outcome in Outcome}


def _explained(score: Score) -> list[str]:
    """Why not everything was caught; nothing for what did not happen."""
    words = {
        Outcome.NOTICED: "noticed: an alert of another kind stands on the code",
        Outcome.MISSED: "missed: somebody who saw the packs themselves could have known; their "
        "scans alone say too little for an alert",
        Outcome.NOT_DETECTABLE: "undetectable: too few of the packs were scanned, or none, so the "
        "scans show nothing (the ceiling in docs/reference/detection-benchmark.md)",
    }
    return [text for outcome, text in words.items() if score.of(outcome)]
