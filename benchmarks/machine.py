"""The machine that a figure was measured on."""

import os
import platform


def machine() -> str:
    """Processor model, number of cores and Python version; a figure means nothing without them."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as lines:  # noqa: PTH123
            model = next(line.split(":")[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        pass
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"
