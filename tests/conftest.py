"""What all tests share; the environment itself is fixed in `tests.settings`, before Django loads."""

import os

from hypothesis import HealthCheck, settings

# `ci` repeats the same examples, so a red run is red again; `deep` looks for new ones at length.
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("deep", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_sessionstart() -> None:
    """Let the tables of the audit record be emptied between tests; Django is ready by now."""
    from tests.kept_rows import let_tests_flush

    let_tests_flush()
