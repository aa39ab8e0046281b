"""The part of BigQuery's REST API that its client calls; uvicorn runs it elsewhere.

A dataset is a schema of one DuckDB. What BigQuery would refuse is refused with its words.
"""

import base64
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.services.bigquery_loads import LOADS, job_of, take
from tests.services.bigquery_sql import (
    DATABASE,
    PROJECT,
    RESULTS,
    SENT,
    Answer,
    RefusedError,
    columns,
    dataset_exists,
    run,
)

SECRETS = json.loads(os.environ["STAND_IN_SECRETS"])
PUBLIC_KEY = serialization.load_pem_public_key(Path(SECRETS["public_key"]).read_bytes())
TOKEN, LARGEST_PAGE = "access-of-an-hour", 500
FAULTS: list[int] = []


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
    dataset = asked.get("defaultDataset", {}).get("datasetId")
    answer = run(asked["query"], asked.get("queryParameters", []), dataset)
    return JSONResponse(_page(answer, 0, asked.get("maxResults")))


async def insert(request: Request) -> Response:
    """jobs.insert: here only to tell the columns."""
    asked = _allowed(request, await request.body())["configuration"]
    assert asked["dryRun"]
    answer = run(asked["query"]["query"])
    statistics = {"query": {"schema": answer["schema"], "statementType": "SELECT"}}
    job = {"configuration": asked, "statistics": statistics, "status": {"state": "DONE"}}
    return JSONResponse({**job, "jobReference": {"projectId": PROJECT, "location": "EU"}})


async def job(request: Request) -> Response:
    """jobs.get."""
    _allowed(request)
    name = request.path_params["job"]
    if name in LOADS:
        return JSONResponse(LOADS[name])
    reference = {"jobReference": RESULTS[name]["jobReference"]}
    return JSONResponse({**reference, "status": {"state": "DONE"}, "statistics": {"query": {}}})


async def results(request: Request) -> Response:
    """jobs.getQueryResults: a page."""
    _allowed(request)
    rows = RESULTS[request.path_params["job"]]
    start = request.query_params.get("pageToken", request.query_params.get("startIndex", "0"))
    return JSONResponse(_page(rows, int(start), request.query_params.get("maxResults")))


async def upload(request: Request) -> Response:
    """jobs.insert with a file that comes in parts: the job, and where to send them."""
    asked = _allowed(request, await request.body())
    assert request.query_params["uploadType"] == "resumable"
    return Response(headers={"Location": f"{request.url}&upload_id={job_of(asked)}"})


async def part(request: Request) -> Response:
    """Take a part of the file, and do the job after the last."""
    _allowed(request)
    body, place = await request.body(), request.headers["Content-Range"]
    job = take(request.query_params["upload_id"], body, whole=not place.endswith("/*"))
    if job is None:
        last = place.removeprefix("bytes ").partition("/")[0].partition("-")[2]
        return Response(status_code=308, headers={"Range": f"bytes=0-{last}"})
    return JSONResponse(job)


async def dataset(request: Request) -> Response:
    """datasets.get."""
    _allowed(request)
    name = request.path_params["dataset"]
    if not dataset_exists(name):
        raise RefusedError(404, "notFound", f"Not found: Dataset {PROJECT}:{name}")
    return JSONResponse({"datasetReference": {"projectId": PROJECT, "datasetId": name}})


async def make_dataset(request: Request) -> Response:
    """datasets.insert."""
    asked = _allowed(request, await request.body())
    name = asked["datasetReference"]["datasetId"]
    if dataset_exists(name):
        raise RefusedError(409, "duplicate", f"Already Exists: Dataset {PROJECT}:{name}")
    DATABASE.execute(f'CREATE SCHEMA "{name}"')
    return JSONResponse(asked)


async def table(request: Request) -> Response:
    """tables.get: its columns."""
    _allowed(request)
    dataset, name = request.path_params["dataset"], request.path_params["table"]
    reference = {"projectId": PROJECT, "datasetId": dataset, "tableId": name}
    return JSONResponse({"tableReference": reference, "schema": {"fields": columns(dataset, name)}})


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


def _page(answer: Answer, start: int, wanted: str | int | None) -> Answer:
    size = min(LARGEST_PAGE, LARGEST_PAGE if wanted is None else int(wanted))
    if "schema" not in answer:  # it was no query
        return {**answer, "jobComplete": True}
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
        Route(f"/upload{V2}/jobs", upload, methods=["POST"]),
        Route(f"/upload{V2}/jobs", part, methods=["PUT"]),
        Route(f"{V2}/datasets", make_dataset, methods=["POST"]),
        Route(f"{V2}/datasets/{{dataset}}", dataset),
        Route(f"{V2}/datasets/{{dataset}}/tables/{{table}}", table),
        Route("/sql", sql, methods=["POST"]),
        Route("/faults", faults, methods=["POST"]),
        Route("/sent", sent),
    ],
    exception_handlers={RefusedError: refuse},
)
