"""The part of BigQuery's REST API that its client calls, on DuckDB; uvicorn runs it elsewhere.

A query is read in BigQuery's dialect; what BigQuery would refuse is refused with its words.
"""

import base64
import json
import os
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import duckdb
import sqlglot
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from sqlglot import exp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.services.bigquery_values import cell, field

SECRETS = json.loads(os.environ["STAND_IN_SECRETS"])
PUBLIC_KEY = serialization.load_pem_public_key(Path(SECRETS["public_key"]).read_bytes())
PROJECT, TOKEN, LARGEST_PAGE = "acme", "access-of-an-hour", 500
DATABASE = duckdb.connect()
DATABASE.execute("SET TimeZone = 'UTC'")
NUMBERS = count(1)
SENT: list[str] = []
FAULTS: list[int] = []
RESULTS: dict[str, dict[str, Any]] = {}
Answer = dict[str, Any]


class RefusedError(Exception):
    """What the service answers in place of rows."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        """Take the status, and what it is called."""
        super().__init__(message)
        told = {"message": message, "domain": "global", "reason": reason}
        self.status = status
        self.answer = {"error": {"code": status, "message": message, "errors": [told]}}


async def token(request: Request) -> Response:
    """Give a token for an assertion that the service account's key signed."""
    form = parse_qs((await request.body()).decode())
    content, _, signature = form["assertion"][0].rpartition(".")
    assert isinstance(PUBLIC_KEY, rsa.RSAPublicKey)
    try:
        PUBLIC_KEY.verify(
            base64.urlsafe_b64decode(signature + "=="),
            content.encode(),
            padding.PKCS1v15(),
            hashes.SHA256(),
        )
    except InvalidSignature:
        error = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
        return JSONResponse(error, 400)
    return JSONResponse({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})


async def query(request: Request) -> Response:
    """jobs.query: the first page, or the refusal."""
    asked = _allowed(request, await request.body())
    answer = _run(asked["query"], asked.get("queryParameters", []))
    return JSONResponse(_page(answer, 0, asked.get("maxResults")))


async def insert(request: Request) -> Response:
    """jobs.insert: here only to tell the columns."""
    asked = _allowed(request, await request.body())["configuration"]
    assert asked["dryRun"]
    answer = _run(asked["query"]["query"], [])
    statistics = {"query": {"schema": answer["schema"], "statementType": "SELECT"}}
    job = {"configuration": asked, "statistics": statistics, "status": {"state": "DONE"}}
    return JSONResponse({**job, "jobReference": {"projectId": PROJECT, "location": "EU"}})


async def job(request: Request) -> Response:
    """jobs.get."""
    _allowed(request)
    reference = {"jobReference": RESULTS[request.path_params["job"]]["jobReference"]}
    return JSONResponse({**reference, "status": {"state": "DONE"}, "statistics": {"query": {}}})


async def results(request: Request) -> Response:
    """jobs.getQueryResults: a page."""
    _allowed(request)
    rows = RESULTS[request.path_params["job"]]
    start = request.query_params.get("pageToken", request.query_params.get("startIndex", "0"))
    return JSONResponse(_page(rows, int(start), request.query_params.get("maxResults")))


async def sql(request: Request) -> Response:
    """Run statements of the test's own."""
    DATABASE.execute((await request.body()).decode())
    return Response()


async def faults(request: Request) -> Response:
    """Answer the next requests with these statuses."""
    FAULTS[:] = json.loads(await request.body())
    return Response()


async def sent(_: Request) -> Response:
    """Give the queries that came."""
    return JSONResponse(SENT)


async def refuse(_: Request, error: Exception) -> Response:
    """Answer in the service's own form."""
    assert isinstance(error, RefusedError)
    return JSONResponse(error.answer, error.status)


def _allowed(request: Request, body: bytes = b"null") -> Any:  # noqa: ANN401 - it is JSON
    if FAULTS:
        raise RefusedError(FAULTS.pop(0), "backendError", "Try again later.")
    if request.headers.get("Authorization") != f"Bearer {TOKEN}":
        raise RefusedError(401, "authError", "Invalid Credentials")
    if (project := request.path_params["project"]) != PROJECT:
        message = f"Access Denied: Project {project}: User does not have bigquery.jobs.create"
        raise RefusedError(403, "accessDenied", message)
    return json.loads(body)


def _run(text: str, parameters: list[Answer]) -> Answer:
    SENT.append(text)
    try:
        tree = sqlglot.parse_one(text, read="bigquery")
    except sqlglot.errors.ParseError as error:
        reason = str(error).splitlines()[0]
        raise RefusedError(400, "invalidQuery", f"Syntax error: {reason}") from None
    reference = {"projectId": PROJECT, "jobId": f"job-{next(NUMBERS)}", "location": "EU"}
    if not isinstance(tree, exp.Query):
        return {"jobReference": reference, "schema": {}, "rows": []}
    try:
        _bind(tree, parameters)
        found = DATABASE.execute(tree.sql(dialect="duckdb"))
        fields = [field(column[0], str(column[1])) for column in found.description]
        values = [{"f": [{"v": cell(value)} for value in row]} for row in found.fetchall()]
    except duckdb.CatalogException as error:
        message = f"Not found: Table {str(error).splitlines()[0]}"
        raise RefusedError(404, "notFound", message) from None
    except duckdb.Error as error:
        raise RefusedError(400, "invalidQuery", str(error).splitlines()[0]) from None
    answer = {"jobReference": reference, "schema": {"fields": fields}, "rows": values}
    RESULTS[reference["jobId"]] = answer
    return answer


def _bind(tree: exp.Query, parameters: list[Answer]) -> None:
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


def _page(answer: Answer, start: int, wanted: str | int | None) -> Answer:
    size = min(LARGEST_PAGE, LARGEST_PAGE if wanted is None else int(wanted))
    rows = answer["rows"]
    page = {**answer, "jobComplete": True, "totalRows": str(len(rows))}
    page["rows"] = rows[start : start + size]
    if start + size < len(rows):
        page["pageToken"] = str(start + size)
    return page


V2 = "/bigquery/v2/projects/{project}"
app = Starlette(
    routes=[
        Route("/token", token, methods=["POST"]),
        Route(f"{V2}/queries", query, methods=["POST"]),
        Route(f"{V2}/queries/{{job}}", results),
        Route(f"{V2}/jobs", insert, methods=["POST"]),
        Route(f"{V2}/jobs/{{job}}", job),
        Route("/sql", sql, methods=["POST"]),
        Route("/faults", faults, methods=["POST"]),
        Route("/sent", sent),
    ],
    exception_handlers={RefusedError: refuse},
)
