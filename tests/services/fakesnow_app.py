"""fakesnow behind a door that asks who comes; uvicorn runs it, in an environment of its own.

fakesnow lets everyone in, and its answers lack what the connector asks for from version 5 on.
"""

import base64
import gzip
import json
import os
from pathlib import Path
from typing import Any

import fakesnow.arrow
import pyarrow as pa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.server import app, login_request, query_request, shared_fs
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.services.fakesnow_gaps import upload

SECRETS = json.loads(os.environ["STAND_IN_SECRETS"])
PUBLIC_KEY = serialization.load_pem_public_key(Path(SECRETS["public_key"]).read_bytes())
SENT: list[str] = []
# Of what is not SQL, and of what is not there; what is wrong stands in the second line.
SQL_ERRORS = {"001003", "002003"}
SESSION = {
    "masterToken": "master",
    "sessionId": 17,
    "validityInSeconds": 3600,
    "masterValidityInSeconds": 14400,
}


async def login(request: Request) -> Response:
    """Let in whom one of the three secrets stands for."""
    asked = (await _body(request))["data"]
    if asked["LOGIN_NAME"] != SECRETS["user"] or not _known(asked):
        refusal = "Incorrect username or password was specified."
        return JSONResponse({"success": False, "code": "390100", "message": refusal, "data": {}})
    answer = json.loads(bytes((await login_request(request)).body))
    answer["data"] |= SESSION
    return JSONResponse(answer)


async def query(request: Request) -> Response:
    """Note the statement down, and have fakesnow run it."""
    statement = (await _body(request))["sqlText"]
    SENT.append(statement)
    answer: Response = await query_request(request)
    said = json.loads(bytes(answer.body))
    if said.get("code") in SQL_ERRORS:
        return JSONResponse(said | {"message": f"SQL compilation error:\n{said['message']}"})
    if "stageInfo" not in (said["data"] or {}):
        return answer
    return JSONResponse(said | {"data": upload(said["data"], statement)})


async def sent(_: Request) -> Response:
    """Give the statements that came."""
    return JSONResponse(SENT)


async def _body(request: Request) -> dict[str, Any]:
    body = await request.body()
    if request.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    return dict(json.loads(body))


def _known(asked: dict[str, Any]) -> bool:
    kind = asked.get("AUTHENTICATOR", "")
    if kind == "SNOWFLAKE_JWT":
        return _signed(asked["TOKEN"])
    if kind == "PROGRAMMATIC_ACCESS_TOKEN":
        return bool(asked["TOKEN"] == SECRETS["token"])
    return bool(asked.get("PASSWORD") == SECRETS["password"])


def _signed(token: str) -> bool:
    content, _, signature = token.rpartition(".")
    claims = json.loads(base64.urlsafe_b64decode(content.split(".")[1] + "=="))
    if not isinstance(PUBLIC_KEY, rsa.RSAPublicKey) or SECRETS["user"] not in claims["sub"].lower():
        return False
    try:
        PUBLIC_KEY.verify(
            base64.urlsafe_b64decode(signature + "=="),
            content.encode(),
            padding.PKCS1v15(),
            hashes.SHA256(),
        )
    except InvalidSignature:
        return False
    return True


def _execute(
    cursor: FakeSnowflakeCursor,
    statement: str,
    *words: Any,  # noqa: ANN401 - of any type
    **named: Any,  # noqa: ANN401 - of any type
) -> FakeSnowflakeCursor:
    """Run a statement; DuckDB's schema main, in which it is without another, counts as none."""
    statement = statement.replace("CURRENT_SCHEMA()", "NULLIF(CURRENT_SCHEMA(), 'main')")
    return execute(cursor, statement, *words, **named)


def _with_nulls(moments: pa.ChunkedArray | pa.Array) -> pa.StructArray:
    """Mark a missing moment as Snowflake does: as a whole, not in its parts."""
    if isinstance(moments, pa.ChunkedArray):
        moments = moments.combine_chunks()
    made = unmarked(moments.fill_null(pa.scalar(0, moments.type)))
    parts = [made.field(place) for place in range(made.type.num_fields)]
    return pa.StructArray.from_arrays(parts, fields=list(made.type), mask=moments.is_null())


# A database comes with one schema; another has to be made, and is asked for until it is.
shared_fs.connect("SHOP", "PUBLIC").close()
shared_fs.create_schema_on_connect = False
execute = FakeSnowflakeCursor.execute
FakeSnowflakeCursor.execute = _execute
unmarked = fakesnow.arrow.timestamp_to_sf_struct
fakesnow.arrow.timestamp_to_sf_struct = _with_nulls
app.router.routes[:0] = [
    Route("/session/v1/login-request", login, methods=["POST"]),
    Route("/queries/v1/query-request", query, methods=["POST"]),
    Route("/sent", sent),
]
