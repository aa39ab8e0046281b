"""What a source says of the rows that it loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fourhats_runtime.data.sql import quote
from fourhats_runtime.errors import ProjectError

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Loaded:
    """How to take what was loaded, and where the next run goes on."""

    bookmark: str | None = None
    """The source's own note of how far it came; None where it is always read whole."""
    whole: bool = True
    """The table holds all rows of the source, not only what is new since the bookmark."""
    said: tuple[str, ...] = ()
    """What was done to get at the rows, such as lines of a file that were left out."""


def furthest(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, bookmark: str | None
) -> str | None:
    """Give the greatest value of the cursor column in `table`, as text; else the bookmark.

    Raises:
        ProjectError: the rows have no such column.

    """
    if column not in connection.table(quote(table)).columns:
        raise ProjectError(
            f"the rows have no column {column}, which `cursor` names in config/sources.toml"
        )
    query = f"SELECT max({quote(column)})::VARCHAR FROM {quote(table)}"
    ((found,),) = connection.execute(query).fetchall()
    return bookmark if found is None else str(found)
