"""What is new in a contract, in words."""

from collections.abc import Iterator

from fourhats_runtime.contract import Column, Contract

FACTS = ("type", "role", "nullable", "min", "max", "categories", "pii")


def changes(before: Contract, after: Contract) -> list[str]:
    """Say which columns came, went, or are described otherwise."""
    old, new = ({column.name: column for column in c.columns} for c in (before, after))
    return [
        *(f"new column {name} ({new[name].role})" for name in new if name not in old),
        *(f"column {name} is gone" for name in old if name not in new),
        *(
            f"column {name}: {fact}"
            for name in new
            if name in old
            for fact in _differences(old[name], new[name])
        ),
    ]


def _differences(old: Column, new: Column) -> Iterator[str]:
    for name in FACTS:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield f"{name} was {_words(before)}, is {_words(after)}"


def _words(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "nothing" if value is None else str(value)
