"""Whatever is sent, none of it is a fault of the service: no answer is a 5xx.

`FUZZ_CASES` says how many requests are drawn (`make nightly`: 5,000), `FUZZ_SEED` from which on.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import pytest
from fastapi.testclient import TestClient
from fourhats_runtime.serve import create_app, keys
from pydantic import BaseModel

from tests.runtime.configured import configured
from tests.runtime.handmade import EXAMPLE_OF_EVERY_KIND, of_every_kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from fourhats_runtime import Project
    from fourhats_runtime.serve.app import Service

CASES = int(os.environ.get("FUZZ_CASES", "500"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
KEY, DIGEST = keys.make()
POSTED = ("/predict", "/explain", "/outcomes", "/", "/file", "/notes")
SHOWN = ("/", "/health", "/ready", "/metrics", "/docs", "/openapi.json", "/monitor", "/notes/1")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
DEEP = 20_000
LONG = 140_000
"""Longer than Python's csv takes a cell to be."""
TEXTS = (
    *("", " ", "NA", "nan", "-", "inf", "-Infinity", "1e39", "-1e39", "1e400", "1_000", "0x1F"),
    *("1.234,50 €", "-5", "\u22125", "(5)", "12,", ",", "1.2.3.4", "٣", "½", "true", "yes", "None"),
    *("2026-01-31", "31.01.2026", "99.99.9999", "0001-01-01T00:00+14:00", "2026-W01-1", "24:00"),
    *("9999-12-31T23:59:59-14:00", "=1+1", "@SUM(A1)", "+1", "\t=1", "\r=1", "\n", "\x00", "\x7f"),
    *("é" * 300, "\u202e", "\ufeff", "\ufffe", "😀", "'; DROP TABLE x; --", "<script>", "{{7*7}}"),
    *("${jndi:ldap://x}", "../../etc/passwd", "%00", "%ff", "a" * LONG, "9" * LONG, " " * LONG),
    *(f"-{' ' * LONG}x", f"1{'.11' * 9_000}", "1" * 400, f"{'1,' * 500}1"),
)
TOKENS = (
    *("null", "true", "false", "0", "-0", "-0.0", "1e39", "-1e39", "3.4e38", "1e400", "-1e400"),
    *("NaN", "Infinity", "-Infinity", "1.5", "1e-400", "9" * 400, "9" * 5_000, str(2**53 + 1)),
    *(str(2**63), str(2**64), str(-(2**63) - 1), "01", "1.", ".5", "+1", "0x1", "[]", "{}", '""'),
    *('"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\ud83d\\ude00"', '"\\x"', '"a', "'a'"),
    *("[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP, "[" * DEEP, "[[]]", "undefined"),
)
"""Raw values of JSON, and what is none."""
NAMES = (*EXAMPLE_OF_EVERY_KIND, "customer", "household")
SOURCES = ("Customer", "Household", "Signed on", "Fee", "Seats", "Active?", "Plan", "Comment")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "utf-7")
TYPES = (
    *(b"", b"application/json", b"text/csv", b"text/plain; charset=utf-16", b"\xff/\x00", b";;=;"),
    *(b"application/x-www-form-urlencoded", b"multipart/form-data", b"multipart/form-data;"),
    *(b"multipart/form-data; boundary=", b"multipart/form-data; boundary=\xff\xfe"),
    *(b"multipart/form-data; boundary*=utf-99''x", b'multipart/form-data; boundary="a'),
    *(b"multipart/form-data-not; boundary=x", b"multipart/mixed; boundary=x", b"MULTIPART/FORM"),
    *(b"application/octet-stream", b"multipart/form-data; boundary=" + b"b" * 5_000),
)


@dataclass
class Request:
    """What is sent."""

    method: str
    path: str
    body: bytes = b""
    query: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


class Note(BaseModel):
    """What a route of one's own takes."""

    amount: float
    count: int
    text: str = ""


@pytest.fixture
def service(fresh: Project) -> Service:
    """Give a service of every kind of column, with keys, and with routes of one's own."""
    app = create_app(configured(of_every_kind(fresh), DIGEST))

    @app.post("/notes")
    def take(note: Note) -> dict[str, int]:
        return {"length": len(note.text)}

    @app.get("/notes/{number}")
    def give(number: int, of: float = 0.0, named: str = "") -> dict[str, str]:
        return {"named": f"{named} {number} {of}"}

    return app  # type: ignore[return-value]


def test_no_request_is_answered_by_a_fault_of_the_service(service: Service) -> None:
    async def ask_all() -> dict[int, tuple[int, str, str]]:
        return {seed: await ask(service, drawn(seed)) for seed in range(SEED, SEED + CASES)}

    with TestClient(service) as client:
        assert client.portal is not None
        found = client.portal.call(ask_all)
        fine = client.post("/predict", json=[record()], headers={"x-api-key": KEY})
    assert fine.status_code == 200, fine.text
    assert {seed: answer for seed, answer in found.items() if answer[0] >= 500} == {}
    statuses = {status for status, _, _ in found.values()}
    assert {200, 401, 405, 422} <= statuses, statuses
    answered = {path for status, _, path in found.values() if status == 200}
    assert {"/predict", "/explain", "/outcomes", "/", "/file"} <= answered, answered


def record() -> dict[str, Any]:
    """Give a record that is fine."""
    return {**EXAMPLE_OF_EVERY_KIND, "customer": "C-1", "household": 7}


def drawn(seed: int) -> Request:
    """Draw a request; the same seed is the same one."""
    random = Random(seed)
    if random.random() < 0.15:
        return Request(
            random.choice(METHODS),
            random.choice((*SHOWN, *POSTED, "/notes/inf", "/\x00", "/é", "//", "/file/../")),
            b"" if random.random() < 0.5 else text(random),
            query=random.choice((b"", b"of=inf&named=%ff", b"of=1e400", b"a=%", b"\xff=\xff")),
            headers=headers(random),
        )
    path = random.choice(POSTED)
    kinds: dict[str, Callable[[Random], tuple[bytes, bytes]]] = {
        "/outcomes": outcomes,
        "/": form,
        "/file": upload,
        "/notes": note,
    }
    body, content_type = kinds.get(path, records)(random)
    if random.random() < 0.3:
        body = damaged(random, body)
    if random.random() < 0.1:
        content_type = random.choice(TYPES)
    sent = [(b"content-type", content_type), *headers(random)]
    return Request("POST", path, body, headers=sent)


def headers(random: Random) -> list[tuple[bytes, bytes]]:
    """Draw headers: mostly the right key, at times what nobody sends."""
    found = [(b"x-api-key", KEY.encode())] if random.random() < 0.95 else []
    odd = (
        *((b"x-request-id", value) for value in (b"mine", b"\xff", b"", b"a" * 5_000)),
        *((b"x-trial", value) for value in (b"true", b"false", b"", b"TRUE", b"\xff")),
        *((b"origin", value) for value in (b"null", b"http://\xff", b"https://[::1")),
        *((b"sec-fetch-site", value) for value in (b"same-origin", b"\xff")),
        *((b"authorization", value) for value in (b"Basic \xff", b"Bearer \xff.\x00.", b"Basic")),
        *((b"cookie", value) for value in (b"\xff=\xff", b"a=b; " * 500)),
        *((b"accept", value) for value in (b"text/html", b"\xff")),
        *((b"range", value) for value in (b"bytes=0-", b"bytes=9-1,\xff")),
        *((b"content-encoding", value) for value in (b"gzip", b"\xff")),
        *((b"x-forwarded-for", value) for value in (b"1.2.3.4", b"\xff")),
    )
    return found + random.sample(odd, random.choice((0, 0, 0, 1, 3)))


def records(random: Random) -> tuple[bytes, bytes]:
    """Draw a list of records."""
    made = [odd_object(random, record(), NAMES) for _ in range(random.choice((1, 1, 2, 3)))]
    return as_list(random, made), b"application/json"


def outcomes(random: Random) -> tuple[bytes, bytes]:
    """Draw a list of outcomes."""
    fine = {"prediction_id": "abc-0", "actual": random.choice(("yes", "no"))}
    made = [odd_object(random, fine, tuple(fine)) for _ in range(random.choice((1, 1, 2)))]
    return as_list(random, made), b"application/json"


def note(random: Random) -> tuple[bytes, bytes]:
    """Draw what a route of one's own takes."""
    fine = {"amount": 1.5, "count": 1, "text": "a"}
    return odd_object(random, fine, tuple(fine)), b"application/json"


def odd_object(random: Random, fine: dict[str, Any], names: tuple[str, ...]) -> bytes:
    """Write an object as JSON, of which some values are odd ones."""
    tokens = {name: json.dumps(value) for name, value in fine.items()}
    for name in random.sample(names, random.choice((0, 0, 1, 1, 2))):
        token = random.choice(TOKENS) if random.random() < 0.6 else json.dumps(odd_text(random))
        tokens[name] = token
    if random.random() < 0.05:
        tokens[odd_text(random)[:200]] = "1"
    if random.random() < 0.05:
        tokens.pop(random.choice(names), None)
    pairs = [f"{json.dumps(name)}: {token}" for name, token in tokens.items()]
    if random.random() < 0.05:
        pairs.append(pairs[0])
    return f"{{{', '.join(pairs)}}}".encode()


def as_list(random: Random, objects: list[bytes]) -> bytes:
    """Put objects into a list, or into what is none."""
    whole = b"[" + b",".join(objects) + b"]"
    odd = (objects[0], b"[" + whole + b"]", b"[]", b"[1]", b"null", b"", b"[" + objects[0] * 2)
    return whole if random.random() < 0.9 else random.choice(odd)


def form(random: Random) -> tuple[bytes, bytes]:
    """Draw what the page's form sends."""
    fine = {name: str(value) for name, value in EXAMPLE_OF_EVERY_KIND.items()}
    for name in random.sample(NAMES, random.choice((0, 0, 1, 2))):
        fine[name] = odd_text(random)
    pairs = [f"{name}={quote_plus(value)}".encode() for name, value in fine.items()]
    if random.random() < 0.2:
        pairs.append(random.choice((b"=", b"&&;", b"fee", b"%ff=%ff", b"plan=%C3%28", b"a" * 9)))
    if random.random() < 0.02:
        pairs += [b"a=1"] * 1_001
    return b"&".join(pairs), b"application/x-www-form-urlencoded"


def upload(random: Random) -> tuple[bytes, bytes]:
    """Draw a form with a file in it."""
    named = random.choice((b'"a.csv"', b'"\xff"', b'"../a"', b'"a\\"b"', b"a", b'""', b'"\x00"'))
    lines = [b'content-disposition: form-data; name="file"; filename=' + named]
    if random.random() < 0.2:
        encoding = random.choice((b"base64", b"quoted-printable", b"8bit", b"strange", b"\xff"))
        lines.append(b"content-transfer-encoding: " + encoding)
    if random.random() < 0.1:
        lines[0] = random.choice((b"", b"content-disposition: \xff", b"a", b": b", lines[0] * 300))
    part = b"\r\n".join(lines) + b"\r\n\r\n" + table(random)
    boundary = random.choice((b"x", b"x", b"x", b"a b", b"'()+_,-./:=?"))
    times = random.choice((1, 1, 1, 1, 0, 2, 50))
    parts = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for _ in range(times))
    end = random.choice((b"--\r\n", b"--\r\n", b"--", b"", b"\r\n"))
    content_type = b'multipart/form-data; boundary="' + boundary + b'"'
    return parts + b"--" + boundary + end, content_type


