"""What a container has at Azure in place of a key: it asks who it is, and is let in for that.

Stands in for the identity endpoint of Container Apps and for a storage account that takes no key.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit
from xml.etree.ElementTree import Element, SubElement, tostring

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ACCOUNT = "churnstore"
CLIENT_ID = "5f0c2d8e-6a3b-4b57-9d0e-2f4c1a7b9e11"
HEADER = "only-the-container-knows"
TOKEN = "of-the-identity"  # noqa: S105 - of a stand-in


@dataclass
class Azure:
    """The two, at one address."""

    url: str
    blobs: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    """Each by its path, with the tag of its writing."""
    asked: list[str | None] = field(default_factory=list)
    """The client ids that tokens were asked for."""
    lock: Lock = field(default_factory=Lock)

    @property
    def container(self) -> dict[str, str]:
        """Say what a container there finds in its surroundings, and is told of the account."""
        return {
            "IDENTITY_ENDPOINT": f"{self.url}/msi/token",
            "IDENTITY_HEADER": HEADER,
            "AZURE_STORAGE_ACCOUNT": ACCOUNT,
            "AZURE_CLIENT_ID": CLIENT_ID,
            "STORAGE__ENDPOINT": self.url,
        }


@contextmanager
def azure() -> Iterator[Azure]:
    """Start both, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host, port = server.server_address[:2]
    server.azure = Azure(f"http://{host!s}:{port}")  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.azure  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    """Answers as the two would."""

    protocol_version = "HTTP/1.1"

    @property
    def azure(self) -> Azure:
        """The state of both."""
        return self.server.azure  # type: ignore[attr-defined,no-any-return]

    def do_GET(self) -> None:
        """Give a token, a blob, or the names of blobs."""
        parts = urlsplit(self.path)
        asked = parse_qs(parts.query)
        if parts.path == "/msi/token":
            self._give_token(asked)
        elif not self._let_in():
            return
        elif asked.get("comp") == ["list"]:
            (prefix,) = asked.get("prefix", [""])
            self._answer(HTTPStatus.OK, self._names(f"{parts.path}/", prefix))
        else:
            found = self.azure.blobs.get(parts.path)
            if found is None:
                self._answer(HTTPStatus.NOT_FOUND)
            else:
                self._answer(HTTPStatus.OK, *found)

    def do_PUT(self) -> None:
        """Take a blob, on the conditions that come with it."""
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._let_in():
            return
        with self.azure.lock:
            _, tag = self.azure.blobs.get(self.path, (b"", ""))
            wanted = self.headers.get("If-Match", tag)
            if wanted != tag or (tag and self.headers.get("If-None-Match") == "*"):
                self._answer(HTTPStatus.PRECONDITION_FAILED)
                return
            tag = f'"{time.monotonic_ns()}"'
            self.azure.blobs[self.path] = (content, tag)
        self._answer(HTTPStatus.CREATED, b"", tag)

    def do_DELETE(self) -> None:
        """Remove a blob."""
        if self._let_in():
            gone = self.azure.blobs.pop(self.path, None)
            self._answer(HTTPStatus.NOT_FOUND if gone is None else HTTPStatus.ACCEPTED)

    def _names(self, container: str, prefix: str) -> bytes:
        """List what begins so: https://learn.microsoft.com/rest/api/storageservices/list-blobs."""
        told = Element("EnumerationResults")
        blobs = SubElement(told, "Blobs")
        for path, (content, tag) in sorted(self.azure.blobs.items()):
            if path.startswith(container + prefix):
                blob = SubElement(blobs, "Blob")
                SubElement(blob, "Name").text = path.removeprefix(container)
                properties = SubElement(blob, "Properties")
                SubElement(properties, "Last-Modified").text = self.date_time_string()
                SubElement(properties, "Etag").text = tag
                SubElement(properties, "Content-Length").text = str(len(content))
                SubElement(properties, "Content-Type").text = "application/octet-stream"
        SubElement(told, "NextMarker")
        written: bytes = tostring(told, encoding="utf-8", xml_declaration=True)
        return written

    def _give_token(self, asked: Mapping[str, Sequence[str | None]]) -> None:
        (client_id,) = asked.get("client_id", [None])
        self.azure.asked.append(client_id)
        if self.headers.get("X-IDENTITY-HEADER") != HEADER:
            self._answer(HTTPStatus.UNAUTHORIZED)
        elif client_id != CLIENT_ID:  # there are several, or none by this name
            self._answer(HTTPStatus.BAD_REQUEST, b"Unable to load the proper Managed Identity.")
        else:
            expires = str(int(time.time()) + 3600)
            given = {"access_token": TOKEN, "expires_on": expires, "token_type": "Bearer"}
            self._answer(HTTPStatus.OK, json.dumps(given).encode())

    def _let_in(self) -> bool:
        known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if not known:
            self._answer(HTTPStatus.FORBIDDEN)
        return known

    def _answer(self, status: HTTPStatus, content: bytes = b"", tag: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Last-Modified", self.date_time_string())
        if tag:
            self.send_header("ETag", tag)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
