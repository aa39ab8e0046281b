"""A REST API that answers in JSON: its records, page by page, become rows."""

import json
from typing import Any

import duckdb

from ..errors import ProjectError
from ..settings import Settings
from . import json_records
from .api_pages import pages
from .loaded import Loaded, furthest


def configured(settings: Settings) -> bool:
    """Tell whether the API's address is set."""
    return bool(settings.rest_api.url)


def load(
    connection: duckdb.DuckDBPyConnection, settings: Settings, table: str, bookmark: str | None
) -> Loaded:
    """Write all records into `table`, or with `rest_api.cursor` set those since the bookmark.

    A record that leaves a column out has no value there. Where only what is new is read, columns
    that were seen before are there even if none of the new records has them.

    Raises:
        ProjectError: the API can't be read, or does not answer what the settings say.

    """
    cursor = settings.rest_api.cursor
    known = _known(bookmark, cursor)
    records = (record for page in pages(settings, known.get("since")) for record in page)
    try:
        columns = json_records.write(connection, table, records, known.get("columns", {}))
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise ProjectError(f"REST API: its records are no table: {reason}") from None
    if not columns:
        raise ProjectError("REST API: the answer holds no records (rest_api.url, rest_api.records)")
    if not cursor:
        return Loaded()
    since = furthest(connection, table, cursor, known.get("since"))
    note = {"cursor": cursor, "since": since, "columns": columns}
    return Loaded(json.dumps(note), whole=not known)


def _known(bookmark: str | None, cursor: str) -> dict[str, Any]:
    """Read the bookmark, unless the cursor was another one then, or had no value yet."""
    known: dict[str, Any] = json.loads(bookmark or "{}")
    return known if known.get("cursor") == cursor and known.get("since") is not None else {}
