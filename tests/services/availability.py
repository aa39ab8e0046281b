"""What a test does where the machine lacks something it needs."""

import os
from typing import NoReturn

import pytest


def unavailable(reason: Exception) -> NoReturn:
    """Skip the test and say why; in CI, where everything is installed, fail it instead."""
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(f"{reason} (in CI nothing is skipped)")
    pytest.skip(str(reason))
