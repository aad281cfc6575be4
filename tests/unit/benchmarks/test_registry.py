"""Every benchmark that can be typed is registered, and has an entry point."""

from importlib import import_module
from inspect import signature

import pytest

from benchmarks.registry import BENCHMARKS, DETECT, STREAM_ON_KAFKA
from cli.commands.bench import Benchmark


def test_the_registered_names_are_those_that_can_be_typed() -> None:
    assert {*BENCHMARKS, DETECT} - {STREAM_ON_KAFKA} == {str(name) for name in Benchmark}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_entry_point_takes_what_the_registry_gives_it(name: str) -> None:
    benchmark = BENCHMARKS[name]
    parameters = set(signature(import_module(benchmark.module).measure).parameters)
    assert parameters == ({"quick", "say"} if benchmark.reports_progress else {"quick"})
