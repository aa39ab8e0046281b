"""The rows of all sources as one view, `raw`: joined where the contract says so, else put together.

Each row carries the source that it comes from (`_source`) and its number there (`_row`, from 1 on).
"""

from collections.abc import Sequence

import duckdb

from .contract import Join
from .errors import ProjectError
from .sql import literal, quote
from .warehouse import count, one_row, row_number


def put_together(
    connection: duckdb.DuckDBPyConnection, joins: Sequence[Join], names: Sequence[str]
) -> list[str]:
    """Make the view `raw` from the tables `raw_<name>`, and say what each join did.

    Raises:
        ProjectError: a join names a source that is not there, or a column that it has not.

    """
    joined = {join.source for join in joins}
    if absent := sorted(joined - set(names)):
        raise ProjectError(
            f"config/contract.toml joins {absent[0]}, which is not set up: there are "
            f"{', '.join(names)}"
        )
    first = [name for name in names if name not in joined]
    if not first:
        raise ProjectError("config/contract.toml joins every source: one has to be joined to")
    origins = [(column, name) for name in first for column in _columns(connection, f"raw_{name}")]
    parts = [
        f"SELECT {literal(name)} AS _source, {row_number(connection, f'raw_{name}')} AS _row, * "
        f"FROM {quote(f'raw_{name}')}"
        for name in first
    ]
    rows = " UNION ALL BY NAME ".join(parts)
    said = []
    if joins:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE joined AS {rows}")
        for join in joins:
            new, words = _join(connection, join, " and ".join(first))
            origins += [(column, join.source) for column in new]
            said.append(words)
        # A row that found several comes several times, each with a number of its own.
        connection.execute(
            "CREATE OR REPLACE TABLE raw_joined AS SELECT * REPLACE "
            "(row_number() OVER (ORDER BY _source, _row) AS _row) FROM joined ORDER BY _row"
        )
        connection.execute("CREATE OR REPLACE VIEW raw AS FROM raw_joined")
        connection.execute("DROP TABLE joined")
    else:
        connection.execute(f"CREATE OR REPLACE VIEW raw AS {rows}")
        connection.execute("DROP TABLE IF EXISTS raw_joined")
    connection.execute("CREATE OR REPLACE TABLE raw_origins (column_name VARCHAR, source VARCHAR)")
    connection.executemany("INSERT INTO raw_origins VALUES (?, ?)", origins)
    return said


def _join(connection: duckdb.DuckDBPyConnection, join: Join, first: str) -> tuple[list[str], str]:
    """Add the other source's columns to `joined`; gives their names, and the row counts in words.

    A column that both have is the first one's.
    """
    ours, theirs = _columns(connection, "joined"), _columns(connection, f"raw_{join.source}")
    for source, there in ((first, ours), (join.source, theirs)):
        if missing := [key for key in join.on if key not in there]:
            names = ", ".join(name for name in there if not name.startswith("_"))
            raise ProjectError(
                f"config/contract.toml joins {join.source} by {missing[0]}, which {source} does "
                f"not have (it has: {names})"
            )
    present = {name.lower() for name in ours}
    new = [name for name in theirs if name.lower() not in present]
    other = quote(f"raw_{join.source}")
    on = " AND ".join(
        # Sources don't agree on types: the one's number is the other's text.
        f"trim(CAST(ours.{quote(key)} AS VARCHAR)) = trim(CAST(theirs.{quote(key)} AS VARCHAR))"
        for key in join.on
    )
    columns = ", ".join(["ours.*", *(f"theirs.{quote(name)}" for name in new)])
    before = count(connection, "joined")
    (found,) = one_row(
        connection, f"SELECT count(*) FROM joined AS ours SEMI JOIN {other} AS theirs ON {on}"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE joined AS SELECT {columns} FROM joined AS ours "
        f"LEFT JOIN {other} AS theirs ON {on}"
    )
    after, keys = count(connection, "joined"), ", ".join(join.on)
    words = f"{first} joined with {join.source} by {keys}: {found:,} of {before:,} rows found one"
    if after > before:
        words = (
            f"WARNING: {words}, and they became {after:,}: {keys} comes more than once in "
            f"{join.source}; let its query give one row each"
        )
    return new, words


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return connection.table(quote(table)).columns
