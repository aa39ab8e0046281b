"""Extraction: the rows of every source come into the warehouse, a source's all or none.

A source that notes how far it came is asked only for what is new. Its rows replace those of the
same id, and the table is put in the order of the ids: whatever was cut off and repeated, or read
twice, the table is the same.
"""

from datetime import UTC, datetime

import duckdb

from .contract import Contract
from .errors import ProjectError
from .settings import Settings
from .sources import configured, sample
from .sources.loaded import Loaded
from .sql import quote
from .warehouse import row_number, table_exists

KINDS = {
    "number": ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL"),
    "time": ("DATE", "TIMESTAMP"),
    "text": ("VARCHAR", "ENUM"),
}


def extract(
    connection: duckdb.DuckDBPyConnection, contract: Contract, settings: Settings, *, whole: bool
) -> tuple[list[str], list[str]]:
    """Bring every source's table up to date and put them together as `raw`.

    With `whole`, everything is read anew, whatever columns come. Gives the names of the sources,
    empty where a sample stands in, and what there is to say of their columns.

    Raises:
        ProjectError: a source cannot be read, or its columns changed in a way that the contract
            does not allow; its table is as it was.

    """
    sources = configured(settings)
    said = []
    connection.execute(
        "CREATE TABLE IF NOT EXISTS bookmarks "
        "(source VARCHAR PRIMARY KEY, bookmark VARCHAR, extracted_at TIMESTAMP)"
    )
    for name, source in sources.items():
        incoming = f"incoming_{name}"
        bookmark = None if whole else _bookmark(connection, name)
        loaded = source.load(connection, settings, incoming, bookmark)
        if not whole:
            said += _compare_columns(connection, contract, name)
        _take_in(connection, contract, name, loaded)
    if not sources:
        sample.load(connection, contract, "raw_sample")
    _put_together(connection, list(sources) or ["sample"])
    return list(sources), said


def _bookmark(connection: duckdb.DuckDBPyConnection, name: str) -> str | None:
    found = connection.execute("SELECT bookmark FROM bookmarks WHERE source = ?", [name]).fetchall()
    return str(found[0][0]) if found and table_exists(connection, f"raw_{name}") else None


def _compare_columns(
    connection: duckdb.DuckDBPyConnection, contract: Contract, name: str
) -> list[str]:
    """Say which columns are new or gone; refuse what takes from the contract what it needs."""
    if not table_exists(connection, f"raw_{name}"):
        return []
    before, now = (_columns(connection, f"{state}_{name}") for state in ("raw", "incoming"))
    needed = {column.source for column in contract.used}
    changed = [f"{column} is gone" for column in needed & before.keys() - now.keys()]
    changed += [
        f"{column} was {_kind(before[column])} and is {_kind(now[column])}"
        for column in needed & before.keys() & now.keys()
        if _kind(before[column]) != _kind(now[column])
    ]
    if changed:
        raise ProjectError(
            f"{name}: the columns changed: {'; '.join(sorted(changed))}. Nothing was taken in. "
            "Mend the source, or change config/contract.toml and run `extract --whole`"
        )
    said = [f"{name} has a new column {column}" for column in now if column not in before]
    said += [f"{name} has no column {column} any more" for column in before if column not in now]
    return said


def _take_in(
    connection: duckdb.DuckDBPyConnection, contract: Contract, name: str, loaded: Loaded
) -> None:
    raw, incoming = f"raw_{name}", f"incoming_{name}"
    if loaded.bookmark is not None and contract.id is None:
        raise ProjectError(
            f"{name}: reading only what is new needs a column with the role id in "
            "config/contract.toml, or no row could be told from another"
        )
    connection.execute("BEGIN")
    try:
        connection.execute("DELETE FROM bookmarks WHERE source = ?", [name])
        if contract.id is not None and loaded.bookmark is not None:
            _merge(connection, raw, incoming, quote(contract.id.source), whole=loaded.whole)
            connection.execute(
                "INSERT INTO bookmarks VALUES (?, ?, ?)",
                [name, loaded.bookmark, datetime.now(UTC).replace(tzinfo=None)],
            )
        connection.execute(f"DROP TABLE IF EXISTS {quote(raw)}")
        connection.execute(f"ALTER TABLE {quote(incoming)} RENAME TO {quote(raw)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _merge(
    connection: duckdb.DuckDBPyConnection, raw: str, incoming: str, key: str, *, whole: bool
) -> None:
    """Add to what came what it does not replace, in the order of the ids."""
    rows = f"FROM {quote(incoming)}"
    if not whole:
        kept = f"FROM {quote(raw)} ANTI JOIN {quote(incoming)} USING ({key})"
        rows = f"{kept} UNION ALL BY NAME {rows}"
    connection.execute(
        f"CREATE OR REPLACE TABLE {quote(incoming)} AS SELECT * FROM ({rows}) ORDER BY {key}"
    )


def _put_together(connection: duckdb.DuckDBPyConnection, names: list[str]) -> None:
    parts = [
        f"SELECT '{name}' AS _source, {row_number(connection, f'raw_{name}')} AS _row, * "
        f"FROM {quote(f'raw_{name}')}"
        for name in names
    ]
    connection.execute(f"CREATE OR REPLACE VIEW raw AS {' UNION ALL BY NAME '.join(parts)}")


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    relation = connection.table(quote(table))
    return dict(zip(relation.columns, map(str, relation.types), strict=True))


def _kind(type_name: str) -> str:
    """Put a type into words that stay true when only its width changes."""
    for kind, starts in KINDS.items():
        if type_name.startswith(starts) or type_name.removeprefix("U").startswith(starts):
            return kind
    return type_name.lower()
