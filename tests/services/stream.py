"""Workers of a project's stream, as processes that can be killed, and records to send them."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from tests.services.ports import free_port, wait_for
from tests.services.processes import Started, started
from tests.services.rendered import Project, project_env

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# Records of the project's own table, and what its champion makes of them in one process.
EXPECTED = """
import json
from {package}.project import project
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.tasks import answers as answered

champion = Model.champion(project)
names = [column.name for column in champion.contract.features]
with connect(project) as connection:
    columns = ", ".join(f'"{{name}}"' for name in names)
    rows = connection.execute(f"SELECT {{columns}} FROM clean LIMIT {count}").fetchall()
columns = {{name: [row[place] for row in rows] for place, name in enumerate(names)}}
told = answered(champion.rule, champion.predict(columns))
answers = [dict(zip(told, row)) for row in zip(*(values.tolist() for values in told.values()))]
pairs = [[dict(zip(names, row)), answer] for row, answer in zip(rows, answers)]
print(json.dumps(pairs, default=str))
"""
PREDICTED = """
from {package}.project import project
from fourhats_runtime.data.warehouse import connect

with connect(project) as connection:
    for (key,) in connection.execute("SELECT prediction_id FROM predictions").fetchall():
        print(key)
"""


class Worker:
    """A running worker."""

    def __init__(self, process: Started, port: int) -> None:
        """Know the process and the port of its figures."""
        self.process = process
        self.port = port

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.popen.pid

    def kill(self) -> None:
        """End it without a word."""
        self.process.popen.kill()
        self.process.popen.wait()

    def terminate(self) -> int:
        """Ask it to end; returns its exit code."""
        self.process.popen.terminate()
        return self.process.popen.wait(timeout=30)

    def ready(self) -> bool:
        """Tell whether it says that it works."""
        return self.asked("/ready")[0] == 200

    def asked(self, path: str) -> tuple[int, str]:
        """Ask it over HTTP; 0 where nobody answers."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}{path}", timeout=10
            ) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def figure(self, name: str) -> float:
        """Read one of its figures; 0 where it has none yet."""
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.asked("/metrics")[1], re.MULTILINE)
        return float(found[1]) if found else 0.0

    def lines(self) -> list[dict[str, Any]]:
        """Read its log."""
        return [json.loads(line) for line in self.process.output().splitlines()]


class Workers:
    """Workers that are started as they are needed, and all ended at last."""

    def __init__(self, project: Project, env: Mapping[str, str], stack: ExitStack) -> None:
        """Start none yet; every one gets these settings."""
        self._project, self._env, self._stack = project, env, stack

    def start(self, **settings: object) -> Worker:
        """Start one and wait until its figures can be had."""
        port = free_port()
        own = {f"STREAM__{name.upper()}": str(value) for name, value in settings.items()}
        env = {**self._env, **own, "STREAM__METRICS_PORT": str(port)}
        folder = self._project.folder
        process = self._stack.enter_context(
            started(
                [self._project.program, "stream"],
                log=folder.with_name(f"{folder.name}-stream-{port}.log"),
                cwd=folder,
                env=project_env(env),
            )
        )
        worker = Worker(process, port)
        wait_for(worker.ready, timeout=60, still_there=process.running)
        return worker


@contextmanager
def workers(project: Project, env: Mapping[str, str]) -> Iterator[Workers]:
    """Give workers of a project; those that still run are ended."""
    with ExitStack() as stack:
        yield Workers(project, env, stack)


def known_answers(project: Project, count: int) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Give records of the project's table, each with what its champion makes of it."""
    return [(record, answer) for record, answer in json.loads(_told(project, EXPECTED, count))]


def predicted(project: Project) -> list[str]:
    """Give the ids of the predictions that `monitor` has collected."""
    return _told(project, PREDICTED).split()


def poison(record: Mapping[str, Any]) -> Sequence[bytes]:
    """Give bodies that are no record of the contract."""
    name = next(iter(record))
    return (
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b"[" * 100_000,
        json.dumps([record]).encode(),
        json.dumps(dict(record) | {"nonsense": 1}).encode(),
        json.dumps(dict(record) | {name: ["no value"]}).encode(),
        json.dumps({key: value for key, value in record.items() if key != name}).encode(),
    )


def _told(project: Project, script: str, count: int = 0) -> str:
    package = project.slug.replace("-", "_")
    done = subprocess.run(
        [project.program.with_name("python"), "-c", script.format(package=package, count=count)],
        capture_output=True,
        text=True,
        check=True,
        cwd=project.folder,
        env=project_env({}),
    )
    return done.stdout
