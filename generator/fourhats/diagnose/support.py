"""What the data can support and what it cannot, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourhats_runtime.chance import FEWEST_ENTITIES

if TYPE_CHECKING:
    from fourhats_runtime.contract import Contract
    from fourhats_runtime.profile import Profile

    from fourhats.diagnose.rows import Counted

FEWEST_OF_A_CLASS = 50
"""Of fewer, a share is known to some 14 points at the best: 1.96 · sqrt(0.25 / 50)."""
LISTED = 4
MANY_MISSING = 0.2


def thin(counted: Counted) -> str:
    """Say why the data is too thin to judge a model by; empty: it is not.

    Of several classes, two have to be frequent enough: rare ones beside them are left to a person.
    """
    if counted.classes:
        name, rows = sorted(counted.classes.items(), key=lambda each: -each[1])[1]
        if rows < FEWEST_OF_A_CLASS:
            return f"only {rows:,} cases of {name}, of {FEWEST_OF_A_CLASS} that it takes"
    elif counted.known < 2 * FEWEST_OF_A_CLASS:
        return f"only {counted.known:,} cases, of {2 * FEWEST_OF_A_CLASS} that it takes"
    if counted.entities is not None and counted.entities < FEWEST_ENTITIES:
        return f"the rows are of only {counted.entities:,}, of {FEWEST_ENTITIES} that it takes"
    return ""


def facts(profile: Profile, contract: Contract, counted: Counted) -> list[tuple[str, str]]:
    """Give what was looked at, and what was found."""
    by_source = {column.source: column for column in profile.columns}
    found = [("Cases", _cases(profile, contract, counted))]
    if contract.entity is not None:
        who = f"{counted.entities:,} different values of {contract.entity.source}: rows of one "
        found.append(("Whose they are", f"{who}belong together, and count together"))
    found.append(("Time covered", _time(contract, counted)))
    used = [column for column in contract.features if column.reaches_model]
    gaps = {c.source: by_source[c.source].missing / profile.rows for c in used}
    many = sorted((n for n, s in gaps.items() if s >= MANY_MISSING), key=lambda n: -gaps[n])
    worst = _listed([f"{name} ({gaps[name]:.0%})" for name in many])
    some = sum(share > 0 for share in gaps.values())
    said = f"{some} of {len(used)} columns have gaps" if some else "none"
    found.append(("Missing values", f"{said}; the largest: {worst}" if worst else said))
    suspects = [
        by_name.source for by_name in profile.columns if by_name.name in profile.leakage_suspects
    ]
    left_out = [c.source for c in contract.columns if c.leak == "suspected"]
    found.append(("Known too late?", _leaks(left_out, [s for s in suspects if s not in left_out])))
    personal = _listed([c.source for c in contract.columns if c.pii])
    found.append(
        ("Personal data", f"{personal}: not learnt from" if personal else "none was recognised")
    )
    texts = _listed([c.source for c in contract.features if c.words])
    if texts:
        said = f"{texts}: the first model knows which of the commonest words are in them"
        found.append(("Free texts", said))
    return found


def _cases(profile: Profile, contract: Contract, counted: Counted) -> str:
    words = f"{profile.rows:,} rows, {counted.known:,} with a known outcome"
    if contract.positive is not None and counted.known:
        calls = counted.classes[contract.positive]
        words += f"; {calls:,} ({calls / counted.known:.1%}) call for action "
        words += f"({contract.target.source} = {contract.positive})"
    return words


def _time(contract: Contract, counted: Counted) -> str:
    if counted.span is not None:
        return " to ".join(counted.span)
    if contract.time_order:
        return f"ordered by {_listed(list(contract.time_order))}"
    return (
        "no column says when a case was: whether the past tells the future could not be tried, and "
        "seasons cannot be seen"
    )


def _leaks(left_out: list[str], asked: list[str]) -> str:
    words = []
    if left_out:
        words.append(f"{_listed(left_out)}: left out, for giving the outcome away, as it seems")
    if asked:
        words.append(f"{_listed(asked)}: so telling that one has to ask when it is known")
    return "; ".join(words) or "no column seems to give the outcome away"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
