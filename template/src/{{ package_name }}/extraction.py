"""Extraction: the rows of every source come into the warehouse, a source's all or none.

A source that notes how far it came is asked only for what is new. Its rows replace those of the
same id, and the table is put in the order of the ids: whatever was cut off and repeated, or read
twice, the table is the same.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from .contract import Contract, Join
from .errors import ProjectError
from .joins import put_together
from .masking import Mask, staging
from .queries import shape
from .settings import Settings
from .sources import Source, configured, sample
from .sources.loaded import Loaded
from .sql import quote
from .warehouse import table_exists, transaction

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
    empty where a sample stands in, and what there is to say of their columns and joins.

    Raises:
        ProjectError: a source cannot be read, its columns changed in a way that the contract does
            not allow, or a join is not possible; its table is as it was.

    """
    sources, said = configured(settings), []
    if sources:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS bookmarks "
            "(source VARCHAR PRIMARY KEY, bookmark VARCHAR, extracted_at TIMESTAMP)"
        )
        connection.execute("ALTER TABLE bookmarks ADD COLUMN IF NOT EXISTS mask VARCHAR")
        mask = Mask.of(contract, settings)
        for name, source in sources.items():
            said += _Extraction(connection, contract, settings, mask, name).run(source, whole=whole)
    else:
        sample.load(connection, contract, "raw_sample")
    with transaction(connection):
        if sources:
            said += put_together(connection, contract.joins, list(sources))
            said += shape(connection, contract, settings.root / "sql")
        else:
            put_together(connection, (), ["sample"])
    return list(sources), said


@contextmanager
def glimpse(
    connection: duckdb.DuckDBPyConnection, joins: Sequence[Join], settings: Settings
) -> Iterator[tuple[duckdb.DuckDBPyRelation, list[str]]]:
    """Give the rows of every source, put together, and what there is to say; none of them is kept.

    Raises:
        ProjectError: no source is set up, one cannot be read, or a join is not possible.

    """
    sources = configured(settings)
    if not sources:
        raise ProjectError("no source is set up: fill in config/sources.toml, or name a file")
    with staging(connection, settings):
        for name, source in sources.items():
            source.load(connection, settings, f"raw_{name}", None)
        said = put_together(connection, joins, list(sources))
        said += shape(connection, None, settings.root / "sql")
        yield connection.sql("SELECT * EXCLUDE (_source, _row) FROM raw"), said


@dataclass(frozen=True)
class _Extraction:
    """One source's rows on their way into the table `raw_<name>`, by way of `incoming_<name>`."""

    connection: duckdb.DuckDBPyConnection
    contract: Contract
    settings: Settings
    mask: Mask
    name: str

    @property
    def raw(self) -> str:
        return quote(f"raw_{self.name}")

    @property
    def incoming(self) -> str:
        return quote(f"incoming_{self.name}")

    def run(self, source: Source, *, whole: bool) -> list[str]:
        """Bring the table up to date, and say which columns are new or gone."""
        bookmark, before = self._noted()
        # Rows that were taken in under other marks, or another key, don't go with new ones.
        whole = whole or before != self.mask.state
        loaded = self._load(source, None if whole else bookmark)
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

    def _load(self, source: Source, bookmark: str | None) -> Loaded:
        """Have the source write its rows, without personal data, into the incoming table."""
        table = f"incoming_{self.name}"
        if not self.mask.state:
            return source.load(self.connection, self.settings, table, bookmark)
        with staging(self.connection, self.settings) as warehouse:
            loaded = source.load(self.connection, self.settings, table, bookmark)
            rows = self.mask.select(self.connection, self.incoming)
            taken_over = f"{quote(warehouse)}.{self.incoming}"
            self.connection.execute(f"CREATE OR REPLACE TABLE {taken_over} AS {rows}")
        return loaded

    def _compare_columns(self) -> list[str]:
        """Say which columns are new or gone; refuse what takes from the contract what it needs."""
        if not table_exists(self.connection, f"raw_{self.name}"):
            return []
        before, now = self._columns(self.raw), self._columns(self.incoming)
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

    def _columns(self, table: str) -> dict[str, str]:
        relation = self.connection.table(table)
        return dict(zip(relation.columns, map(str, relation.types), strict=True))

    def _take_in(self, loaded: Loaded) -> None:
        keys = () if loaded.bookmark is None else self._keys()
        with transaction(self.connection):
            if keys:
                self._merge(", ".join(map(quote, keys)), whole=loaded.whole)
            extracted_at = datetime.now(UTC).replace(tzinfo=None)
            self.connection.execute(
                "INSERT OR REPLACE INTO bookmarks VALUES (?, ?, ?, ?)",
                [self.name, loaded.bookmark, extracted_at, self.mask.state],
            )
            self.connection.execute(f"DROP TABLE IF EXISTS {self.raw}")
            self.connection.execute(f"ALTER TABLE {self.incoming} RENAME TO {self.raw}")

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
        if absent := [key for key in keys if key not in self._columns(self.incoming)]:
            raise ProjectError(
                f"{self.name}: reading only what is new needs the column {absent[0]!r}, by which "
                "config/contract.toml tells rows apart, and its rows have none"
            )
        return keys

    def _merge(self, keys: str, *, whole: bool) -> None:
        """Add to what came what it does not replace, in the order of the keys."""
        rows = f"FROM {self.incoming}"
        if not whole:
            kept = f"FROM {self.raw} ANTI JOIN {self.incoming} USING ({keys})"
            rows = f"{kept} UNION ALL BY NAME {rows}"
        self.connection.execute(
            f"CREATE OR REPLACE TABLE {self.incoming} AS SELECT * FROM ({rows}) ORDER BY {keys}"
        )


def _kind(type_name: str) -> str:
    """Put a type into words that stay true when only its width changes."""
    for kind, starts in KINDS.items():
        if type_name.startswith(starts) or type_name.removeprefix("U").startswith(starts):
            return kind
    return type_name.lower()
