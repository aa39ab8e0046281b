"""A real Apache Airflow in an environment of its own, apart from the project's."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.services.ports import free_port, wait_for
from tests.services.processes import Started, started
from tests.services.storage import cached

PINS = Path(__file__).with_name("airflow-constraints.txt")

# What a project's runbook says that Airflow's environment needs, by how its steps run.
WANTED = (
    "apache-airflow",
    "apache-airflow-providers-cncf-kubernetes",
    "apache-airflow-providers-docker",
)

# What MWAA and Composer have installed beside it; an environment of their own, as it is large, and
# Amazon's client wants an older dateutil.
CLOUD_PINS = Path(__file__).with_name("airflow-clouds-constraints.txt")
OF_CLOUDS = ("apache-airflow-providers-amazon", "apache-airflow-providers-google")

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
clusters: [{{name: here, cluster: {{server: "{url}"}}}}]
contexts: [{{name: here, context: {{cluster: here, user: nobody}}}}]
users: [{{name: nobody, user: {{}}}}]
"""
DAG_SECONDS = 600
HEALTHY_SECONDS = 400
ENDED = {"success", "failed"}

LIST_DAGS = """
import json, pathlib, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
found = {"dag_ids": sorted(bag.dag_ids), "import_errors": bag.import_errors}
pathlib.Path(sys.argv[2]).write_text(json.dumps(found))
"""


DAG_FACTS = """
import json, pathlib, sys
from airflow.dag_processing.dagbag import DagBag
(dag,) = DagBag(sys.argv[1]).dags.values()
steps = [task for task in dag.tasks if task.task_id not in {"today", "done"}]
facts = {
    "schedule": dag.timetable.timetable.expression,
    "assets": sorted(asset.name for asset in dag.timetable.asset_condition.objects),
    "outlets": sorted({outlet.name for task in dag.tasks for outlet in task.outlets}),
    "max_active_runs": dag.max_active_runs,
    "catchup": dag.catchup,
    "deadline_hours": [alert.interval.total_seconds() / 3600 for alert in dag.deadline],
    "retries": sorted({task.retries for task in steps}),
    "backs_off": sorted({bool(task.retry_exponential_backoff) for task in steps}),
}
pathlib.Path(sys.argv[2]).write_text(json.dumps(facts))
"""


@dataclass(frozen=True)
class DagRun:
    """What became of one run of a DAG: each task's state, and all that Airflow printed."""

    exit_code: int
    states: dict[str, str]
    log: str

    @property
    def ending(self) -> str:
        """The end of the log, for a failing test's message."""
        return self.log[-3000:]


