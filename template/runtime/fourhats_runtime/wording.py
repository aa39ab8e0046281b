"""Figures as people read them."""

from decimal import Decimal

SMALL = 1e-4
"""Below it, `g` gives an exponent."""


def number(value: float, digits: int = 4) -> str:
    """Write a number with so many significant digits, and a large one to the unit: no exponents."""
    size = abs(value)
    if size >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    rounded = f"{value:,.{digits}g}"
    return format(Decimal(rounded), "f") if 0 < size < SMALL else rounded


def rounded(value: float, digits: int = 4) -> Decimal:
    """Round a number as `number` writes it."""
    return Decimal(number(value, digits).replace(",", ""))


def exactly(value: float) -> str:
    """Write a number with all of its digits, as a form takes it: no exponents, no commas."""
    return format(Decimal(repr(value)).normalize(), "f")
