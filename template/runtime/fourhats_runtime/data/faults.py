"""What a machine refuses, such as more room on its disk, and what is damaged, in one line."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from fourhats_runtime.data.duckdb_errors import reason
from fourhats_runtime.data.warehouse import FILE
from fourhats_runtime.data.warehouse.file import damaged
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.files import refused
from fourhats_runtime.project import Project

DAMAGED = ("Corrupt database file", "Could not read", "Serialization Error", "INTERNAL Error")
NO_ROOM = ("Could not write", "No space left", "Out of Memory", "Could not sync")


@contextmanager
def plainly(project: Project) -> Iterator[None]:
    """Put what is no mistake in the code into one line for the person.

    Raises:
        DamagedError: the file of the warehouse cannot be read.
        ProjectError: there is no room, or no right, to write.
        KeyboardInterrupt: it was Ctrl-C of which a library made a fault.

    """
    try:
        yield
    except duckdb.Error as error:
        said = str(error)
        if any(mark in said for mark in NO_ROOM):
            raise ProjectError(f"{reason(error)}: make room, then run this again") from None
        if any(mark in said for mark in DAMAGED):
            raise damaged(project.artifacts / FILE, error) from None
        raise
    except OSError as error:
        if words := refused(error):
            raise ProjectError(words) from None
        raise
    except Exception as error:
        if _is_interruption(error):
            raise KeyboardInterrupt from error
        raise


def _is_interruption(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None
