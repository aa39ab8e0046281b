"""What `make pins` writes of images: what a registry says, checked, and all of it or nothing."""

from __future__ import annotations

import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from pins.images import INDEXES, main
from tests.services.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLD = f"sha256:{'0' * 64}"
MANIFESTS = {
    "/v2/library/redis/manifests/8.2-alpine": (INDEXES[0], b'{"schemaVersion": 2}'),
    "/v2/apache/kafka/manifests/4.1.1": (INDEXES[1], b'{"schemaVersion": 2, "manifests": []}'),
    "/v2/library/alone/manifests/1": ("application/vnd.oci.image.manifest.v1+json", b"{}"),
    "/v2/library/wrong/manifests/1": (INDEXES[0], b"{}"),
    "/v2/library/broken/manifests/1": (INDEXES[0], b""),
}


class Registry(BaseHTTPRequestHandler):
    """Answers as the protocol has it (OCI distribution, and the token of Docker's registry)."""

    def do_GET(self) -> None:  # noqa: D102
        address = urlsplit(self.path)
        name = address.path.removeprefix("/v2/").partition("/manifests/")[0]
        scope = f"repository:{name}:pull"
        if address.path == "/token":
            asked = parse_qs(address.query)
            assert asked.pop("service") == ["registry.test"]
            self.answer(200, json.dumps({"token": f"for {asked.pop('scope')[0]}"}).encode())
            assert not asked
        elif self.headers.get("Authorization") != f"Bearer for {scope}":
            realm = f"http://127.0.0.1:{self.server.server_port}/token"  # type: ignore[attr-defined]
            challenge = f'Bearer realm="{realm}",service="registry.test",scope="{scope}"'
            self.answer(401, b"{}", **{"WWW-Authenticate": challenge})
        elif address.path not in MANIFESTS:
            self.answer(404, b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}')
        elif name == "library/broken":
            self.answer(500, b"")
        else:
            kind, body = MANIFESTS[address.path]
            digest = OLD if name == "library/wrong" else digest_of(body)
            assert set(INDEXES) <= set(self.headers["Accept"].split(", "))
            self.answer(200, body, **{"Content-Type": kind, "Docker-Content-Digest": digest})

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        """Send an answer."""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def digest_of(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    """A registry on this machine."""
    with serving() as address:
        yield address


@contextmanager
def serving() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def home(folder: Path, *images: str) -> Path:
    """Write a file of images like the template's."""
    lines = [f'  "image-{number}": "{image}",' for number, image in enumerate(images)]
    file = folder / "images.jinja"
    file.write_text("\n".join(["{% set images = {", *lines, "} %}"]) + "\n")
    return file


def test_every_image_gets_the_digest_of_what_is_behind_its_tag(
    registry: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    redis, kafka = (digest_of(body) for _, body in list(MANIFESTS.values())[:2])
    file = home(tmp_path, f"redis:8.2-alpine@{OLD}", "apache/kafka:4.1.1")
    main(["--registry", registry, "--file", str(file)])
    assert f'"image-0": "redis:8.2-alpine@{redis}"' in file.read_text()
    assert f'"image-1": "apache/kafka:4.1.1@{kafka}"' in file.read_text()
    assert capsys.readouterr().out == "images.jinja: 2 images, 2 renewed\n"
    main(["--registry", registry, "--file", str(file)])
    assert capsys.readouterr().out == "images.jinja: 2 images, 0 renewed\n"


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("redis:9.9", "has no redis:9.9"),
        ("alone:1", "one platform only"),
        ("wrong:1", f"announced with {OLD}"),
        ("broken:1", "answered 500"),
    ],
)
def test_where_one_image_cannot_be_had_nothing_is_written(
    registry: str, tmp_path: Path, image: str, said: str
) -> None:
    refused(registry, tmp_path, image, said)


def test_a_registry_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    refused(address, tmp_path, "redis:9.9", f"{address} was asked for redis:8.2-alpine: ")


def refused(registry: str, folder: Path, image: str, said: str) -> None:
    """See one line said, and the file as it was: also of the image that could be had."""
    file = home(folder, f"redis:8.2-alpine@{OLD}", f"{image}@{OLD}")
    before = file.read_text()
    with pytest.raises(SystemExit) as ended:
        main(["--registry", registry, "--file", str(file)])
    line = str(ended.value)
    assert line.startswith("pins: ")
    assert said in line
    assert "\n" not in line
    assert file.read_text() == before
