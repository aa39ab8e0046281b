"""The rows of all sources as one view, `raw`: joined where the contract says so, else put together.

Each row carries the source that it comes from (`_source`) and its number there (`_row`, from 1 on).
"""

from collections.abc import Sequence

from fourhats_runtime.contract import Join
from fourhats_runtime.contract.names import ROW_MARKS
from fourhats_runtime.data.sql import Part, literal, one_below_the_other, quote
from fourhats_runtime.data.warehouse import Connection, columns, count, one_row, row_number
from fourhats_runtime.errors import ProjectError

OWN = ROW_MARKS
ROW = ("_source", "_row")
"""The columns that say which row it is: its source, and its number there."""
SAMPLE = "sample"
"""What stands as the source of rows that were made up: no source of a project is called so."""


def put_together(connection: Connection, joins: Sequence[Join], names: Sequence[str]) -> list[str]:
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
    parts = [_part(connection, name) for name in first]
    rows = one_below_the_other(parts)
    origins = [
        (column, name) for name, part in zip(first, parts, strict=True) for column in part.columns
    ]
    said = []
    if joins:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE joined AS {rows}")
        for join in joins:
            new, words = _join(connection, join, " and ".join(first))
            origins += [(column, join.source) for column in new]
            said.append(words)
        # A row that found several comes several times, each with a number of its own.
        number = "row_number() OVER (ORDER BY _source, _row) AS _row"
        kept = ", ".join(map(quote, own_columns(connection, "joined")))
        connection.execute(
            f"CREATE OR REPLACE TABLE raw_joined AS SELECT _source, {number}, {kept} FROM joined "
            "ORDER BY 1, 2"
        )
        connection.execute("CREATE OR REPLACE VIEW raw AS SELECT * FROM raw_joined")
        connection.execute("DROP TABLE joined")
    else:
        connection.execute(f"CREATE OR REPLACE VIEW raw AS {rows}")
        connection.execute("DROP TABLE IF EXISTS raw_joined")
    note_origins(connection, origins)
    return said


def note_origins(connection: Connection, origins: Sequence[tuple[str, str]]) -> None:
    """Note which source each column of `raw` comes from, in their order."""
    connection.execute(
        "CREATE OR REPLACE TABLE raw_origins (place BIGINT, column_name VARCHAR, source VARCHAR)"
    )
    rows = [(place, *origin) for place, origin in enumerate(origins)]
    connection.executemany("INSERT INTO raw_origins VALUES (?, ?, ?)", rows)


def own_columns(connection: Connection, table: str) -> dict[str, str]:
    """Give the columns that a table has from its source, and their types."""
    return {name: kind for name, kind in columns(connection, table).items() if name not in OWN}


def _part(connection: Connection, name: str) -> Part:
    table = f"raw_{name}"
    added = {"_source": literal(name), "_row": row_number(connection, table)}
    return Part(quote(table), added, own_columns(connection, table))


def _join(connection: Connection, join: Join, first: str) -> tuple[list[str], str]:
    """Add the other source's columns to `joined`; gives their names, and the row counts in words.

    A column that both have is the first one's.
    """
    ours, theirs = (own_columns(connection, t) for t in ("joined", f"raw_{join.source}"))
    for source, there in ((first, ours), (join.source, theirs)):
        if missing := [key for key in join.on if key not in there]:
            raise ProjectError(
                f"config/contract.toml joins {join.source} by {missing[0]}, which {source} does "
                f"not have (it has: {', '.join(there)})"
            )
    present = {name.lower() for name in ours}
    new = [name for name in theirs if name.lower() not in present]
    other = quote(f"raw_{join.source}")
    on = " AND ".join(
        # Sources don't agree on types: the one's number is the other's text.
        f"trim(CAST(ours.{quote(key)} AS VARCHAR)) = trim(CAST(theirs.{quote(key)} AS VARCHAR))"
        for key in join.on
    )
    selected = ", ".join(["ours.*", *(f"theirs.{quote(name)}" for name in new)])
    before = count(connection, "joined")
    (found,) = one_row(
        connection, f"SELECT count(*) FROM joined AS ours SEMI JOIN {other} AS theirs ON {on}"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE wider AS SELECT {selected} FROM joined AS ours "
        f"LEFT JOIN {other} AS theirs ON {on}"
    )
    connection.execute("DROP TABLE joined")
    connection.execute("ALTER TABLE wider RENAME TO joined")
    after, keys = count(connection, "joined"), ", ".join(join.on)
    words = f"{first} joined with {join.source} by {keys}: {found:,} of {before:,} rows found one"
    if after > before:
        words = (
            f"WARNING: {words}, and they became {after:,}: {keys} comes more than once in "
            f"{join.source}; let its query give one row each"
        )
    return new, words
