"""Clients that offer another protocol by default are answered: Java's, and curl with --http2."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fourhats_runtime import Project
from fourhats_runtime.serve import create_app

from tests.runtime.handmade import EXAMPLE
from tests.runtime.serve.served import Served, served
from tests.services.availability import unavailable

JAVA = """
import java.net.URI;
import java.net.http.*;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;

public class Ask {
    public static void main(String[] words) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        for (String path : new String[] {"/predict", "/health", "/explain", "/health"}) {
            var ask = HttpRequest.newBuilder(URI.create(words[0] + path))
                .header("X-Request-Id", path.substring(1));
            if (!path.equals("/health")) ask.POST(BodyPublishers.ofFile(Path.of(words[1])));
            var answer = client.send(ask.build(), BodyHandlers.ofString());
            System.out.println(answer.statusCode()
                + " " + answer.headers().firstValue("X-Request-Id").get());
        }
    }
}
"""


@pytest.fixture
def api(made: Project) -> Iterator[Served]:
    with served(create_app(made)) as found:
        yield found


@pytest.fixture(params=[1, 100])
def body(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Give a file with the body of a request, which fits into one segment or does not."""
    path = tmp_path / "body.json"
    path.write_text(json.dumps([EXAMPLE] * request.param), encoding="utf-8")
    return path


def said_by(*command: object) -> str:
    program = str(command[0])
    if shutil.which(program) is None:
        unavailable(RuntimeError(f"there is no {program} here"))
    return subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=True, timeout=300
    ).stdout


def test_javas_client_is_answered_in_step(api: Served, body: Path, tmp_path: Path) -> None:
    source = tmp_path / "Ask.java"
    source.write_text(JAVA, encoding="utf-8")
    said = said_by("java", source, f"http://localhost:{api.port}", body)
    assert said.splitlines() == ["200 predict", "200 health", "200 explain", "200 health"]


def test_curl_is_answered_in_step(api: Served, body: Path) -> None:
    url = f"http://localhost:{api.port}"
    sent = ["--data", f"@{body}", f"{url}/predict", "--next"]
    chunked = ["--header", "Transfer-Encoding: chunked", *sent]
    words = ["--http2", "--silent", "--write-out", " %{http_code}\n"]
    said = said_by("curl", *words, *sent, *words, *chunked, *words, f"{url}/health")
    assert [line[-3:] for line in said.splitlines()] == ["200"] * 3
