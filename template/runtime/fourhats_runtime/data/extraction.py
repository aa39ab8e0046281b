"""Extraction: the rows of every source come into the warehouse, a source's all or none.

A source that notes how far it came is asked only for what is new. Its rows replace those of the
same id, and the table is put in the order of the ids: whatever was cut off and repeated, or read
twice, the table is the same.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import duckdb

from fourhats_runtime.contract import Contract, Join
from fourhats_runtime.data.differences import renamed
from fourhats_runtime.data.joins import SAMPLE, own_columns, put_together
from fourhats_runtime.data.landing import land
from fourhats_runtime.data.masking import Mask
from fourhats_runtime.data.queries import shape
from fourhats_runtime.data.sources import Source, sample
from fourhats_runtime.data.sources.loaded import Loaded
from fourhats_runtime.data.sql import Part, one_below_the_other, quote
from fourhats_runtime.data.warehouse import (
    Connection,
    relation,
    scratch,
    table_exists,
    transaction,
    write_in_order,
)
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
TAKEN = ("joined", "origins", SAMPLE, "sql")
"""Behind `raw_`, tables of the project's own."""
KINDS = {
    "number": ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL"),
    "time": ("DATE", "TIMESTAMP"),
    "text": ("VARCHAR", "ENUM"),
}


def extract(
    connection: Connection, contract: Contract, project: Project, *, whole: bool
) -> tuple[list[str], list[str]]:
    """Bring every source's table up to date and put them together as `raw`.

    With `whole`, everything is read anew, whatever columns come. Gives the names of the sources,
    empty where a sample stands in, and what there is to say of their columns and joins.

    Raises:
        ProjectError: a source cannot be read, its columns changed in a way that the contract does
            not allow, or a join is not possible; its table is as it was.

    """
    sources, said = configured(project), []
    if sources:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS bookmarks "
            "(source VARCHAR, bookmark VARCHAR, extracted_at TIMESTAMP, mask VARCHAR)"
        )
        mask = Mask.of(contract, project)
        for name, source in sources.items():
            said += _Extraction(connection, contract, project, mask, name).run(source, whole=whole)
    else:
        table = f"raw_{SAMPLE}"
        load = partial(sample.load, contract=contract, table=table)
        land(connection, project, Mask.nothing(), table, load)
    with transaction(connection):
        if sources:
            said += put_together(connection, contract.joins, list(sources))
            said += shape(connection, contract, project.folder / "sql")
        else:
            put_together(connection, (), [SAMPLE])
    return list(sources), said


@contextmanager
def glimpse(
    joins: Sequence[Join], project: Project
) -> Iterator[tuple[duckdb.DuckDBPyRelation, list[str]]]:
    """Give the rows of every source, put together, and what there is to say; none of them is kept.

    Raises:
        ProjectError: no source is set up, one cannot be read, or a join is not possible.

    """
    with read_aside(joins, project) as (connection, said):
        columns = ", ".join(map(quote, own_columns(connection, "raw")))
        yield relation(connection, f"SELECT {columns} FROM raw"), said


@contextmanager
def read_aside(joins: Sequence[Join], project: Project) -> Iterator[tuple[Connection, list[str]]]:
    """Give a warehouse of its own in which every source is read to `raw`, and what there is to say.

    Raises:
        ProjectError: no source is set up, one cannot be read, or a join is not possible.

    """
    sources = configured(project)
    if not sources:
        raise ProjectError("no source is set up: fill in config/sources.toml, or name a file")
    with scratch(project) as connection:
        said: list[str] = []
        for name, source in sources.items():
            load = partial(source.load, project=project, table=f"raw_{name}", bookmark=None)
            said += land(connection, project, Mask.nothing(), f"raw_{name}", load).said
        said += put_together(connection, joins, list(sources))
        said += shape(connection, None, project.folder / "sql")
        yield connection, said


def configured(project: Project) -> dict[str, Source]:
    """Give the project's sources that are set up, by name.

    Raises:
        ProjectError: two have the same name, or one has a name that gives no table.

    """
    names = [source.name for source in project.sources]
    for name in names:
        if names.count(name) > 1:
            raise ProjectError(
                f"extract.py: two sources are called {name!r}: give one of them another name, such "
                f'as Files("{name}_2"), which is its table in config/sources.toml, too'
            )
        if not NAME.fullmatch(name) or name in TAKEN:
            raise ProjectError(
                f"extract.py: a source cannot be called {name!r}: its name is made of up to 40 "
                "small letters, digits and _, starts with a letter, and is none of "
                f"{', '.join(TAKEN)}"
            )
    return {source.name: source for source in project.sources if source.configured(project)}


@dataclass(frozen=True)
class _Extraction:
    """One source's rows on their way into the table `raw_<name>`, by way of `incoming_<name>`."""

    connection: Connection
    contract: Contract
    project: Project
    mask: Mask
    name: str

    def run(self, source: Source, *, whole: bool) -> list[str]:
        """Bring the table up to date; say how it was read, and which columns are new or gone."""
        bookmark, before = self._noted()
        # Rows that were taken in under other marks, or another key, don't go with new ones.
        whole = whole or before != self.mask.state
        table, since = f"incoming_{self.name}", None if whole else bookmark
        load = partial(source.load, project=self.project, table=table, bookmark=since)
        loaded = land(self.connection, self.project, self.mask, table, load)
        said = [] if whole else self._compare_columns()
        self._take_in(loaded)
        return [*loaded.said, *said]

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
        gone, came = needed & before.keys() - now.keys(), now.keys() - before.keys()
        changed = [self._gone(source, came, alone=len(gone) == len(came) == 1) for source in gone]
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
        left = [column for column in before if column not in now]
        return said + [f"{self.name} has no column {column} any more" for column in left]

    def _gone(self, source: str, came: Collection[str], *, alone: bool) -> str:
        column = next((c for c in self.contract.used if c.source == source), None)
        new = renamed(column, sorted(came), alone=alone) if column is not None else ""
        if column is None or not new:
            return f"{source} is gone"
        return (
            f"{source} is gone, and {new} came: where it is the same, at {column.name} in "
            f'config/contract.toml write source = "{new}"'
        )

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
        """Give the columns by which a row that comes again is known: the join's, or the key."""
        known = {join.source: join.on for join in self.contract.joins}
        named = tuple(column.source for column in self.contract.key)
        keys = known.get(self.name, named)
        if not keys:
            raise ProjectError(
                f"{self.name}: reading only what is new needs a column with the role id in "
                "config/contract.toml, or one with entity and one with time: else no row could be "
                "told from another"
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
