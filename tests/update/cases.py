"""How many cases are drawn, and of what: answers, versions, and what users do in between."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.update.edits import OWN_NAMES, Edit, edits
from tests.update.small_template import CHANGES, NEW_NAMES, RENDERED, Answers, touched

CASES = int(os.environ.get("UPDATE_CASES", "100"))


def cases(share: float) -> settings:
    """Draw this share of the cases."""
    return settings(
        max_examples=max(1, round(CASES * share)),
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def answer_sets() -> st.SearchStrategy[Answers]:
    """Draw answers; few sets, since a project is rendered for each only once."""
    return st.fixed_dictionaries(
        {
            "title": st.sampled_from(["Small", "A: 'quoted' #title"]),
            "flavour": st.sampled_from(["plain", "sweet", "sour"]),
            "parts": st.sampled_from([["api"], ["batch", "stream"], ["api", "batch", "stream"]]),
            "guide": st.booleans(),
        }
    )


@st.composite
def histories(draw: st.DrawFn, versions: int = 1) -> tuple[list[set[str]], list[list[Edit]]]:
    """Draw what each next version changes, and what the user does before it.

    What the template touches is what users are made to touch, half of the time.
    """
    some = st.sets(st.sampled_from(sorted(CHANGES)), min_size=1, max_size=6)
    changes: list[set[str]] = []
    made = []
    for _ in range(versions):
        changes.append(draw(some).union(*changes))
        near = touched(changes[-1])
        paths = st.sampled_from(RENDERED)
        made.append(
            draw(edits(st.sampled_from(near) | paths if near else paths, NEW_NAMES + OWN_NAMES))
        )
    return changes, made


def without_sour(answers: Answers) -> Answers:
    """Answer without the choice that a later version may take away."""
    return {**answers, "flavour": answers["flavour"].replace("sour", "sweet")}
