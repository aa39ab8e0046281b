"""Names of columns: each its own, as SQL tells them apart."""

from collections import Counter
from collections.abc import Mapping, Sequence

from fourhats_runtime.data.files.reading import TableFileError


def one_line(name: str) -> str:
    """Give a name without line breaks, and without blanks around it."""
    return " ".join(name.split())


def unique_names(header: Sequence[str]) -> list[str]:
    """Name the nameless by their position, and add it to names that SQL holds to be the same.

    >>> unique_names(["", "fee", "Fee", "calls"])
    ['column_1', 'fee#2', 'Fee#3', 'calls']
    """
    given = Counter(name.lower() for name in header)
    taken = {name for name, count in given.items() if name and count == 1}
    columns = []
    for position, original in enumerate(header, start=1):
        name = original
        if not original or given[original.lower()] > 1:
            name = f"{original}#{position}" if original else f"column_{position}"
            while name.lower() in taken:
                name += "_"
            taken.add(name.lower())
        columns.append(name)
    return columns


def repeated_names(header: Sequence[str], columns: Sequence[str]) -> dict[str, list[str]]:
    """Give the names that stand above more than one column, with what these are called."""
    repeated: dict[str, list[str]] = {}
    for original, name in zip(header, columns, strict=True):
        if original and name != original:
            repeated.setdefault(original.lower(), []).append(name)
    return repeated


def told_apart(target: str, repeated: Mapping[str, list[str]]) -> None:
    """Refuse a target's name that stands above more than one column.

    Raises:
        TableFileError: it does; the text asks which is meant.

    """
    meant = [name for name in repeated.get(target.lower(), ()) if name.rpartition("#")[0] == target]
    meant = meant or repeated.get(target.lower(), [])
    if meant:
        ways = " or ".join(f"'{name}'" for name in meant)
        raise TableFileError(
            f"{len(meant)} columns are called {target!r}: which of them? Say it by the position: "
            f"--target {ways}."
        )
