"""The covering array covers: every two options meet in all their combinations."""

from itertools import combinations, product

import pytest

from tests.render.answer_sets import TYPED, choices, covering_array, possible


@pytest.mark.quick
def test_every_two_options_meet_in_all_their_combinations() -> None:
    options = choices() | TYPED
    rows = covering_array(strength=2)
    for one, other in combinations(options, 2):
        met = [(row[one], row[other]) for row in rows]
        for pair in product(options[one], options[other]):
            if not possible(dict(zip((one, other), pair, strict=True))):
                continue
            assert pair in met, f"{one} and {other} never meet as {pair}"


@pytest.mark.quick
def test_the_array_is_the_same_every_time() -> None:
    assert covering_array(strength=2) == covering_array(strength=2)


@pytest.mark.quick
def test_every_choice_of_every_menu_is_rendered() -> None:
    rows = covering_array(strength=2)
    for name, values in choices().items():
        assert {str(row[name]) for row in rows} == {str(value) for value in values}
