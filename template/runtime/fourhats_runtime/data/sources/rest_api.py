"""A REST API that answers in JSON: its records, page by page, become rows."""

import json
from typing import Any

import duckdb

from fourhats_runtime.data.sources import json_records
from fourhats_runtime.data.sources.api_pages import pages
from fourhats_runtime.data.sources.kinds import RestApi
from fourhats_runtime.data.sources.loaded import Loaded, furthest
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project


def load(
    connection: duckdb.DuckDBPyConnection,
    project: Project,
    source: RestApi,
    table: str,
    bookmark: str | None,
) -> Loaded:
    """Write all records into `table`, or with `cursor` set those since the bookmark.

    A record that leaves a column out has no value there. Where only what is new is read, columns
    that were seen before are there even if none of the new records has them.

    Raises:
        ProjectError: the API can't be read, or does not answer what the settings say.

    """
    cursor = source.section(project).cursor
    known = _known(bookmark, cursor)
    records = (record for page in pages(project, source, known.get("since")) for record in page)
    try:
        columns = json_records.write(connection, table, records, known.get("columns", {}))
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise ProjectError(f"REST API: its records are no table: {reason}") from None
    if not columns:
        raise ProjectError(
            f"REST API: the answer holds no records ({source.name}.url, {source.name}.records)"
        )
    if not cursor:
        return Loaded()
    since = furthest(connection, table, cursor, known.get("since"))
    note = {"cursor": cursor, "since": since, "columns": columns}
    return Loaded(json.dumps(note), whole=not known)


def _known(bookmark: str | None, cursor: str) -> dict[str, Any]:
    """Read the bookmark, unless the cursor was another one then, or had no value yet."""
    known: dict[str, Any] = json.loads(bookmark or "{}")
    return known if known.get("cursor") == cursor and known.get("since") is not None else {}
