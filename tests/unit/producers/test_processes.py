"""Work for several workers, which are threads here; real processes are in tests/integration."""

import os
import signal
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any

import pytest

from authenticity.errors import ConfigurationError, UnavailableError
from producers import processes
from producers.processes import in_processes


class Threads:
    """In the place of `multiprocessing`'s context: a worker is a thread."""

    Pipe = staticmethod(Pipe)

    def Process(  # noqa: N802 - multiprocessing's name
        self, target: Any, args: tuple[Any, ...], daemon: bool
    ) -> Thread:
        line, *others = args
        own = Connection(os.dup(line.fileno()))  # the parent closes its copy of this end
        return Thread(target=target, args=(own, *others), daemon=daemon)


@pytest.fixture(autouse=True)
def in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "get_context", lambda _: Threads())
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # of the main thread alone


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 7, 30])
def test_answers_come_in_the_order_of_the_tasks_each_worker_prepared_once(
    workers: int, count: int
) -> None:
    prepared: list[int] = []

    def prepare() -> int:
        prepared.append(1)
        return 100

    answers = list(
        in_processes(prepare, lambda state, task: state + task, range(count), workers=workers)
    )
    assert answers == [100 + task for task in range(count)]
    assert len(prepared) <= min(workers, count)


def test_no_more_than_two_tasks_a_worker_are_taken_ahead_of_the_reader() -> None:
    taken: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    answers = in_processes(int, lambda _, task: task, tasks(), workers=2)
    assert next(answers) == 0
    assert len(taken) <= 5
    answers.close()  # type: ignore[attr-defined]
    assert len(taken) <= 5


def test_our_errors_are_raised_here_as_they_were_there() -> None:
    def work(_: int, task: int) -> int:
        if task == 2:
            raise ConfigurationError("the third is wrong", next_step="mend it")
        return task

    answers = in_processes(int, work, range(9), workers=2)
    assert [next(answers), next(answers)] == [0, 1]
    with pytest.raises(ConfigurationError, match="the third is wrong") as raised:
        next(answers)
    assert raised.value.next_step == "mend it"


def test_a_worker_that_dies_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(line: Connection, *_: Any) -> None:
        line.recv()
        line.close()

    monkeypatch.setattr(processes, "_serve", dies)
    with pytest.raises(UnavailableError, match="died") as raised:
        list(in_processes(int, lambda _, task: task, range(3), workers=1))
    assert "continues where it stopped" in raised.value.next_step


def test_a_worker_that_never_answers_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def hangs(line: Connection, *_: Any) -> None:
        try:
            while True:
                line.recv()
        except EOFError:
            line.close()

    monkeypatch.setattr(processes, "_serve", hangs)
    monkeypatch.setattr(processes, "_ANSWER_WITHIN_SECONDS", 0.01)
    with pytest.raises(UnavailableError, match="did not answer"):
        list(in_processes(int, lambda _, task: task, range(3), workers=1))
