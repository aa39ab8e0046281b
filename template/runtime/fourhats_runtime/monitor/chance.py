"""What chance alone can do: limits that a figure passes in one of so many cases."""

from statistics import NormalDist

NORMAL = NormalDist()


def normal_limit(level: float) -> float:
    """Give the number of standard errors that chance passes, upwards, with probability `level`."""
    return NORMAL.inv_cdf(1 - level)


def chi_squared_limit(freedom: int, level: float) -> float:
    """Give the sum of so many squared standard errors that chance passes with this probability.

    By the cube root, which is all but normal (Wilson and Hilferty, The Distribution of Chi-square,
    PNAS 17, 1931).
    """
    spread = 2 / (9 * freedom)
    root: float = 1 - spread + normal_limit(level) * spread**0.5
    return freedom * root**3
