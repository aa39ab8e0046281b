"""Open cases that get no decision, each with the reason: the table `unscored`, and a file.

The contract has set a case aside, or the project's `transform.py` leaves it out.
"""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence

from fourhats_runtime.contract import Contract
from fourhats_runtime.data.quality import cases_set_aside, valid_rows
from fourhats_runtime.data.sql import literal, quote
from fourhats_runtime.data.transform import FILE, takes_all
from fourhats_runtime.data.warehouse import Connection, require, values, write
from fourhats_runtime.project import Project
from fourhats_runtime.spreadsheets import as_cell

COLUMNS = ("source", "row", "id", "reason")
LEFT_OUT = f"left out by {FILE}"


def list_unscored(connection: Connection, project: Project) -> tuple[dict[str, int], bytes]:
    """Write the table `unscored` anew: a row a case.

    Returns how many cases there are of each reason, the most frequent first, and all of them as
    CSV.

    Raises:
        ProjectError: the rows were not validated yet.

    """
    require(connection, "quarantine", "validate")
    contract = project.contract
    aside = cases_set_aside(connection, contract)
    query = f"SELECT _source, _row, id, reasons AS reason FROM ({aside}) AS aside WHERE is_open"
    if not takes_all(project):
        query += f" UNION ALL {_left_out(connection, project, contract)}"
    write(connection, "unscored", query)
    found = values(connection, "SELECT * FROM unscored ORDER BY _source, _row")
    return dict(Counter(found["reason"]).most_common()), as_csv(found)


def as_csv(listed: Mapping[str, Sequence[object]]) -> bytes:
    """Write the columns of the list as CSV, in which no text is a spreadsheet's formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(map(as_cell, row) for row in zip(*listed.values(), strict=True))
    return text.getvalue().encode()


def _left_out(connection: Connection, project: Project, contract: Contract) -> str:
    """Give the SQL of valid open cases of which no row is in `clean`."""
    key = contract.id and quote(contract.id.name)

    def case(table: str) -> str:
        row = f"{table}._source || '-' || CAST({table}._row AS VARCHAR)"
        return f"coalesce(CAST({table}.{key} AS VARCHAR), {row})" if key else row

    named = f"valid.{key}" if key else "NULL"
    return (
        f"SELECT valid._source, valid._row, CAST({named} AS VARCHAR) AS id, "
        f"{literal(LEFT_OUT)} AS reason "
        f"FROM ({valid_rows(connection, contract, project.checks)}) AS valid "
        f"LEFT JOIN clean ON {case('valid')} = {case('clean')} "
        f"WHERE valid.{quote(contract.target.name)} IS NULL AND clean._row IS NULL"
    )
