"""Slack and Teams as a project meets them: their names, TLS, and what they answer.

A project is changed in nothing: it finds them by a proxy, and trusts the certificate's authority.
"""

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SLACK = "https://hooks.slack.com/services/T0ACME000/B0ALERTS0/s3cretSlackToken"
TEAMS = (
    "https://prod-1.westeurope.logic.azure.com:443/workflows/0123456789abcdef0123456789abcdef"
    "/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0"
    "&sig=s3cretTeamsSignature"
)
HOSTS = ("hooks.slack.com", "prod-1.westeurope.logic.azure.com", "localhost")


@dataclass(frozen=True)
class Certificate:
    """A certificate for all of `HOSTS`, its key, and the authority that it is signed by."""

    chain: Path
    key: Path
    authority: Path


@dataclass
class Chat:
    """What arrived at each host, and what each answers in the place of success."""

    environment: dict[str, str] = field(default_factory=dict)
    arrived: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)

    @property
    def slack(self) -> list[dict[str, Any]]:
        """What Slack was posted."""
        return self.arrived.get("hooks.slack.com", [])

    @property
    def teams(self) -> list[dict[str, Any]]:
        """What Teams was posted."""
        return self.arrived.get("prod-1.westeurope.logic.azure.com", [])


def certificate(folder: Path) -> Certificate:
    """Make an authority, and a certificate for Slack, Teams and this machine."""
    made = Certificate(folder / "chain.pem", folder / "key.pem", folder / "authority.pem")
    authority_key, request = folder / "authority-key.pem", folder / "request.pem"
    names = folder / "names.cnf"
    names.write_text(f"subjectAltName={','.join(f'DNS:{host}' for host in HOSTS)}\n")
    new_key = ["-newkey", "rsa:2048", "-noenc"]
    for command in (
        ["req", "-x509", *new_key, "-keyout", authority_key, "-out", made.authority,
         "-subj", "/CN=authority of the tests", "-days", "2",
         "-addext", "keyUsage=critical,keyCertSign"],
        ["req", *new_key, "-keyout", made.key, "-out", request, "-subj", "/CN=localhost"],
        ["x509", "-req", "-in", request, "-CA", made.authority, "-CAkey", authority_key,
         "-CAcreateserial", "-out", made.chain, "-days", "2", "-extfile", names],
    ):  # fmt: skip
        subprocess.run(["openssl", *map(str, command)], check=True, capture_output=True)
    return made


@contextmanager
def chat_services(certificate: Certificate) -> Iterator[Chat]:
    """Be Slack and Teams for whoever has `environment`."""
    chat = Chat()

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            host = self.headers["Host"].partition(":")[0]
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = chat.answers.get(host, success(host))
            if status == success(host):
                chat.arrived.setdefault(host, []).append(body)
            self.send_response(status)
            self.end_headers()
            # Slack says so in words; a workflow says nothing.
            self.wfile.write(b"ok" if status == HTTPStatus.OK else b"")

        def log_message(self, *_: object) -> None:
            """Keep quiet: what arrived is the record."""

    service = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    service.socket = context.wrap_socket(service.socket, server_side=True)

    class Proxy(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            if self.path.partition(":")[0] not in HOSTS:
                self.send_error(HTTPStatus.FORBIDDEN)
                return
            with socket.create_connection(("127.0.0.1", service.server_port)) as there:
                self.send_response(HTTPStatus.OK)
                self.end_headers()
                back = threading.Thread(target=pass_on, args=(there, self.connection))
                back.start()
                pass_on(self.connection, there)
                back.join()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    chat.environment = {
        "HTTPS_PROXY": f"http://127.0.0.1:{proxy.server_port}",
        "https_proxy": f"http://127.0.0.1:{proxy.server_port}",
        "NO_PROXY": "",
        "no_proxy": "",
        "REQUESTS_CA_BUNDLE": str(certificate.authority),
        "SSL_CERT_FILE": str(certificate.authority),
    }
    servers = (service, proxy)
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,)) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield chat
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()


def success(host: str) -> int:
    """Return the status by which a service says that it took a message."""
    return HTTPStatus.OK if host == "hooks.slack.com" else HTTPStatus.ACCEPTED


def pass_on(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes from one side until it ends, then say so to the other."""
    with suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
