"""POST /predict under load, against a FastAPI echo with the same request model and other limits.

All are served by uvicorn with the same settings, ours with metrics and prediction log on unless it
says otherwise.
"""

import json
import os
import shutil
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.figure import ROUNDS, Figure, show
from benchmarks.load import Load, bear
from benchmarks.process import printed
from tests.services.ports import free_port, wait_for
from tests.services.processes import started
from tests.services.rendered import (
    Project,
    champion,
    command,
    example_record,
    install,
    project_env,
    render,
    serve,
)

CONNECTIONS = 16
SECONDS = 3
MANY_RECORDS = 100
SWAPS = 8
LEAST_RATE = 0.85
MOST_P99 = 1.5
LEAST_OF_IN_PROCESS = 0.5
LEAST_OF_UNWATCHED = 0.9


def figures() -> list[Figure]:
    """Load all in turns."""
    with tempfile.TemporaryDirectory() as folder:
        project = install(render(Path(folder) / "customer-churn"))
        command(project, "run")
        record = example_record(project)
        with (
            serve(project) as ours,
            script(project, "echo_service.py") as echo,
            script(project, "unwatched_service.py") as unwatched,
        ):
            services = {"ours": ours, "echo": echo, "unwatched": unwatched}
            loads = in_turns(services, [record])
            single = many_records(project, record, ours, threads=1)
            swapped = swapped_under_load(project, ours, [record])
        cores = os.cpu_count() or 1
        with serve(project, {"SERVE__WORKERS": str(cores)}) as ours:
            full = many_records(project, record, ours, threads=cores)
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
        Figure(
            "POST /predict, requests/s with metrics and prediction log against without",
            rate["ours"] / rate["unwatched"],
            LEAST_OF_UNWATCHED,
            side="at least",
            detail=f"{rate['ours']:,.0f}/s against {rate['unwatched']:,.0f}/s",
        ),
        Figure(
            f"{MANY_RECORDS} records a request, rows/s against ONNX Runtime in process",
            full[0] / full[1],
            LEAST_OF_IN_PROCESS,
            side="at least",
            detail=f"both on all {cores} cores: {full[0]:,.0f}/s against {full[1]:,.0f}/s; on one "
            f"core each {single[0]:,.0f}/s against {single[1]:,.0f}/s",
        ),
        Figure(
            f"{SWAPS} champions one after the other under load: failed requests",
            swapped.failed,
            0,
            detail=f"{swapped.answered:,} answered",
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


def many_records(project: Project, record: object, url: str, threads: int) -> tuple[float, float]:
    """Give the rows a second of requests of many records, and of ONNX Runtime in process."""
    body = json.dumps([record] * MANY_RECORDS).encode()
    served, in_process = [], []
    for _ in range(ROUNDS):
        load = bear(f"{url}/predict", body, connections=CONNECTIONS, seconds=SECONDS)
        served.append(load.rate * MANY_RECORDS)
        in_process.append(rows_in_process(project, threads))
    return max(served), max(in_process)


def rows_in_process(project: Project, threads: int) -> float:
    """Give the rows a second that a loop over ONNX Runtime makes of the same records."""
    python = project.program.with_name("python")
    script = Path(__file__).with_name("onnx_in_process.py")
    words = [python, script, project.folder, MANY_RECORDS, SECONDS, threads]
    return float(printed(words, env=project_env({}), cwd=project.folder))


def swapped_under_load(project: Project, url: str, records: list[object]) -> Load:
    """Change the champion again and again while the service is under load.

    Raises:
        RuntimeError: a champion did not take over.

    """
    registry = project.folder / "artifacts" / "registry"
    old = champion(project)
    digest = old.partition("-")[2]  # of the files, which are the same
    names = [f"v{100 + number}-{digest}" for number in range(SWAPS)]
    for name in names:
        shutil.copytree(registry / "versions" / old, registry / "versions" / name)
    seen = []

    def swap() -> None:
        for name in names:
            (registry / "pointer").write_text(f"{name}\n")
            (registry / "pointer").replace(registry / "champion")
            try:
                wait_for(partial(is_served, url, name), timeout=20)
                seen.append(name)
            except TimeoutError:
                return

    swapping = threading.Thread(target=swap)
    body = json.dumps(records).encode()
    swapping.start()
    loads = []
    while swapping.is_alive():
        ask = partial(bear, connections=CONNECTIONS, seconds=SECONDS, may_fail=True)
        loads.append(ask(f"{url}/predict", body))
    swapping.join()
    if seen != names:
        raise RuntimeError(f"of {names} only {seen} took over")
    failed, answered = sum(each.failed for each in loads), sum(each.answered for each in loads)
    return Load(0, 0, answered, failed)


def is_served(url: str, version: str) -> bool:
    """Tell whether the service answers with this version."""
    with urllib.request.urlopen(f"{url}/ready", timeout=10) as answer:
        return bool(json.load(answer)["model_version"] == version)


@contextmanager
def script(project: Project, name: str) -> Iterator[str]:
    """Start a service in the project's environment and yield its base URL once it is ready."""
    port = free_port()
    with started(
        [project.program.with_name("python"), Path(__file__).with_name(name), str(port)],
        log=project.folder.with_name(f"{name}.log"),
        cwd=project.folder,
        env=project_env({}),
    ) as server:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/ready", still_there=server.running)
        yield url


if __name__ == "__main__":
    show(figures)
