"""Work for all cores, in processes that never outlive the one that started them.

A worker ends when its pipe closes, so a killed run leaves no process behind; the standard
library's pool does not promise that. Answers come in the order of the tasks.
"""

import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Final, TypeVar

from authenticity.errors import TouchstoneError, UnavailableError

_ANSWER_WITHIN_SECONDS: Final = 300.0
_AGAIN: Final = "run the same command again: it continues where it stopped"

Task = TypeVar("Task")
State = TypeVar("State")
Answer = TypeVar("Answer")


def in_processes(
    prepare: Callable[[], State],
    work: Callable[[State, Task], Answer],
    tasks: Iterable[Task],
    *,
    workers: int,
) -> Iterator[Answer]:
    """`work(prepare(), task)` for each task, at most two tasks a worker ahead of the reader.

    `prepare`, called once in each process, `work`, tasks and answers travel by
    pickle, between these processes only. Our errors are raised here as they were
    there; `UnavailableError` if a worker died. Close the iterator to end early.
    """
    context = get_context("spawn")  # a fork would copy locks that other threads hold
    with ExitStack() as stack:
        lines: list[Connection] = []
        for _ in range(workers):
            ours, theirs = context.Pipe()
            arguments = (theirs, prepare, work)
            process = context.Process(target=_serve, args=arguments, daemon=True)
            process.start()
            theirs.close()
            stack.callback(process.join, 10)
            lines.append(ours)
        for line in lines:
            stack.callback(line.close)
        threads = stack.enter_context(ThreadPoolExecutor(workers))
        yield from _in_order(threads, lines, tasks)


def _in_order(
    threads: ThreadPoolExecutor, lines: list[Connection], tasks: Iterable[Any]
) -> Iterator[Any]:
    """A thread talks to one worker at a time: a lockstep cannot fill both ends of a pipe."""
    idle = list(lines)
    pending: list[Future[Any]] = []

    def ask(task: object) -> object:
        line = idle.pop()
        try:
            return _ask(line, task)
        finally:
            idle.append(line)

    try:
        for task in tasks:
            pending.append(threads.submit(ask, task))
            if len(pending) > 2 * len(lines):
                yield pending.pop(0).result()
        while pending:
            yield pending.pop(0).result()
    finally:
        for future in pending:
            future.cancel()


def _ask(line: Connection, task: object) -> object:
    try:
        line.send(task)
        if not line.poll(_ANSWER_WITHIN_SECONDS):
            raise UnavailableError(
                f"a process did not answer within {_ANSWER_WITHIN_SECONDS:.0f} s", next_step=_AGAIN
            )
        answer: object = line.recv()
    except (EOFError, OSError):
        raise UnavailableError(
            "a working process died (killed, or out of memory)", next_step=_AGAIN
        ) from None
    if isinstance(answer, TouchstoneError):
        raise answer
    return answer


def _serve(line: Connection, prepare: Callable[[], Any], work: Callable[[Any, Any], Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    state: Any = None
    prepared = False
    try:
        while True:
            task = line.recv()
            try:
                if not prepared:
                    state, prepared = prepare(), True
                answer = work(state, task)
            except TouchstoneError as error:
                answer = error
            line.send(answer)
    except (EOFError, OSError):
        pass  # the parent has closed the pipe, or is gone
