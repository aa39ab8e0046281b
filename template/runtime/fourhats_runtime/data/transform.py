"""From raw rows to what the model learns from: the table `clean`, by the project's own SQL."""

import duckdb

from fourhats_runtime.contract import Contract
from fourhats_runtime.data.duckdb_errors import reason
from fourhats_runtime.data.extras import needs
from fourhats_runtime.data.quality import explain_failure, valid_rows
from fourhats_runtime.data.sql import quote
from fourhats_runtime.data.typed_values import SQL_TYPES
from fourhats_runtime.data.warehouse import Connection, relation, write
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project

ALL = "SELECT * FROM valid"
"""The SQL that takes every valid row as it is."""
FILE = "transform.py"


def transform(connection: Connection, contract: Contract, project: Project) -> None:
    """Write `clean`: what `project.transform` makes of the rows that pass every check.

    They are the table `valid` there, typed, under the contract's names. Rows without an outcome
    stay: they are the ones to be scored.

    Raises:
        ProjectError: the SQL is no single SELECT, loses a column of the contract, or fails; or
            Spark cannot be reached, or fails.

    """
    valid = valid_rows(connection, contract, project.checks)
    query = valid if takes_all(project) else _checked(connection, contract, project, valid)
    if project.engine == "spark":
        with needs("spark"):
            from fourhats_runtime.data.spark_transform import write_clean  # noqa: PLC0415
        write_clean(connection, query, project)
        return
    try:
        write(connection, "clean", query)
    except (duckdb.Error, ProjectError) as error:
        explain_failure(connection, contract, project.checks)
        if query == valid:
            raise
        raise ProjectError(f"{FILE}: {reason(error)}") from None


def takes_all(project: Project) -> bool:
    """Tell whether every valid row is taken as it is."""
    return " ".join(project.transform.split()).rstrip("; ").lower() == ALL.lower()


def _checked(connection: Connection, contract: Contract, project: Project, valid: str) -> str:
    """Give the SQL of the rows for `clean`, with every column of the contract as its own type."""
    own = _one_query(project.transform)

    def made(selected: str) -> str:
        return f"WITH valid AS ({valid}) SELECT {selected} FROM ({own}\n) AS made"

    try:
        found = relation(connection, f"{made('*')} LIMIT 0")
    except (duckdb.Error, ProjectError) as error:
        explain_failure(connection, contract, project.checks)
        raise ProjectError(f"{FILE}: {reason(error)}") from None
    kinds = dict(zip(found.columns, map(str, found.types), strict=True))
    wanted = {column.name: SQL_TYPES[column.type] for column in contract.used}
    if lost := [name for name in (*wanted, "_source", "_row") if name not in kinds]:
        raise ProjectError(
            f"{FILE}: its SQL loses the column{'s' * (len(lost) > 1)} {', '.join(lost)}: it has to "
            "give every column of config/contract.toml, and _source and _row, as SELECT * does"
        )
    if all(kinds[name] == kind for name, kind in wanted.items()):
        return made("*")
    selected = [
        f"CAST({quote(name)} AS {wanted[name]}) AS {quote(name)}"
        if wanted.get(name, kind) != kind
        else quote(name)
        for name, kind in kinds.items()
    ]
    return made(", ".join(selected))


def _one_query(text: str) -> str:
    """Give the SQL without the semicolon that it may end in.

    Raises:
        ProjectError: it is not one SELECT.

    """
    try:
        kinds = [statement.type for statement in duckdb.extract_statements(text)]
    except duckdb.Error as error:
        raise ProjectError(f"{FILE}: {reason(error)}") from None
    if kinds != [duckdb.StatementType.SELECT]:
        raise ProjectError(f"{FILE}: its SQL has to be one query, a SELECT out of `valid`")
    written = text.encode()
    semicolons = (
        place
        for place, kind in duckdb.tokenize(text)
        if kind == duckdb.token_type.operator and written[place : place + 1] == b";"
    )
    return written[: next(semicolons, None)].decode()
