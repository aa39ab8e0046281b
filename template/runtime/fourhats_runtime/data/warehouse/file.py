"""A DuckDB file: one process may write it, or many may read it; who comes meanwhile waits."""

from __future__ import annotations

import logging
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from fourhats_runtime.data.duckdb_errors import reason
from fourhats_runtime.data.sql import quote
from fourhats_runtime.errors import DamagedError, ProjectError

LONGEST_SECONDS = 60.0
LOOK_SECONDS = 0.1
MAGIC = slice(8, 12), b"DUCK"
WAY_BACK = "run `extract --whole`: it puts the file aside and reads the sources anew; then `run`"

logger = logging.getLogger(__name__)


class File:
    """A file that is opened when it is first used, and may be let go of in between."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open nothing yet. What only reads leaves the file to others that do."""
        self.path = path
        self.read_only = read_only
        self._open: duckdb.DuckDBPyConnection | None = None

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The open file.

        Raises:
            DamagedError: it is no DuckDB file, or cannot be read.
            ProjectError: another process holds it for longer than a minute.

        """
        if self._open is None:
            self._open = open_file(self.path, read_only=self.read_only)
        return self._open

    def close(self) -> None:
        """Let others have it; the next use opens it again, without its temporary tables."""
        if self._open is not None:
            self._open.close()
            self._open = None


def open_file(path: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open a file as soon as nobody is in the way; one that is not there yet is made.

    Raises:
        DamagedError: it is no DuckDB file, or cannot be read.
        ProjectError: another process holds it for longer than a minute.

    """
    _check(path)
    began, said = time.monotonic(), False
    while True:
        try:
            return duckdb.connect(path, read_only=read_only and path.exists())
        except duckdb.ConnectionException:  # this process has it open otherwise
            if read_only:
                return duckdb.connect(path)
            raise ProjectError(
                f"{path} is open in this process, for reading alone: close that connection"
            ) from None
        except duckdb.Error as error:
            holder = re.search(r"lock is held in (.*?\(PID \d+\))", str(error))
            if "Could not set lock" not in str(error):
                raise damaged(path, error) from None
        who = holder[1] if holder else "another process"
        if time.monotonic() - began > LONGEST_SECONDS:
            raise ProjectError(
                f"{path} was held for {LONGEST_SECONDS:.0f} s by {who}: close it there, then run "
                "this step again; what only reads it keeps nobody waiting for long if it opens it "
                "with read_only=True and closes it"
            )
        if not said:
            logger.warning("waiting up to %.0f s for %s: %s has it", LONGEST_SECONDS, path, who)
            said = True
        time.sleep(LOOK_SECONDS)


def damaged(path: Path, error: Exception) -> DamagedError:
    """Say that a file cannot be read, and what to do."""
    return DamagedError(f"{path} cannot be read ({reason(error)}): {WAY_BACK}")


def put_aside(path: Path) -> None:
    """Rename a file that cannot be read, so that another can be made in its place."""
    if not path.exists():
        return
    try:
        _read_all(path)
    except DamagedError:
        aside = path.with_name(f"{path.stem}-damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.duckdb")
        path.rename(aside)
        path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
        logger.warning("%s could not be read: it is now %s", path, aside.name)


def _read_all(path: Path) -> None:
    """Read every block: what is damaged may only be met by a later step."""
    with open_file(path) as connection:
        tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        try:
            for (name,) in tables:
                connection.execute(f"SELECT max(hash(t)) FROM {quote(name)} AS t").fetchall()
        except duckdb.Error as error:
            raise damaged(path, error) from None


def _check(path: Path) -> None:
    """See that it is a DuckDB file: of others, DuckDB may ask the network for an extension."""
    if not path.exists():
        return
    place, magic = MAGIC
    try:
        with path.open("rb") as file:
            head = file.read(place.stop)
    except OSError as error:
        raise damaged(path, error) from None
    if head[place] != magic:
        raise DamagedError(f"{path} is no DuckDB file: {WAY_BACK}")
