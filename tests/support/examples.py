"""How many examples a law is tried with."""

import os

from hypothesis import settings

# Thorough is every test run; quick is the edit loop, and draws the same examples each
# time, so that what it covers can be held to a floor. CI (the environment variable) draws
# the same examples each time too: a change is judged by what it changes, not by the draw.
# Everybody else's runs go on looking for new ones.
THOROUGH_EXAMPLES = 100
QUICK_EXAMPLES = 10


def register_profiles() -> None:
    """Make `ci` (the default) and `dev` known to `--hypothesis-profile`."""
    settings.register_profile(
        "ci", max_examples=THOROUGH_EXAMPLES, deadline=None, print_blob=True,
        derandomize=bool(os.environ.get("CI")),
    )  # fmt: skip
    settings.register_profile("dev", settings.get_profile("ci"), max_examples=QUICK_EXAMPLES,
                              derandomize=True)  # fmt: skip
    settings.load_profile("ci")


def examples(thorough: int) -> int:
    """`thorough` examples under the profile `ci`, the same share of its own under `dev`."""
    return max(1, thorough * settings().max_examples // THOROUGH_EXAMPLES)
