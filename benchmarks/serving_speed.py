"""POST /predict with one record, against a FastAPI echo with the same request model.

Both are served by uvicorn with the same settings, ours with metrics and prediction log on.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figure import ROUNDS, Figure, show
from benchmarks.load import Load, bear
from tests.services.ports import free_port, wait_for
from tests.services.processes import started
from tests.services.rendered import (
    Project,
    command,
    example_record,
    install,
    project_env,
    render,
    serve,
)

CONNECTIONS = 16
SECONDS = 3
LEAST_RATE = 0.5
MOST_P99 = 2.5


def figures() -> list[Figure]:
    """Load both in turns."""
    with tempfile.TemporaryDirectory() as folder:
        project = install(render(Path(folder) / "customer-churn"))
        command(project, "run")
        with serve(project) as ours, echo(project) as theirs:
            loads = in_turns({"ours": ours, "echo": theirs}, [example_record(project)])
    rate = {name: max(load.rate for load in found) for name, found in loads.items()}
    p99 = {name: min(load.p99 for load in found) for name, found in loads.items()}
    return [
        Figure(
            "POST /predict, requests/s against a FastAPI echo",
            rate["ours"] / rate["echo"],
            LEAST_RATE,
            side="at least",
            detail=f"{rate['ours']:,.0f}/s against {rate['echo']:,.0f}/s",
        ),
        Figure(
            f"POST /predict, p99 under {CONNECTIONS} connections against the echo",
            p99["ours"] / p99["echo"],
            MOST_P99,
            detail=f"{p99['ours'] * 1e3:.1f} ms against {p99['echo'] * 1e3:.1f} ms",
        ),
    ]


def in_turns(services: dict[str, str], records: list[object]) -> dict[str, list[Load]]:
    """Load each service once a round, after a second to warm up."""
    body = json.dumps(records).encode()
    loads: dict[str, list[Load]] = {name: [] for name in services}
    for url in services.values():
        bear(f"{url}/predict", body, connections=CONNECTIONS, seconds=1)
    for _ in range(ROUNDS):
        for name, url in services.items():
            load = bear(f"{url}/predict", body, connections=CONNECTIONS, seconds=SECONDS)
            loads[name].append(load)
    return loads


@contextmanager
def echo(project: Project) -> Iterator[str]:
    """Start the echo in the project's environment and yield its base URL once it is ready."""
    port = free_port()
    script = Path(__file__).with_name("echo_service.py")
    contract = project.folder / "config" / "contract.toml"
    with started(
        [project.program.with_name("python"), script, contract, str(port)],
        log=project.folder.with_name("echo.log"),
        cwd=project.folder,
        env=project_env({}),
    ) as server:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/ready", still_there=server.running)
        yield url


if __name__ == "__main__":
    show(figures)
