"""SQL of the project's own, between the sources and the contract: the files in sql/.

They run in the order of their names, and each is one query. It reads the tables `raw_<source>`, the
view `raw` with the rows of all sources, and what the files before it gave. The rows of the last one
take the place of `raw`: they are what the contract describes.
"""

import re
from pathlib import Path

import duckdb

from fourhats_runtime.contract import Contract
from fourhats_runtime.data.duckdb_errors import reason
from fourhats_runtime.data.joins import note_origins, own_columns
from fourhats_runtime.data.sql import quote
from fourhats_runtime.data.warehouse import Connection, count, row_number, write_in_order
from fourhats_runtime.errors import ProjectError

NAME = re.compile(r"(?:\d+[_-])?([a-z]\w*)", re.ASCII)
TAKEN = frozenset(
    {
        "answered",
        "bookmarks",
        "clean",
        "failing",
        "findings",
        "joined",
        "not_counted",
        "outcomes",
        "predictions",
        "quality",
        "quarantine",
        "replayed",
        "runs",
        "scores",
        "seen_outcomes",
        "unscored",
        "wider",
    }
)
"""Tables of the project's own, beside those that start with `raw`; some are made by later steps."""


def shape(connection: Connection, contract: Contract | None, folder: Path) -> list[str]:
    """Run the queries, if there are any, and say how many rows each gave.

    Rows come in an order that follows from their values: run again, they get the same numbers.

    Raises:
        ProjectError: a file has a name that gives no table, is no single query, fails, or gives
            personal data under another name than the contract has marked.

    """
    connection.execute("DROP TABLE IF EXISTS raw_sql")
    said, made = [], []
    for file in sorted(folder.glob("*.sql")):
        where = f"{folder.name}/{file.name}"
        try:
            made.append(_run(connection, file))
        except (ProjectError, duckdb.Error, OSError, UnicodeDecodeError) as error:
            raise ProjectError(f"{where}: {reason(error)}") from None
        said.append(f"{where}: {count(connection, made[-1]):,} rows")
    if made:
        _take_the_place_of_raw(connection, contract, made[-1])
    for table in made:
        connection.execute(f"DROP TABLE {quote(table)}")
    return said


def _run(connection: Connection, file: Path) -> str:
    """Make a table of what the file's query gives; returns its name."""
    found = NAME.fullmatch(file.stem)
    if found is None:
        raise ProjectError("name it like 10_orders_a_month.sql: a number, and what its rows are")
    table, text = found[1], file.read_text(encoding="utf-8")
    if table in TAKEN or table.startswith("raw"):
        raise ProjectError(f"{table!r} is a table of the project's own: give the file another name")
    statements = duckdb.extract_statements(text)
    if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
        raise ProjectError("it has to be one query, a SELECT")
    query = statements[0].query
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {quote(table)} AS {query}")
    return table


def _take_the_place_of_raw(connection: Connection, contract: Contract | None, table: str) -> None:
    columns = list(own_columns(connection, table))
    if contract is not None:
        _refuse_renamed_personal_data(connection, contract, columns)
    names = ", ".join(map(quote, columns))
    write_in_order(connection, "raw_sql", f"SELECT {names} FROM {quote(table)}", names)
    connection.execute(
        f"CREATE OR REPLACE VIEW raw AS SELECT 'sql' AS _source, "
        f"{row_number(connection, 'raw_sql')} AS _row, {names} FROM raw_sql"
    )
    note_origins(connection, [(name, "sql") for name in columns])


def _refuse_renamed_personal_data(
    connection: Connection, contract: Contract, columns: list[str]
) -> None:
    """Refuse what the sources call otherwise: there it was not seen, and is no pseudonym."""
    query = "SELECT DISTINCT lower(column_name) FROM raw_origins"
    known = {name for (name,) in connection.execute(query).fetchall()}
    marked = {column.source.lower() for column in contract.columns if column.pii}
    if renamed := [name for name in columns if name.lower() in marked - known]:
        raise ProjectError(
            f"the SQL gives the column {renamed[0]!r}, which config/contract.toml marks as "
            "personal data, and no source calls a column so: keep the source's name"
        )
