"""Extraction: the rows of every source come into the warehouse, a source's all or none.

A source that notes how far it came is asked only for what is new. Its rows replace those of the
same id, and the table is put in the order of the ids: whatever was cut off and repeated, or read
twice, the table is the same.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import duckdb

from .contract import Contract, Join
from .errors import ProjectError
from .joins import own_columns, put_together
from .landing import land
from .masking import Mask
from .queries import shape
from .settings import Settings
from .sources import Source, configured, sample
from .sources.loaded import Loaded
from .sql import Part, one_below_the_other, quote
from .warehouse import (
    Connection,
    relation,
    scratch,
    table_exists,
    transaction,
    write_in_order,
)

KINDS = {
    "number": ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL"),
    "time": ("DATE", "TIMESTAMP"),
    "text": ("VARCHAR", "ENUM"),
}


def extract(
    connection: Connection, contract: Contract, settings: Settings, *, whole: bool
) -> tuple[list[str], list[str]]:
    """Bring every source's table up to date and put them together as `raw`.

    With `whole`, everything is read anew, whatever columns come. Gives the names of the sources,
    empty where a sample stands in, and what there is to say of their columns and joins.

    Raises:
        ProjectError: a source cannot be read, its columns changed in a way that the contract does
            not allow, or a join is not possible; its table is as it was.

    """
    sources, said = configured(settings), []
    if sources:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS bookmarks "
            "(source VARCHAR, bookmark VARCHAR, extracted_at TIMESTAMP, mask VARCHAR)"
        )
        mask = Mask.of(contract, settings)
        for name, source in sources.items():
            said += _Extraction(connection, contract, settings, mask, name).run(source, whole=whole)
    else:
        load = partial(sample.load, contract=contract, table="raw_sample")
        land(connection, settings, Mask.nothing(), "raw_sample", load)
    with transaction(connection):
        if sources:
            said += put_together(connection, contract.joins, list(sources))
            said += shape(connection, contract, settings.root / "sql")
        else:
            put_together(connection, (), ["sample"])
    return list(sources), said


@contextmanager
def glimpse(
    joins: Sequence[Join], settings: Settings
) -> Iterator[tuple[duckdb.DuckDBPyRelation, list[str]]]:
    """Give the rows of every source, put together, and what there is to say; none of them is kept.

    Raises:
        ProjectError: no source is set up, one cannot be read, or a join is not possible.

    """
    sources = configured(settings)
    if not sources:
        raise ProjectError("no source is set up: fill in config/sources.toml, or name a file")
    with scratch(settings) as connection:
        for name, source in sources.items():
            load = partial(source.load, settings=settings, table=f"raw_{name}", bookmark=None)
            land(connection, settings, Mask.nothing(), f"raw_{name}", load)
        said = put_together(connection, joins, list(sources))
        said += shape(connection, None, settings.root / "sql")
        columns = ", ".join(map(quote, own_columns(connection, "raw")))
        yield relation(connection, f"SELECT {columns} FROM raw"), said


@dataclass(frozen=True)
class _Extraction:
    """One source's rows on their way into the table `raw_<name>`, by way of `incoming_<name>`."""

    connection: Connection
    contract: Contract
    settings: Settings
    mask: Mask
    name: str

    def run(self, source: Source, *, whole: bool) -> list[str]:
        """Bring the table up to date, and say which columns are new or gone."""
        bookmark, before = self._noted()
        # Rows that were taken in under other marks, or another key, don't go with new ones.
        whole = whole or before != self.mask.state
        table, since = f"incoming_{self.name}", None if whole else bookmark
        load = partial(source.load, settings=self.settings, table=table, bookmark=since)
        loaded = land(self.connection, self.settings, self.mask, table, load)
        said = [] if whole else self._compare_columns()
        self._take_in(loaded)
        return said

    def _noted(self) -> tuple[str | None, str]:
        """Give how far the source came, and the state of the mask then."""
        query = "SELECT bookmark, mask FROM bookmarks WHERE source = ?"
        found = self.connection.execute(query, [self.name]).fetchall()
        if not table_exists(self.connection, f"raw_{self.name}"):
            return None, self.mask.state
        bookmark, mask = found[0] if found else (None, None)
        return bookmark, mask or ""

    def _compare_columns(self) -> list[str]:
        """Say which columns are new or gone; refuse what takes from the contract what it needs."""
        if not table_exists(self.connection, f"raw_{self.name}"):
            return []
        before, now = self._columns("raw"), self._columns("incoming")
        needed = {column.source for column in self.contract.used}
        needed |= {key for join in self.contract.joins for key in join.on}
        changed = [f"{column} is gone" for column in needed & before.keys() - now.keys()]
        changed += [
            f"{column} was {_kind(before[column])} and is {_kind(now[column])}"
            for column in needed & before.keys() & now.keys()
            if _kind(before[column]) != _kind(now[column])
        ]
        if changed:
            raise ProjectError(
                f"{self.name}: the columns changed: {'; '.join(sorted(changed))}. Nothing was taken"
                " in. Mend the source, or change config/contract.toml and run `extract --whole`"
            )
        said = [f"{self.name} has a new column {column}" for column in now if column not in before]
        gone = [column for column in before if column not in now]
        return said + [f"{self.name} has no column {column} any more" for column in gone]

    def _columns(self, state: str) -> dict[str, str]:
        return own_columns(self.connection, f"{state}_{self.name}")

    def _take_in(self, loaded: Loaded) -> None:
        came = f"incoming_{self.name}"
        keys = () if loaded.bookmark is None else self._keys()
        with transaction(self.connection):
            if keys:
                came = self._merge(keys, whole=loaded.whole)
            raw = quote(f"raw_{self.name}")
            self.connection.execute(f"DROP TABLE IF EXISTS {raw}")
            self.connection.execute(f"ALTER TABLE {quote(came)} RENAME TO {raw}")
            # Last, since what is cut off before is read again.
            extracted_at = datetime.now(UTC).replace(tzinfo=None)
            self.connection.execute("DELETE FROM bookmarks WHERE source = ?", [self.name])
            self.connection.execute(
                "INSERT INTO bookmarks (source, bookmark, extracted_at, mask) VALUES (?, ?, ?, ?)",
                [self.name, loaded.bookmark, extracted_at, self.mask.state],
            )

    def _keys(self) -> tuple[str, ...]:
        """Give the columns by which a row that comes again is known: the join's, or the id."""
        known = {join.source: join.on for join in self.contract.joins}
        named = (self.contract.id.source,) if self.contract.id else ()
        keys = known.get(self.name, named)
        if not keys:
            raise ProjectError(
                f"{self.name}: reading only what is new needs a column with the role id in "
                "config/contract.toml, or no row could be told from another"
            )
        if absent := [key for key in keys if key not in self._columns("incoming")]:
            raise ProjectError(
                f"{self.name}: reading only what is new needs the column {absent[0]!r}, by which "
                "config/contract.toml tells rows apart, and its rows have none"
            )
        return keys

    def _merge(self, keys: Sequence[str], *, whole: bool) -> str:
        """Add to what came what it does not replace, in the order of the keys; gives the table."""
        incoming = quote(f"incoming_{self.name}")
        parts = [Part(incoming, {}, self._columns("incoming"))]
        if not whole:
            again = " AND ".join(f"came.{quote(key)} = raw.{quote(key)}" for key in keys)
            kept = (
                f"(SELECT raw.* FROM {quote(f'raw_{self.name}')} AS raw "
                f"WHERE NOT EXISTS (SELECT 1 FROM {incoming} AS came WHERE {again})) AS kept"
            )
            parts.insert(0, Part(kept, {}, self._columns("raw")))
        merged, order = f"merged_{self.name}", ", ".join(map(quote, keys))
        write_in_order(self.connection, merged, one_below_the_other(parts), order)
        self.connection.execute(f"DROP TABLE {incoming}")
        return merged


def _kind(type_name: str) -> str:
    """Put a type into words that stay true when only its width changes."""
    for kind, starts in KINDS.items():
        if type_name.startswith(starts) or type_name.removeprefix("U").startswith(starts):
            return kind
    return type_name.lower()
