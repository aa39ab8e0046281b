"""A stand-in for ECS: moto, and before it what moto lacks, as it runs no container.

What comes is noted and handed on. A task that was started writes a line into the log of its
container, under the name that Fargate gives it, and has ended by the time that somebody asks, well
unless its command has to fail.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNED = (
    "AWS4-HMAC-SHA256 Credential=test/20260101/{region}/logs/aws4_request, "
    "SignedHeaders=host, Signature=0"
)
LOG_LINE = "the container's own words"


@dataclass
class Ecs:
    """Where it answers, what it was asked, and how containers end."""

    moto: str
    region: str
    log_group: str
    container: str
    log_prefix: str
    fails: str
    url: str = ""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def requests(self, action: str) -> list[dict[str, Any]]:
        """Give the bodies of all requests of a kind, such as RunTask."""
        return [body for name, body in self.asked if name == action]

    def answer(self, headers: dict[str, str], body: bytes) -> bytes:
        """Hand a request on, and add what a container would have done."""
        action = headers.get("X-Amz-Target", "").rpartition(".")[2]
        self.asked.append((action, json.loads(body or b"{}")))
        said = post(self.moto, headers, body)
        if action == "RunTask":
            for task in json.loads(said)["tasks"]:
                self.write_log(task["taskArn"].rpartition("/")[2])
        if action == "DescribeTasks":
            told = json.loads(said)
            for task in told["tasks"]:
                task["containers"] = [self.ended(task)]
            said = json.dumps(told).encode()
        return said

    def ended(self, task: dict[str, Any]) -> dict[str, Any]:
        """Tell of the one container of a task."""
        code = int(self.fails in json.dumps(task["overrides"]))
        return {"name": self.container, "lastStatus": "STOPPED", "exitCode": code}

    def write_log(self, task: str) -> None:
        """Write what the container says, where the driver awslogs does on Fargate."""
        stream = {
            "logGroupName": self.log_group,
            "logStreamName": f"{self.log_prefix}/{self.container}/{task}",
        }
        event = {"timestamp": int(time.time() * 1000), "message": LOG_LINE}
        for action, more in (("CreateLogStream", {}), ("PutLogEvents", {"logEvents": [event]})):
            headers = {
                "X-Amz-Target": f"Logs_20140328.{action}",
                "Content-Type": "application/x-amz-json-1.1",
                "Authorization": SIGNED.format(region=self.region),
            }
            post(self.moto, headers, json.dumps(stream | more).encode())


def post(url: str, headers: dict[str, str], body: bytes) -> bytes:
    """Post something to moto and return what it says."""
    kept = {name: value for name, value in headers.items() if name.lower() != "host"}
    request = urllib.request.Request(url, data=body, headers=kept, method="POST")
    with urllib.request.urlopen(request, timeout=30) as response:
        return bytes(response.read())


@contextmanager
def ecs(stand_in: Ecs) -> Iterator[Ecs]:
    """Answer in a thread, on a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                code, said = 200, stand_in.answer(dict(self.headers), body)
            except urllib.error.HTTPError as error:
                code, said = error.code, error.read()
            self.send_response(code)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    ends_at_once = {"model_name": "ecs::task", "transition": {"progression": "immediate"}}
    post(
        f"{stand_in.moto}/moto-api/state-manager/set-transition",
        {"Content-Type": "application/json"},
        json.dumps(ends_at_once).encode(),
    )
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        stand_in.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield stand_in
        finally:
            server.shutdown()
            thread.join()
