"""Files of Stata, SPSS and SAS, read by pyreadstat: records, with labels in place of codes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fourhats_runtime.data.extras import needs
from fourhats_runtime.data.files.packing import ENDS
from fourhats_runtime.data.files.reading import TableFileError

PROGRAMS = {
    ".dta": ("Stata", "read_dta"),
    ".sav": ("SPSS", "read_sav"),
    ".zsav": ("SPSS", "read_sav"),
    ".por": ("SPSS", "read_por"),
    ".sas7bdat": ("SAS", "read_sas7bdat"),
    ".xpt": ("SAS", "read_xport"),
}
"""Whose files they are, and what reads them, by the ends of their names."""

Values = list[Any]


def program(label: Path) -> str:
    """Name the program whose file it is, by its name, packed or not; empty: none of them."""
    return PROGRAMS.get(_end(label), ("", ""))[0]


def records(file: Path, label: Path) -> tuple[Iterator[dict[str, Any]], list[str]]:
    """Give the rows of a file, and what to say of it; it is read as a whole.

    Raises:
        TableFileError: it cannot be read.
        MissingLibraryError: pyreadstat is not installed.

    """
    with needs("statistics"):
        import pyreadstat  # noqa: PLC0415 (few files need it)

    reader = getattr(pyreadstat, PROGRAMS[_end(label)][1])
    try:
        columns, about = reader(str(file), output_format="dict")
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, UnicodeError) as error:
        raise TableFileError(f"{label}: can't be read: {error}.") from error
    plain = {name: _whole(list(values)) for name, values in columns.items()}
    named = {
        name: texts
        for name, labels in about.variable_value_labels.items()
        if (texts := _labelled(plain[name], labels))
    }
    said = [f"{label.name}: labels stand for the codes of {', '.join(named)}"] if named else []
    held = plain | named
    return (dict(zip(held, row, strict=True)) for row in zip(*held.values(), strict=True)), said


def _end(label: Path) -> str:
    """Give the end of a name, without that of what it is packed in."""
    ends = [end.lower() for end in label.suffixes]
    if ends and ends[-1] in ENDS:
        ends.pop()
    return ends[-1] if ends else ""


def _whole(values: Values) -> Values:
    """Give numbers that are all whole as such; moments and days as texts."""
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, float) for value in known):
        if all(value.is_integer() for value in known):
            return [None if value is None else int(value) for value in values]
        return values
    if known and not isinstance(known[0], str | int | float):
        return [None if value is None else str(value) for value in values]
    return values


def _labelled(values: Values, labels: dict[Any, str]) -> Values:
    """Put labels in place of codes; nothing where a code has none: it is a number, then."""
    if not all(value in labels for value in values if value is not None):
        return []
    return [labels.get(value) for value in values]
