"""What fakesnow lacks of Snowflake: it is given here, before its server takes a statement."""

import re
from typing import Any

import fakesnow.copy_into
import fakesnow.rowtype
import fakesnow.transforms
from duckdb import DuckDBPyConnection
from sqlglot import exp

# The connector asks for these from version 5 on.
STAGE = {
    "region": "",
    "storageAccount": "",
    "path": "",
    "isClientSideEncrypted": False,
    "endPoint": None,
}


def upload(answer: dict[str, Any], statement: str) -> dict[str, Any]:
    """Complete the answer to a PUT, which tells where the file is to be sent."""
    replaces = re.search(r"\bOVERWRITE\s*=\s*TRUE\b", statement, re.IGNORECASE)
    stage = answer["stageInfo"] | STAGE
    return answer | {"stageInfo": stage, "overwrite": replaces is not None}


def _columns(
    table: exp.Table, connection: DuckDBPyConnection, database: str | None, schema: str | None
) -> list[str]:
    """Give the columns as they are spelled, of a temporary table too."""
    del database, schema
    name = table.this.sql(dialect="duckdb", identify=True)
    return [str(row[0]) for row in connection.execute(f"DESCRIBE {name}").fetchall()]


def _to_timestamp(expression: exp.Expr) -> exp.Expr:
    """Leave TRY_CAST what it is: fakesnow's own would fail where there is no such day."""
    return expression if isinstance(expression, exp.TryCast) else unwary(expression)


unwary = fakesnow.transforms.to_timestamp
fakesnow.transforms.to_timestamp = _to_timestamp
fakesnow.copy_into._get_table_columns = _columns  # noqa: SLF001 - it has no other door
# DuckDB's types that Snowflake does not tell apart from those that fakesnow knows.
fakesnow.rowtype.duckdb_to_sf_type |= {
    "FLOAT": "real",
    "SMALLINT": "fixed",
    "TINYINT": "fixed",
    "UHUGEINT": "fixed",
    "UINTEGER": "fixed",
}
