"""BigQuery's SQL on DuckDB: read in its dialect, refused where it would refuse."""

import re
from itertools import count
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from tests.services.bigquery_functions import unknown
from tests.services.bigquery_values import cell, field

PROJECT = "acme"
DATABASE = duckdb.connect()
DATABASE.execute("SET TimeZone = 'UTC'")
NUMBERS = count(1)
SENT: list[str] = []
Answer = dict[str, Any]
RESULTS: dict[str, Answer] = {}
LONGEST_NAME = 300


class RefusedError(Exception):
    """What the service answers in place of rows."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        """Take the status, and what it is called."""
        super().__init__(message)
        self.told = {"message": message, "domain": "global", "reason": reason}
        self.status = status
        self.answer = {"error": {"code": status, "message": message, "errors": [self.told]}}


def reference() -> Answer:
    """Name a new job."""
    return {"projectId": PROJECT, "jobId": f"job-{next(NUMBERS)}", "location": "EU"}


def run(text: str, parameters: list[Answer] | None = None, dataset: str | None = None) -> Answer:
    """Run a statement; gives the columns and rows of a query."""
    SENT.append(text)
    answer: Answer = {"jobReference": reference()}
    try:
        tree = sqlglot.parse_one(text, read="bigquery")
    except sqlglot.errors.ParseError as error:
        reason = str(error).splitlines()[0]
        raise RefusedError(400, "invalidQuery", f"Syntax error: {reason}") from None
    if names := unknown(text):
        raise RefusedError(400, "invalidQuery", f"Function not found: {names[0]}")
    if dataset and not dataset_exists(dataset):
        raise RefusedError(404, "notFound", f"Not found: Dataset {PROJECT}:{dataset}")
    if isinstance(tree, exp.Create) and tree.kind == "VIEW":
        _check_view(tree)
    try:
        # What comes without a dataset is looked up in this one.
        DATABASE.execute(f'USE "{dataset or "main"}"')
        _bind(tree, parameters or [])
        found = DATABASE.execute(_named(tree).sql(dialect="duckdb"))
        if isinstance(tree, exp.Query):
            names = [str(column[0]) for column in found.description]
            check_names(names)
            fields = [field(column[0], str(column[1])) for column in found.description]
            values = [{"f": [{"v": cell(value)} for value in row]} for row in found.fetchall()]
            answer |= {"schema": {"fields": fields}, "rows": values}
        elif isinstance(tree, exp.Create) and tree.kind in {"TABLE", "VIEW"}:
            check_names(_made(tree))
    except duckdb.CatalogException as error:
        message = f"Not found: Table {str(error).splitlines()[0]}"
        raise RefusedError(404, "notFound", message) from None
    except OverflowError as error:
        raise RefusedError(400, "invalidQuery", f"integer overflow: {error}") from None
    except duckdb.Error as error:
        raise RefusedError(400, "invalidQuery", str(error).splitlines()[0]) from None
    RESULTS[answer["jobReference"]["jobId"]] = answer
    return answer


def dataset_exists(name: str) -> bool:
    """Tell whether there is such a dataset."""
    query = "SELECT 1 FROM duckdb_schemas() WHERE schema_name = ?"
    return DATABASE.execute(query, [name]).fetchone() is not None


def columns(dataset: str, table: str) -> list[Answer]:
    """Describe the columns of a table or view."""
    try:
        described = DATABASE.execute(f'DESCRIBE "{dataset}"."{table}"').fetchall()
    except duckdb.CatalogException:
        message = f"Not found: Table {PROJECT}:{dataset}.{table}"
        raise RefusedError(404, "notFound", message) from None
    return [field(row[0], row[1]) for row in described]


def check_names(names: list[str]) -> None:
    """Refuse names that no column may have."""
    for name in names:
        if len(name) > LONGEST_NAME or re.search(r'[!"$()*,./;?@\[\\\]^`{}~]', name) or not name:
            message = (
                f'Invalid field name "{name}". Fields must contain the allowed characters, '
                "and be at most 300 characters long."
            )
            raise RefusedError(400, "invalidQuery", message)
    lower = [name.lower() for name in names]
    for name in names:
        if lower.count(name.lower()) > 1:
            message = f"Duplicate column names in the result are not supported: {name}"
            raise RefusedError(400, "invalidQuery", message)


def _check_view(tree: exp.Create) -> None:
    for table in tree.expression.find_all(exp.Table):
        if not table.db:
            message = f'Table "{table.name}" must be qualified with a dataset (e.g. dataset.table).'
            raise RefusedError(400, "invalidQuery", message)


def _named(tree: exp.Expr) -> exp.Expr:
    """Name a query's columns that have no name, and say the decimals' digits and TRIM's blanks."""
    for trim in tree.find_all(exp.Trim):
        if not trim.expression:
            trim.set("expression", exp.Literal.string(" \t\n\v\f\r"))
    if isinstance(tree, exp.Select):
        for place, column in enumerate(tree.expressions):
            if not isinstance(column, exp.Alias | exp.Column | exp.Star):
                column.replace(exp.alias_(column.copy(), f"f{place}_"))
    for kind in tree.find_all(exp.DataType):
        if kind.is_type("decimal") and not kind.expressions:
            kind.replace(exp.DataType.build("DECIMAL(38, 9)"))
    return tree


def _made(tree: exp.Create) -> list[str]:
    table = tree.find(exp.Table)
    assert table is not None
    described = DATABASE.execute(f"DESCRIBE {table.sql(dialect='duckdb', identify=True)}")
    return [str(row[0]) for row in described.fetchall()]


def _bind(tree: exp.Expr, parameters: list[Answer]) -> None:
    """Put the parameters in; BigQuery compares a column only with a value of its own type."""
    given = {each["name"]: each for each in parameters}
    for comparison in list(tree.find_all(exp.GTE)):
        if not isinstance(comparison.expression, exp.Parameter):
            continue
        parameter = given[comparison.expression.name]
        kind, value = parameter["parameterType"]["type"], parameter["parameterValue"]["value"]
        typed = exp.cast(exp.Literal.string(value), exp.DataType.build(kind, "bigquery"))
        rows = tree.find(exp.Subquery)
        assert rows is not None
        name = comparison.this.sql(dialect="duckdb")
        described = DATABASE.execute(
            f"DESCRIBE SELECT {name}, {typed.sql('duckdb')} FROM {rows.sql('duckdb')}"  # noqa: S608 - a test's own
        ).fetchall()
        column, literal = (row[1].partition("(")[0] for row in described)
        if column != literal:
            message = f"No matching signature for operator >= for argument types: {column}, {kind}"
            raise RefusedError(400, "invalidQuery", message)
        comparison.set("expression", typed)
