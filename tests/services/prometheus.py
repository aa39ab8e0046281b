"""A real Prometheus beside an API, with a project's own configuration."""

import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.services.ports import free_port, wait_for
from tests.services.processes import started

SCRAPE_SECONDS = 0.5


class PrometheusMissingError(RuntimeError):
    """There is no Prometheus here."""


@dataclass(frozen=True)
class Prometheus:
    """A running server."""

    url: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series that an expression gives now."""
        return list(self._get("query", query=expression)["result"])

    def alerts(self) -> dict[str, str]:
        """Return the state of each alert that is pending or firing."""
        found = self._get("alerts")["alerts"]
        return {alert["labels"]["alertname"]: alert["state"] for alert in found}

    def _get(self, path: str, **parameters: str) -> dict[str, Any]:
        address = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(address, timeout=10) as answer:
            return dict(json.load(answer)["data"])


def program(name: str) -> str:
    """Return where `prometheus` or `promtool` is. Raises PrometheusMissingError."""
    found = shutil.which(name)
    if found is None:
        raise PrometheusMissingError(f"no {name} here: install Debian's prometheus")
    return found


def promtool(*arguments: str | Path) -> str:
    """Run promtool. Raises AssertionError with what it said where it finds fault."""
    done = subprocess.run(
        [program("promtool"), *arguments], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def as_mounted(deploy: Path, folder: Path) -> Path:
    """Copy a project's files to the names that compose.yaml gives them; return the first."""
    folder.mkdir()
    shutil.copy(deploy / "alert_rules.yaml", folder / "alert_rules.yml")
    return Path(shutil.copy(deploy / "prometheus.yaml", folder / "prometheus.yml"))


@contextmanager
def prometheus(deploy: Path, folder: Path, target: str) -> Iterator[Prometheus]:
    """Run Prometheus on a project's configuration, but every half second, and for `target`."""
    config = as_mounted(deploy, folder)
    text = config.read_text().replace("api:8000", target)
    text = text.replace("scrape_interval: 15s", "scrape_interval: 500ms")
    config.write_text(text.replace("global:\n", "global:\n  evaluation_interval: 500ms\n"))
    rules = folder / "alert_rules.yml"
    rules.write_text(re.sub(r"for: \d+m", "for: 1s", rules.read_text()).replace("[5m]", "[10s]"))
    server = Prometheus(f"http://127.0.0.1:{free_port()}")
    command = [
        program("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={server.url.removeprefix('http://')}",
    ]
    with started(command, log=folder / "log") as process:
        wait_for(f"{server.url}/-/ready", still_there=process.running)
        yield server
