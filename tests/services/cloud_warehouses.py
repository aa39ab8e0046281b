"""Stand-ins for Snowflake and BigQuery: a server each, in an environment of their own.

The connector that fakesnow needs is older than the one that a project has.
"""

import json
import secrets
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.services.object_stores import environment
from tests.services.ports import free_port, wait_for
from tests.services.processes import started
from tests.services.rendered import ROOT, project_env

PINS = Path(__file__).with_name("cloud-warehouses-constraints.txt")
USER, PASSWORD, ACCOUNT = "reader", "s3cret-w0rd", "acme-eu"
GOOGLE_PROJECT = "acme"


@dataclass(frozen=True)
class StandIn:
    """A running server: where it is, and what it takes to be let in."""

    url: str
    key: Path
    """The private key of the one user."""
    token: str

    def sent(self) -> list[str]:
        """Give the statements that the server was sent."""
        return list(self._ask("sent"))

    def ask_to_fail(self, *statuses: int) -> None:
        """Have the next requests answered with these statuses."""
        self._ask("faults", json.dumps(statuses))

    def sql(self, statements: str) -> None:
        """Run statements in DuckDB's dialect."""
        self._ask("sql", statements)

    def _ask(self, what: str, body: str | None = None) -> Any:  # noqa: ANN401 - it is JSON
        data = None if body is None else body.encode()
        with urllib.request.urlopen(f"{self.url}/{what}", data, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None


@contextmanager
def snowflake_server() -> Iterator[StandIn]:
    """Start fakesnow, and yield it without a table."""
    with _server("tests.services.fakesnow_app:app", "sent") as server:
        yield server


@contextmanager
def bigquery_server() -> Iterator[StandIn]:
    """Start a server that speaks as BigQuery does, and yield it without a table."""
    with _server("tests.services.bigquery_app:app", "sent") as server:
        yield server


def key_file(server: StandIn, folder: Path) -> Path:
    """Write the key file of a Google service account that the server knows."""
    account = {
        "type": "service_account",
        "project_id": GOOGLE_PROJECT,
        "private_key_id": "1",
        "private_key": server.key.read_text(),
        "client_email": "reader@acme.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": f"{server.url}/token",
    }
    path = folder / "account.json"
    path.write_text(json.dumps(account), encoding="utf-8")
    return path


def snowflake_sql(server: StandIn, statements: Sequence[str]) -> None:
    """Run statements in Snowflake's dialect, by the stand-in's own connector."""
    python = _environment() / "bin" / "python"
    port = server.url.rpartition(":")[2]
    work = f"""
import json, sys
import snowflake.connector
with snowflake.connector.connect(
    account={ACCOUNT!r}, user={USER!r}, password={PASSWORD!r}, host="127.0.0.1",
    port={port}, protocol="http", database="SHOP", schema="PUBLIC",
) as connection:
    for statement in json.load(sys.stdin):
        connection.cursor().execute(statement)
"""
    text = json.dumps(list(statements))
    command = [str(python), "-c", work]
    subprocess.run(command, input=text, text=True, check=True, env=project_env({}), timeout=120)


@contextmanager
def _server(app: str, first: str) -> Iterator[StandIn]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="fourhats-stand-in-") as name:
        folder = Path(name)
        key = new_key(folder / "key.pem")
        public = folder / "public.pem"
        subprocess.run(
            ["openssl", "pkey", "-in", str(key), "-pubout", "-out", str(public)], check=True
        )
        token = secrets.token_urlsafe(24)
        known = {"user": USER, "password": PASSWORD, "token": token, "public_key": str(public)}
        command: list[str | Path] = [
            _environment() / "bin" / "python",
            "-m",
            "uvicorn",
            app,
            "--port",
            str(port),
        ]
        environment_of_its_own = project_env(
            {"STAND_IN_SECRETS": json.dumps(known), "PYTHONDONTWRITEBYTECODE": "1"}
        )
        with started(command, log=folder / "log", cwd=ROOT, env=environment_of_its_own) as process:
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/{first}", timeout=60, still_there=process.running)
            yield StandIn(url, key, token)


def new_key(path: Path) -> Path:
    """Write a private key."""
    options = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(path)]
    subprocess.run(["openssl", "genpkey", *options], check=True, capture_output=True)
    return path


def _environment() -> Path:
    return environment("cloud-warehouses", "fakesnow[server]", pins=PINS)
