"""Figures are written as people read them."""

import pytest
from fourhats_runtime.wording import exactly, number


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"),
        (5.0, "5"),
        (0.81234, "0.8123"),
        (12.345, "12.35"),
        (999.96, "1,000"),
        (1234.6, "1,235"),
        (234_512.3, "234,512"),
        (-5_000_000.0, "-5,000,000"),
        (0.000012344, "0.00001234"),
        (-0.00005, "-0.00005"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
    ],
)
def test_four_digits_tell_enough_and_nothing_has_an_exponent(value: float, written: str) -> None:
    assert number(value) == written


def test_more_digits_are_given_where_they_are_asked_for() -> None:
    assert number(12_345.6, 6) == "12,345.6"
    assert number(1_234_567.0, 6) == "1,234,567"


@pytest.mark.parametrize(
    ("value", "written"),
    [(5.0, "5"), (234_512.37, "234512.37"), (-1e-7, "-0.0000001"), (1e21, "1" + "0" * 21)],
)
def test_a_form_is_given_all_digits(value: float, written: str) -> None:
    assert exactly(value) == written
    assert float(written) == value
