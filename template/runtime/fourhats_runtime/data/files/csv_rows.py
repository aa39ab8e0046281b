"""The rows of a text file, as a query for DuckDB: what is around them is left out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from fourhats_runtime.data.files.evidence import as_number
from fourhats_runtime.data.files.layout import COMMENT, Layout, end_of_rows, layout
from fourhats_runtime.data.files.letters import CHUNK
from fourhats_runtime.data.files.names import unique_names
from fourhats_runtime.data.files.reading import Reading
from fourhats_runtime.data.sql import literal, quote

ROUNDING = 1e-6
"""How far a sum may be off, in parts of it."""


@dataclass(frozen=True)
class CsvRows:
    """Where the rows of a file are read from, and how."""

    label: Path
    file: Path
    layout: Layout
    columns: list[str]
    said: list[str]

    @classmethod
    def of(
        cls,
        connection: duckdb.DuckDBPyConnection,
        text: tuple[Path, Path],
        reading: Reading,
        copy: Path,
    ) -> "CsvRows":
        """Find the rows of a text in UTF-8; what can't be passed over is left out of a copy.

        `text` is the file, and what the person calls it; copies get names that start with `copy`.

        Raises:
            TableFileError: it holds no table.

        """
        file, label = text
        found = layout(file, label, reading)
        said = list(found.said)
        if found.comments:
            file = _without_comments(file, found, copy.with_suffix(".rows"))
        rows = cls(label, file, found, unique_names(found.names), said)
        end, about_it = end_of_rows(file, found, label, lambda row: rows.sums_up(connection, row))
        if end is not None:
            file = _until(file, end, copy.with_suffix(".first_rows"))
        return cls(label, file, found, rows.columns, said + about_it)

    def query(self, files: Sequence[Path]) -> str:
        """Give the SQL of the rows of files that are alike."""
        names = ", ".join(literal(str(file)) for file in files)
        schema = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in self.columns)
        # Nothing is left to detection: DuckDB's sniffer takes ragged lines for a one-column table.
        return (
            f"SELECT * FROM read_csv([{names}], columns = {{{schema}}}, header = false,"
            f" skip = {self.layout.skip}, delim = {literal(self.layout.delimiter)}, quote = '\"',"
            f" escape = {literal(self.layout.escape)}, auto_detect = false)"
        )

    def sums_up(self, connection: duckdb.DuckDBPyConnection, row: Sequence[str]) -> bool:
        """Tell whether a number of this last row is the sum of those above it."""
        numbers = {
            column: number
            for column, text in zip(self.columns, row, strict=True)
            if (number := as_number(text))
        }
        if not numbers:
            return False
        # The others may be written with a decimal point, or with a comma.
        sums = [f"sum({number})" for column in numbers for number in _numbers(column)]
        query = f"SELECT {', '.join(sums)} FROM ({self.query([self.file])})"
        try:
            found = connection.sql(query).fetchall()[0]
        except duckdb.Error:
            return False
        # The row itself is among what was added up.
        return any(
            total is not None and math.isclose(total, 2 * number, rel_tol=ROUNDING)
            for number, totals in zip(
                numbers.values(), zip(found[::2], found[1::2], strict=True), strict=True
            )
            for total in totals
        )


def _numbers(column: str) -> tuple[str, str]:
    """Give the SQL of a column as numbers like 1,234.5, and as numbers like 1.234,5."""
    text = f"replace({quote(column)}, ' ', '')"
    point = f"TRY_CAST(replace({text}, ',', '') AS DOUBLE)"
    comma = f"TRY_CAST(replace(replace({text}, '.', ''), ',', '.') AS DOUBLE)"
    return point, comma


def _without_comments(file: Path, found: Layout, copy: Path) -> Path:
    """Copy the lines, empty ones for comments: the numbers of the lines stay as they are."""
    sign, delimiter = COMMENT.encode(), found.delimiter.encode()
    with file.open("rb") as lines, copy.open("wb") as written:
        for line in lines:
            comment = line.startswith(sign) and line.count(delimiter) != len(found.names) - 1
            written.write(b"\n" if comment else line)
    return copy


def _until(file: Path, end: int, copy: Path) -> Path:
    with file.open("rb") as stream, copy.open("wb") as written:
        while end > 0 and (chunk := stream.read(min(CHUNK, end))):
            written.write(chunk)
            end -= len(chunk)
    return copy
