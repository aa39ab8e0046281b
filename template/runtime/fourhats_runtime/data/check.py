"""Checks of a project's own."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """What has to hold for a row, beside what the contract says.

    `condition` is SQL (of DuckDB) over the contract's columns, typed and by the contract's names,
    that is TRUE for a good row, such as `total_paid >= monthly_fee`. A row for which it is FALSE is
    set aside in the table `quarantine`, with `reason`, such as "paid less than a month's fee".

    Where it is NULL, as it is where a value that it needs is missing, the row passes: whether a
    value may be missing is the contract's to say. To set such rows aside, too, write
    `coalesce(total_paid >= monthly_fee, FALSE)`.
    """

    reason: str
    condition: str
