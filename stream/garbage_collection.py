"""The garbage collector of a process that lives long."""

import gc


def collect_garbage_rarely() -> None:
    """Collect cycles seldom: the values a worker keeps have none, and looking for them among
    all that it remembers took a fifth of the time of its writes."""
    gc.set_threshold(100_000, 20, 50)
