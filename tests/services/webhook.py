"""A real receiver of alerts, on a port of this machine."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.services.ports import wait_for


@dataclass
class Receiver:
    """Where alerts arrive: `url` to send them to, `messages` with the JSON received, in order."""

    url: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def incidents(self) -> list[dict[str, str]]:
        """What began and what is over, in the order of its arrival: several in a message."""
        return [told for told in self._told() if told["severity"] != "info"]

    @property
    def notices(self) -> list[dict[str, str]]:
        """What was told and is no incident, such as a new champion."""
        return [told for told in self._told() if told["severity"] == "info"]

    def _told(self) -> list[dict[str, str]]:
        return [
            {
                "status": alert["status"],
                **alert["labels"],
                "message": alert["annotations"]["summary"],
            }
            for message in self.messages
            for alert in message["alerts"]
        ]

    def wait(self, count: int = 1, timeout: float = 10.0) -> list[dict[str, Any]]:
        """Return the messages once there are `count` of them. Raises TimeoutError."""
        wait_for(lambda: len(self.messages) >= count, timeout=timeout)
        return self.messages


@contextmanager
def webhook_receiver(status: int = 200) -> Iterator[Receiver]:
    """Receive POSTed JSON in a thread; every POST is answered with `status`."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.messages.append(json.loads(body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet: the messages are the record."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/alerts"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
