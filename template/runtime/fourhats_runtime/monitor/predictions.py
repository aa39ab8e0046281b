"""The predictions that were given, with the outcomes that came since.

Only a prediction about an open case, whose outcome was not known, lets anybody decide anything.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

import duckdb

from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.data.quality import cases_set_aside
from fourhats_runtime.data.sql import literal, quote
from fourhats_runtime.data.table_file import TableFileError, open_file
from fourhats_runtime.data.warehouse import Connection, columns, read_in, table_exists
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.monitor.shared_log import gathered
from fourhats_runtime.project import Project
from fourhats_runtime.settings import Section

NO_OUTCOME = "SELECT CAST(NULL AS VARCHAR) AS {}, CAST(NULL AS VARCHAR) AS actual LIMIT 0"


class Outcomes(Section):
    """Where the outcomes of predictions come in: a file, or a pattern of files."""

    table: ClassVar[str] = "outcomes"

    path: str = ""


def collect(connection: Connection, project: Project, contract: Contract) -> None:
    """Write the table `predictions`: one row a prediction about an open case, with its features.

    `_entity` is whose it is by the contract, as the row has it: a pseudonym, if that is personal.
    Its outcome comes from the file of outcomes, from the API, or from the sources' row with the
    same id, where that came since. It is NULL while it is unknown.

    What is no decision is in the table `not_counted`, which says why: a `trial`, or about a
    `closed` case, whose outcome was known when the API was asked.

    Raises:
        ProjectError: the file of outcomes is missing or is no table; or the bucket does not answer.

    """
    given = " UNION ALL ".join(
        [
            _nothing(contract),
            *_answered(connection, project, contract),
            *_scored(connection, contract),
        ]
    )
    # A batch holds open cases alone: what the sources say of one came later.
    found = f"""
        FROM ({given}) AS given
        LEFT JOIN ({_reported(connection, project)}) AS reported
            ON given.prediction_id = reported.prediction_id
        LEFT JOIN ({_known_outcomes(connection, contract)}) AS outcome ON given.id = outcome.id
        LEFT JOIN seen_outcomes AS seen
            ON given.id = seen.id AND NOT given._open AND seen.seen_at <= given.given_at
            AND (seen.open_again_at IS NULL OR seen.open_again_at > given.given_at)
    """
    is_closed = "seen.id IS NOT NULL"
    names = ("prediction_id", "id", "given_at", "model_version")
    facts = ", ".join(f"given.{name}" for name in names)
    answer = (
        "_entity",
        "prediction",
        "probability",
        "decision",
        *(quote(column.name) for column in contract.features),
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE predictions AS
        SELECT {facts}, {", ".join(f"given.{name}" for name in answer)},
            coalesce(reported.actual, outcome.actual) AS actual
        {found} WHERE NOT given._trial AND NOT ({is_closed})
        """
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE not_counted AS
        SELECT {facts}, CASE WHEN given._trial THEN 'trial' ELSE 'closed' END AS reason
        {found} WHERE given._trial OR {is_closed}
        """
    )


def not_counted(connection: Connection, since: datetime, until: datetime) -> dict[str, int]:
    """Count, by the reason, the predictions of a time (in UTC) that are no decisions."""
    counts = connection.execute(
        "SELECT reason, count(*) FROM not_counted WHERE given_at >= ? AND given_at < ? "
        "GROUP BY reason ORDER BY reason",
        [since, until],
    ).fetchall()
    return dict(counts)


def remember_outcomes(connection: Connection, contract: Contract) -> None:
    """Note from when on each outcome is known: who is asked about later is a closed case.

    Until it is open again, as a customer may be next year.
    """
    connection.execute(
        "CREATE TABLE IF NOT EXISTS seen_outcomes "
        "(id VARCHAR, seen_at TIMESTAMP, open_again_at TIMESTAMP)"
    )
    if contract.id is None:
        return
    now = datetime.now(UTC).replace(tzinfo=None)
    connection.execute(
        "UPDATE seen_outcomes SET open_again_at = ? "
        f"WHERE open_again_at IS NULL AND id IN ({_open_cases(connection, contract)})",
        [now],
    )
    connection.execute(
        f"""
        INSERT INTO seen_outcomes
        SELECT DISTINCT outcome.id, CAST(? AS TIMESTAMP) AS seen_at,
            CAST(NULL AS TIMESTAMP) AS open_again_at
        FROM ({_known_outcomes(connection, contract)}) AS outcome
        LEFT JOIN seen_outcomes AS seen ON outcome.id = seen.id AND seen.open_again_at IS NULL
        WHERE outcome.id IS NOT NULL AND seen.id IS NULL
        """,
        [now],
    )


def sql_type(column: Column) -> str:
    """Give the type in which a feature is kept."""
    if column.is_time:
        return "TIMESTAMP"
    return "DOUBLE" if column.is_number else "VARCHAR"


def _nothing(contract: Contract) -> str:
    """Give the SQL of the columns, without a row."""
    features = ", ".join(
        f"CAST(NULL AS {sql_type(c)}) AS {quote(c.name)}" for c in contract.features
    )
    return f"""
        SELECT * FROM (
            SELECT FALSE AS _trial, FALSE AS _open, '' AS prediction_id, '' AS id, '' AS _entity,
                CAST(NULL AS TIMESTAMP) AS given_at, '' AS model_version, '' AS prediction,
                CAST(0 AS DOUBLE) AS probability, '' AS decision, {features}
            LIMIT 0
        ) AS nothing
    """


def _answered(connection: Connection, project: Project, contract: Contract) -> list[str]:
    """Give the SQL of what API and worker answered, from their logs if there are any.

    A message that was answered again, as a worker died before it had settled it, is logged twice:
    the same record of a request with the same id is counted once.
    """
    answered = gathered(project, "predictions")
    if not answered:
        return []
    entry = (
        "{given_at: 'TIMESTAMP', request_id: 'VARCHAR', model_version: 'VARCHAR', "
        "predictions: 'JSON[]', records: 'JSON[]', trial: 'BOOLEAN'}"
    )
    features = ", ".join(_from_json(column) for column in contract.features)
    key, entity = (
        f"record ->> '$.{column.name}'" if column else "CAST(NULL AS VARCHAR)"
        for column in (contract.id, contract.entity)
    )
    query = f"""
        SELECT coalesce(trial, FALSE) AS _trial, FALSE AS _open,
            request_id || '-' || (place - 1) AS prediction_id, {key} AS id, {entity} AS _entity,
            given_at, model_version,
            prediction ->> '$.prediction' AS prediction,
            CAST(prediction ->> '$.probability' AS DOUBLE) AS probability,
            prediction ->> '$.decision' AS decision, {features}
        FROM (
            SELECT * EXCLUDE (predictions, records), unnest(predictions) AS prediction,
                unnest(records) AS record, generate_subscripts(records, 1) AS place
            FROM {_lines(answered, entry)}
        )
        QUALIFY row_number() OVER (
            PARTITION BY request_id, place, CAST(record AS VARCHAR) ORDER BY given_at DESC
        ) = 1
    """
    read_in(connection, "answered", lambda duck: duck.sql(query))
    return ["SELECT * FROM answered"]


def _from_json(column: Column) -> str:
    text = f"record ->> '$.{column.name}'"
    if column.type == "boolean":
        text = f"CAST({text} AS BOOLEAN)"
    return f"CAST({text} AS {sql_type(column)}) AS {quote(column.name)}"


def _scored(connection: Connection, contract: Contract) -> list[str]:
    """Give the SQL of what was scored in batches, if anything was."""
    if not table_exists(connection, "scores"):
        return []
    features = ", ".join(
        f"CAST({_plain(column)} AS {sql_type(column)}) AS {quote(column.name)}"
        for column in contract.features
    )
    # Without an id the row itself is the case, which may be scored on several days.
    row = "_source || '-' || CAST(_row AS VARCHAR)"
    key = f"CAST({quote(contract.id.name)} AS VARCHAR)" if contract.id else row
    entity = contract.entity.name if contract.entity else ""
    # What was scored before the contract knew of entities may not have it.
    whose = quote(entity) if entity in columns(connection, "scores") else "NULL"
    query = f"""
        SELECT FALSE AS _trial, TRUE AS _open,
            CAST(scored_on AS VARCHAR) || '-' || {row} AS prediction_id, {key} AS id,
            CAST({whose} AS VARCHAR) AS _entity, scored_at AS given_at, model_version,
            CAST(prediction AS VARCHAR) AS prediction, probability, decision, {features}
        FROM scores
    """
    return [query]


def _plain(column: Column) -> str:
    """Give the SQL of a value that can be cast to the type in which it is kept."""
    value = quote(column.name)
    if column.type != "boolean":
        return value
    return f"CASE WHEN {value} THEN 1 WHEN NOT {value} THEN 0 END"


def _reported(connection: Connection, project: Project) -> str:
    """Give the SQL of the outcomes that people reported, one for a prediction."""
    try:
        read_in(connection, "outcomes", lambda duck: _outcomes(duck, project))
    except (TableFileError, duckdb.Error) as error:
        raise ProjectError(f"{str(error).splitlines()[0]} (outcomes.path)") from None
    return "SELECT prediction_id, actual FROM outcomes"


def _outcomes(duck: duckdb.DuckDBPyConnection, project: Project) -> duckdb.DuckDBPyRelation:
    """Read the file of outcomes, and what the API heard since; the last for one counts."""
    nothing = "0 AS heard, CAST(NULL AS TIMESTAMP) AS received_at, 0 AS place"
    found = duck.sql(f"SELECT *, {nothing} FROM ({NO_OUTCOME.format('prediction_id')})")
    outcome = "CAST(prediction_id AS VARCHAR) AS prediction_id, CAST(actual AS VARCHAR) AS actual"
    path = project.settings(Outcomes).path
    if path:
        file = open_file(duck, str(project.folder / path))
        place = "1 AS heard, CAST(NULL AS TIMESTAMP) AS received_at, row_number() OVER () AS place"
        found = found.union(file.project(f"{outcome}, {place}"))
    posted = gathered(project, "outcomes")
    if posted:
        entry = "{prediction_id: 'VARCHAR', actual: 'VARCHAR', received_at: 'TIMESTAMP'}"
        lines = duck.sql(f"FROM {_lines(posted, entry)}")
        place = "2 AS heard, received_at, row_number() OVER () AS place"
        found = found.union(lines.project(f"{outcome}, {place}"))
    order = (
        "PARTITION BY prediction_id ORDER BY heard DESC, received_at DESC NULLS LAST, place DESC"
    )
    numbered = found.project(f"*, row_number() OVER ({order}) AS nth")
    return numbered.filter("nth = 1").project("prediction_id, actual")


def _known_outcomes(connection: Connection, contract: Contract) -> str:
    """Give the SQL of the outcomes that the sources know, one an id.

    Those of rows that were set aside count: nobody learns from the rows, but they were decided on.
    """
    if contract.id is None:
        return NO_OUTCOME.format("id")
    key, target = quote(contract.id.name), quote(contract.target.name)
    known = f"""
        SELECT CAST({key} AS VARCHAR) AS id, CAST({target} AS VARCHAR) AS actual
        FROM clean WHERE {target} IS NOT NULL
    """
    if table_exists(connection, "quarantine"):
        aside = cases_set_aside(connection, contract)
        known += f" UNION ALL SELECT id, outcome FROM ({aside}) AS aside WHERE outcome IS NOT NULL"
    return known


def _open_cases(connection: Connection, contract: Contract) -> str:
    """Give the SQL of the ids of open cases, those of rows that were set aside among them."""
    assert contract.id is not None  # noqa: S101 (who asks has seen to it)
    key, target = quote(contract.id.name), quote(contract.target.name)
    found = f"SELECT CAST({key} AS VARCHAR) AS id FROM clean WHERE {target} IS NULL"
    if table_exists(connection, "quarantine"):
        aside = cases_set_aside(connection, contract)
        found += f" UNION ALL SELECT id FROM ({aside}) AS aside WHERE is_open"
    return found


def _lines(paths: Sequence[str], columns: str) -> str:
    """Give the SQL that reads a log; a line that was torn by a crash is left out."""
    files = ", ".join(map(literal, paths))
    return (
        f"read_json([{files}], format = 'newline_delimited', columns = {columns}, "
        "ignore_errors = TRUE)"
    )
