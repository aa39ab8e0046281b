"""What a source gives, and the contract does not expect: what came, what follows, and the edit."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.contract.names import landed, snake_case

FILE = "config/contract.toml"
LISTED = 12


@dataclass(frozen=True)
class Difference:
    """One difference, in a line; `column` is its name in the contract, or in the source."""

    column: str
    came: str
    follows: str
    edit: str
    """The line of the contract that goes with it, or what else there is to do."""

    def __str__(self) -> str:
        """Put it in words."""
        return f"{self.came}: {self.follows}; {self.edit}"


def absent(contract: Contract, present: Collection[str]) -> Iterator[Difference]:
    """Give the columns that the contract names and the data does not have, but for the target.

    `present` are the data's own columns. One that only came under another name is proposed.
    """
    came = unknown(contract, present)
    gone = [c for c in contract.used if landed(c.source) not in present and c.role != "target"]
    for column in gone:
        said = f"the data has no column {column.source!r}, which {FILE} names"
        if new := renamed(column, came, alone=len(gone) == len(came) == 1):
            spelt = "in other letters" if new.lower() == column.source.lower() else "as it seems"
            yield Difference(
                column.name,
                f"{said}, and has a new one {new!r}",
                f"it is the same under another name, {spelt}",
                f"at {column.name} in {FILE} write source = {as_toml(new)}",
            )
        else:
            has = ", ".join(list(present)[:LISTED]) + ", …" * (len(present) > LISTED)
            yield Difference(
                column.name,
                said,
                f"no row can be read (it has: {has})",
                f'bring it back, or at {column.name} in {FILE} write role = "ignore"',
            )


def added(contract: Contract, present: Collection[str]) -> Iterator[Difference]:
    """Give the columns that the contract does not know, and that are no old ones renamed."""
    came = unknown(contract, present)
    gone = [c for c in contract.used if landed(c.source) not in present and c.role != "target"]
    taken = {renamed(c, came, alone=len(gone) == len(came) == 1) for c in gone}
    for name in came:
        if name not in taken:
            yield Difference(
                name,
                f"the data has a new column {name!r}",
                "it is kept in raw, and no model is given it",
                f"`contract infer --merge` writes it into {FILE}",
            )


def unknown(contract: Contract, present: Collection[str]) -> list[str]:
    """Give the data's columns that the contract does not name."""
    named = {landed(column.source) for column in contract.columns}
    return [name for name in present if name not in named]


def renamed(column: Column, came: Collection[str], *, alone: bool) -> str:
    """Give the new column that an absent one seems to be called now; `alone`: no other would do."""
    for like in (str.lower, snake_case):
        same = [name for name in came if like(name) == like(column.source)]
        if len(same) == 1:
            return same[0]
    by_words = {snake_case(name): name for name in came}
    ours = snake_case(column.source)
    if near := get_close_matches(ours, by_words, 1, 0.6):
        return by_words[near[0]]
    words = set(ours.split("_"))
    within = [n for n in by_words if words <= set(n.split("_")) or words >= set(n.split("_"))]
    if len(within) == 1:
        return by_words[within[0]]
    return next(iter(came)) if alone else ""


def as_toml(value: object) -> str:
    """Write a text, or a list of some, as the contract has it."""
    return json.dumps(value, ensure_ascii=False)