def table(random: Random) -> bytes:
    """Draw a file of rows."""
    separator = random.choice(",,;\t|")
    header = list(random.choice((SOURCES, SOURCES, NAMES)))
    fine = dict(
        zip(SOURCES, ("C-1", "7", "05.01.2026", "12,50 €", "3", "1", "NA", ""), strict=True)
    )
    by_name = [*EXAMPLE_OF_EVERY_KIND.values(), "C-1", "7"]
    rows = []
    for _ in range(random.choice((0, 1, 1, 2, 40))):
        values = list(fine.values()) if header[0] == "Customer" else list(map(str, by_name))
        if random.random() < 0.3:
            values[random.randrange(len(values))] = odd_text(random)
        rows.append(values)
    if random.random() < 0.1:
        header[random.randrange(len(header))] = odd_text(random)
    if random.random() < 0.05:
        rows.append(["1"] * random.choice((1, 9, 5_000)))
    quoted = random.random() < 0.8
    lines = [separator.join(cell(value) if quoted else value for value in row) for row in rows]
    end = random.choice(("\n", "\n", "\r\n", "\r", "\n\n", "\x0b", "\x85"))
    content = end.join([separator.join(map(cell, header)), *lines]) + random.choice(("", end))
    encoding = random.choice(ENCODINGS) if random.random() < 0.2 else "utf-8"
    if random.random() < 0.03:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("a.csv", content.encode())
        return packed.getvalue()
    return content.encode(encoding, errors="replace")


