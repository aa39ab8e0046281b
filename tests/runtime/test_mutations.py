"""The runtime's tests notice when one of its modules is broken."""

import os
import random
from pathlib import Path

import pytest

from tests.runtime.breaking import asked_about, unnoticed
from tests.runtime.mutants import KNOWN, drawn, modules

pytestmark = pytest.mark.slow

DRAWN = int(os.environ.get("MUTANTS", "30"))
SEED = int(os.environ.get("MUTANTS_SEED", "11"))
NOTICED_SHARE = 0.9


def test_whoever_noticed_a_mistake_is_asked_first() -> None:
    for mutant in KNOWN:
        assert asked_about(mutant)[0][0].endswith(mutant.noticed_by), mutant.what


def test_mistakes_of_method_are_all_noticed(tmp_path: Path) -> None:
    assert unnoticed(KNOWN, tmp_path) == []


def test_nine_in_ten_breaks_of_modules_are_noticed(tmp_path: Path) -> None:
    print(f"MUTANTS_SEED={SEED}")
    # Each has a rank of its own: a new module takes the place of one, and redraws no others.
    ranked = sorted(modules(), key=lambda module: random.Random(f"{SEED} {module}").random())
    missed = unnoticed([drawn(module, SEED) for module in ranked[:DRAWN]], tmp_path)
    print("\n".join(missed))
    assert len(missed) <= round((1 - NOTICED_SHARE) * DRAWN), missed