@dataclass
class Server:
    """A running Airflow, spoken to by its REST API."""

    url: str
    process: Started
    token: str = field(default="", repr=False)

    def log_in(self, username: str, password: str) -> None:
        """Get the token (a JWT) that every later request carries."""
        body = {"username": username, "password": password}
        self.token = self.call("POST", "/auth/token", body)["access_token"]

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a request and return the answer. Raises AssertionError with what was said."""
        request = urllib.request.Request(
            f"{self.url}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return dict(json.loads(response.read()))
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[-2000:]
            raise AssertionError(f"{method} {path}: {error.code} {said}") from None

    def wait_for_dag(self, dag_id: str) -> None:
        """Wait until Airflow has read a DAG, and let it run."""

        def read() -> bool:
            return any(dag["dag_id"] == dag_id for dag in self.call("GET", "/api/v2/dags")["dags"])

        wait_for(read, timeout=120, still_there=self.process.running)
        self.call("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return the runs of a DAG, the newest first."""
        return list(self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns?order_by=-id")["dag_runs"])

    def wait_for_run(self, dag_id: str, run_id: str) -> dict[str, str]:
        """Wait for the end of a run, and return the state of each of its tasks.

        The key "" holds the state of the run.
        """
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"

        def ended() -> bool:
            time.sleep(1)  # each question costs Airflow time that the run needs
            return self.call("GET", path)["state"] in ENDED

        wait_for(ended, timeout=DAG_SECONDS, still_there=self.process.running)
        tasks = self.call("GET", f"{path}/taskInstances")["task_instances"]
        states = {task["task_id"]: task["state"] for task in tasks}
        return states | {"": self.call("GET", path)["state"]}


@dataclass(frozen=True)
class Airflow:
    """An Airflow over one folder of DAGs, with a database of its own."""

    environment: Path
    home: Path
    dags_folder: Path

    def dag_ids(self) -> list[str]:
        """Return the ids of all DAGs found: a file Airflow overlooks in silence is missing here."""
        return list(self._told(LIST_DAGS)["dag_ids"])

    def import_errors(self) -> dict[str, str]:
        """Return the files that Airflow could not load, each with its traceback."""
        return dict(self._told(LIST_DAGS)["import_errors"])

    def facts(self) -> dict[str, Any]:
        """Return how the folder's one DAG is set up."""
        return self._told(DAG_FACTS)

    def test_dag(self, dag_id: str, **env: str) -> DagRun:
        """Run a whole DAG once, without a scheduler (`airflow dags test`)."""
        done = subprocess.run(
            [self.environment / "bin" / "airflow", "dags", "test", dag_id],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._env(env),
            cwd=self.home,
            timeout=DAG_SECONDS,
        )
        with sqlite3.connect(self.home / "airflow.db") as database:
            states = database.execute(
                "select task_id, state from task_instance where dag_id = ? and run_id = "
                "(select run_id from dag_run where dag_id = ? order by id desc limit 1)",
                (dag_id, dag_id),
            ).fetchall()
        return DagRun(done.returncode, dict(states), done.stdout)

    @contextmanager
    def standalone(self, **env: str) -> Iterator["Server"]:
        """Start all of Airflow (`airflow standalone`) and yield it, once it is healthy."""
        port, log = free_port(), self.home / "standalone.log"
        env = env | {
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "2",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        }
        command: list[str | Path] = [self.environment / "bin" / "airflow", "standalone"]
        with started(command, log=log, cwd=self.home, env=self._env(env), grace=30) as process:
            url = f"http://127.0.0.1:{port}"
            wait_for(
                f"{url}/api/v2/monitor/health",
                timeout=HEALTHY_SECONDS,
                still_there=process.running,
            )
            passwords = self.home / "simple_auth_manager_passwords.json.generated"
            wait_for(passwords.exists, timeout=60, still_there=process.running)
            server = Server(url, process)
            server.log_in("admin", json.loads(passwords.read_text())["admin"])
            yield server

    def python(self, script: str, *arguments: str | Path, **env: str) -> None:
        """Run a script with Airflow's own Python."""
        subprocess.run(
            [self.environment / "bin" / "python", "-c", script, *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            env=self._env(env),
            cwd=self.home,
        )

    def _told(self, script: str) -> dict[str, Any]:
        """Run a script on the folder, and return the JSON that it writes."""
        answer = self.home / "answer.json"
        self.python(script, self.dags_folder, answer)
        return dict(json.loads(answer.read_text()))

    def _env(self, extra: Mapping[str, str]) -> dict[str, str]:
        return airflow_env(self.environment, self.home) | {
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags_folder),
            **extra,
        }


def airflow(dags_folder: Path, home: Path, *, clouds: bool = False) -> Airflow:
    """Make an Airflow for a folder of DAGs; `home` is a new folder for its database and logs.

    The environment, and an empty database that takes Airflow six seconds to make, are made once a
    machine.
    """
    name, pins = ("airflow-clouds", CLOUD_PINS) if clouds else ("airflow", PINS)
    with cached(name, pins.read_text(), sys.version) as (environment, made):
        if not made:
            make(environment, pins, (*WANTED, *(OF_CLOUDS if clouds else ())))
    home.mkdir()
    shutil.copy(environment / "empty" / "airflow.db", home)
    return Airflow(environment, home, dags_folder)


def make(environment: Path, pins: Path, wanted: Sequence[str]) -> None:
    """Install Airflow and migrate an empty database."""
    python = environment / "bin" / "python"
    empty = environment / "empty"
    commands: list[list[str | Path]] = [
        ["uv", "venv", "--quiet", "--clear", "--python", sys.executable, environment],
        ["uv", "pip", "install", "--quiet", "--python", python, "--constraint", pins, *wanted],
        [environment / "bin" / "airflow", "db", "migrate"],
    ]
    env = airflow_env(environment, empty)
    for command in commands:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=env)


def airflow_env(environment: Path, home: Path) -> dict[str, str]:
    """Return an environment for Airflow: our own virtual environment has no part in it."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"VIRTUAL_ENV", "PYTHONPATH"} and not name.startswith("AIRFLOW")
    }
    return kept | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        # A DAG says how often to try again; tests don't wait minutes in between. The second one
        # caps the waits of a DAG with `retry_exponential_backoff`.
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
        "AIRFLOW__CORE__MAX_TASK_RETRY_DELAY": "1",
        "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