def cell(value: str) -> str:
    """Quote a value as CSV has it."""
    return '"' + value.replace('"', '""') + '"'


def damaged(random: Random, body: bytes) -> bytes:
    """Spoil a body somewhere."""
    place = random.randrange(len(body) + 1)
    put = random.choice((b"\xff", b"\xc3(", b"\xed\xa0\x80", b"\x00", b'"', b"\r\n", b"\xf8", b""))
    if random.random() < 0.1:
        return random.choice((body[:place], body[place:], body * 2, random.randbytes(200)))
    return body[:place] + put + body[place + random.choice((0, 1)) :]


def text(random: Random) -> bytes:
    """Draw a short body of any kind."""
    return random.choice((b"", b"{}", b"\xff", random.randbytes(50)))


def odd_text(random: Random) -> str:
    """Draw a text that few fields can hold."""
    return random.choice(TEXTS)


async def ask(service: Service, request: Request) -> tuple[int, str, str]:
    """Ask as a server would; gives the status, what was answered, and the path."""
    messages: list[dict[str, Any]] = []
    waiting = [{"type": "http.request", "body": request.body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: Any) -> None:  # noqa: ANN401 (ASGI's)
        messages.append(dict(message))

    length = [(b"content-length", b"%d" % len(request.body))] if request.body else []
    scope = {
        "type": "http",
        "http_version": "1.1",
        "asgi": {"version": "3.0"},
        "method": request.method,
        "scheme": "http",
        "path": request.path,
        "raw_path": request.path.encode(),
        "root_path": "",
        "query_string": request.query,
        "headers": [(b"host", b"testserver"), *length, *request.headers],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8_000),
    }
    await service(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in messages)
    return messages[0]["status"], body[:300].decode(errors="replace"), request.path
