"""Figures as people read them."""

import numpy as np

SMALL = 1e-4
"""Below it, `g` gives an exponent."""


def number(value: float, digits: int = 4) -> str:
    """Write a number with so many significant digits, and a large one to the unit: no exponents."""
    size = abs(value)
    if size >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    if size >= SMALL or value == 0:
        return f"{value:,.{digits}g}"
    return np.format_float_positional(value, digits, unique=False, fractional=False, trim="-")
