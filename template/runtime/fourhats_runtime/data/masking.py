"""Personal data stays out of the warehouse: left out, or a pseudonym, before any row is kept.

A database file keeps what was once in it, dropped tables too. So rows with personal data are first
written into a file of their own, which is deleted as soon as they were taken over.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from fourhats_runtime.contract import Contract
from fourhats_runtime.contract.written import MARKS
from fourhats_runtime.data.privacy import Pseudonyms, pseudonyms
from fourhats_runtime.data.sql import literal, quote
from fourhats_runtime.data.typed_values import is_mark
from fourhats_runtime.project import Project


@dataclass(frozen=True)
class Mask:
    """What happens to the columns that the contract marks, by their names in the data.

    Names are in lower case: to a database, `EMAIL` and `email` are the same column.
    """

    left_out: frozenset[str]
    replaced: frozenset[str]
    pseudonyms: Pseudonyms | None

    @classmethod
    def of(cls, contract: Contract, project: Project) -> "Mask":
        """Read the contract's marks.

        Raises:
            ProjectError: pseudonyms are needed, and their key is missing.

        """
        made = pseudonyms(contract, project)
        marked = [column for column in contract.columns if column.pii]
        left_out = frozenset(c.source.lower() for c in marked if c.role == "ignore")
        replaced = frozenset(c.source.lower() for c in marked if c.is_identifier)
        return cls(left_out, replaced, made)

    @classmethod
    def nothing(cls) -> "Mask":
        """Hide nothing."""
        return cls(frozenset(), frozenset(), None)

    @property
    def state(self) -> str:
        """A text that changes with the marks and with the key: rows under another one don't fit."""
        key = hashlib.sha256(self.pseudonyms.key).hexdigest()[:8] if self.pseudonyms else ""
        return " ".join([*sorted(self.left_out), *sorted(self.replaced), key]).strip()

    def select(self, connection: duckdb.DuckDBPyConnection, table: str) -> str:
        """Give the SQL of a table's rows without personal data."""
        return f"SELECT {', '.join(self._columns(connection, table))} FROM {table}"

    def _columns(self, connection: duckdb.DuckDBPyConnection, table: str) -> Iterator[str]:
        for name in connection.table(table).columns:
            if name.lower() in self.left_out:
                continue
            column = quote(name)
            if self.pseudonyms is None or name.lower() not in self.replaced:
                yield column
                continue
            text = f"CAST({column} AS VARCHAR)"
            made = self.pseudonyms.sql(text)
            yield f"CASE WHEN NOT {is_mark(text, MARKS)} THEN {made} END AS {column}"


@contextmanager
def staging(connection: duckdb.DuckDBPyConnection, project: Project) -> Iterator[str]:
    """Have tables without a path come into a file of its own; gives the name of the warehouse."""
    project.artifacts.mkdir(parents=True, exist_ok=True)
    file = project.artifacts / "staging.duckdb"
    ((warehouse,),) = connection.execute("SELECT current_database()").fetchall()
    _delete(file)
    connection.execute(f"ATTACH {literal(str(file))} AS staging")
    try:
        connection.execute("USE staging")
        yield str(warehouse)
    finally:
        connection.execute(f"USE {quote(str(warehouse))}")
        connection.execute("DETACH staging")
        _delete(file)


def _delete(file: Path) -> None:
    for path in (file, file.with_suffix(".duckdb.wal")):
        path.unlink(missing_ok=True)
