"""The image, built and run by a real engine from the project's own files."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import threading
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pyarrow.parquet as pq
import pytest
import yaml

from tests.services.ports import free_port, wait_for
from tests.services.rendered import Project, champion, example_record
from tests.services.steady_load import CONNECTIONS, SteadyLoad

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.services.docker import Container, Engine

KEY = "a key of the tests"
REQUEST_ID = re.compile(r'"request_id":"(\w+)"')
LOAD_SECONDS = float(os.environ.get("LOAD_SECONDS", "40"))
MOST_GROWTH = 1.15
POST = """
import sys, urllib.request
body, headers = sys.argv[1].encode(), {"X-API-Key": sys.argv[2]}
request = urllib.request.Request("http://127.0.0.1:8000/predict", body, headers)
print(urllib.request.urlopen(request).read().decode())
"""


@pytest.fixture(scope="module")
def container(engine: Engine, image: str, default_project: Project) -> Iterator[Container]:
    """The service as compose.yaml runs it, healthy, in a network where its port is free."""
    options = as_compose_says(default_project.folder / "deploy" / "compose.yaml")
    options.append(f"--env=API_KEY_HASHES={hashlib.sha256(KEY.encode()).hexdigest()}")
    with engine.run(image, *options, network="none") as running:
        running.wait_healthy()
        yield running


def test_the_image_holds_no_registry_and_no_data(engine: Engine, image: str) -> None:
    with engine.run(image, "--entrypoint=sleep", command=["60"], network="none") as running:
        listed = running.exec("find", "/app", "-not", "-path", "*/.venv/*", "-type", "f")
    inside = {line.removeprefix("/app/") for line in listed.splitlines()}
    assert inside
    unwanted = ("artifacts/", "data/", ".git/", ".env", "tests/", "notebooks/")
    assert not [path for path in inside if path.startswith(unwanted)]


def test_the_image_holds_only_what_serving_needs(engine: Engine, image: str) -> None:
    listed = "import importlib.metadata as m; print(*(d.name.lower() for d in m.distributions()))"
    with engine.run(image, "--entrypoint=sleep", command=["60"], network="none") as running:
        names = set(running.exec("python", "-c", listed).split())
    assert "onnxruntime" in names
    assert not names & {"scikit-learn", "polars", "mlflow-skinny", "optuna", "pytest", "ruff"}


def test_the_image_says_what_it_holds(engine: Engine, image: str) -> None:
    listed = "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"
    with engine.run(image, "--entrypoint=sleep", command=["60"], network="none") as running:
        names = running.exec("python", "-c", listed).split()
        bill = json.loads(running.exec("cat", "/app/sbom.json"))
        tools = running.exec("sh", "-c", "command -v pip pip3 uv gcc cc || true; pip || true")
    assert bill["bomFormat"] == "CycloneDX"
    told = {part["name"]: part["version"] for part in bill["components"]}
    assert all(told.values())
    assert {canonical(name) for name in told} == {canonical(name) for name in names}
    assert tools == ""


def canonical(name: str) -> str:
    """Give a distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_service_is_healthy_without_root_or_capabilities(container: Container) -> None:
    assert container.exec("id", "-u").strip() != "0"
    assert container.inspect()["HostConfig"]["ReadonlyRootfs"]
    status = container.exec("cat", "/proc/1/status")
    capabilities = dict(line.split(":\t") for line in status.splitlines() if line.startswith("Cap"))
    assert set(capabilities.values()) == {"0" * 16}


def test_compose_hands_on_the_keys_and_the_image_ends_without_any(
    engine: Engine, image: str, default_project: Project
) -> None:
    compose = (default_project.folder / "deploy" / "compose.yaml").read_text()
    assert "API_KEY_HASHES" in yaml.safe_load(compose)["services"]["api"]["environment"]
    with engine.run(image, network="none") as running:
        wait_for(lambda: running.health() == "exited", timeout=30)
        assert "set API_KEY_HASHES" in running.logs()


def test_the_service_can_be_reached_from_outside(container: Container) -> None:
    listening = [line.split() for line in container.exec("cat", "/proc/net/tcp").splitlines()[1:]]
    port_8000 = [address for _, address, _, state, *_ in listening if address.endswith(":1F40")]
    assert "00000000:1F40" in port_8000


def test_the_service_predicts_and_logs_it(container: Container, default_project: Project) -> None:
    record = example_record(default_project)
    said = container.exec("python", "-c", POST, json.dumps([record]), KEY)
    answer: dict[str, Any] = json.loads(said)
    assert answer["model_version"] == champion(default_project)
    (prediction,) = answer["predictions"]
    assert 0 <= prediction["probability"] <= 1
    logged = container.exec("sh", "-c", "cat /app/artifacts/predictions/*.jsonl")
    assert answer["request_id"] in logged


def test_under_load_a_killed_worker_a_new_champion_and_a_full_disk_do_no_harm(
    engine: Engine, image: str, default_project: Project, tmp_path: Path
) -> None:
    artifacts = default_project.folder / "artifacts"
    registry = Path(shutil.copytree(artifacts / "registry", tmp_path / "registry"))
    old = champion(default_project)
    new = f"v99-{old.partition('-')[2]}"  # what comes after the count is a digest of the files
    shutil.copytree(registry / "versions" / old, registry / "versions" / new)
    records, expected = scored_before(default_project)
    port = free_port()
    options = [
        *as_compose_says(default_project.folder / "deploy" / "compose.yaml", registry),
        *(
            f"--env=API_KEY_HASHES={hashlib.sha256(KEY.encode()).hexdigest()}",
            "--env=SERVE__WORKERS=2",
        ),
        "--memory=2g",  # what is on the disk is counted, too
        # A disk of its own, that can be filled; who writes there is the image's user.
        f"--tmpfs=/app/artifacts/predictions:size={64 + LOAD_SECONDS:.0f}m,uid=10001,mode=700",
        "--no-healthcheck",
    ]
    options = [each for each in options if not each.startswith("--volume=predictions:")]
    command = [default_project.slug, "serve", "--host", "127.0.0.1", "--port", str(port)]
    with engine.run(image, *options, command=command) as running:
        wait_for(f"http://127.0.0.1:{port}/ready", timeout=60)
        load = SteadyLoad(port, records, partial(is_as_before, expected), {"X-API-Key": KEY})
        capacity = load.bear(rate=100_000, seconds=0.02)
        rate, calm = capacity / 2, LOAD_SECONDS / 5
        load.bear(rate, calm)
        (victim, other) = serving(running)
        before = memory(other)

        with disturbed(lambda: os.kill(victim, signal.SIGKILL)):
            load.bear(rate, calm)
        broken = load.broken
        assert broken <= CONNECTIONS
        with disturbed(lambda: make_champion(registry, new)):
            load.bear(rate, calm)
        assert load.versions == {old, new}
        with disturbed(lambda: fill_disk_for_a_while(running)):
            load.bear(rate, calm)
        assert load.put_off > 0, "the disk was never full"
        load.bear(rate, calm)

        assert other in serving(running)
        assert len(serving(running)) == 2
        assert memory(other) < before * MOST_GROWTH
        logged = running.exec("sh", "-c", "cat /app/artifacts/predictions/*.jsonl").splitlines()
    assert load.wrong == []
    assert load.broken == broken
    # A line that the full disk has torn is of a request that was put off.
    written = {
        found[1] for line in logged if (found := REQUEST_ID.search(line)) and line[-1] == "}"
    }
    assert load.request_ids <= written
    assert len(load.request_ids) == load.answered


def scored_before(project: Project) -> tuple[list[dict[str, Any]], list[float]]:
    """Give records, and the probabilities that the champion has given them in a batch."""
    (folder,) = (project.folder / "artifacts" / "scores").glob("scored_on=*")
    rows = pq.read_table(folder).slice(0, 50).to_pylist()
    names = example_record(project).keys()
    records = [{name: row[name] for name in names} for row in rows]
    records = json.loads(json.dumps(records, default=str))  # moments as text
    return records, [row["probability"] for row in rows]


def is_as_before(expected: list[float], place: int, answer: dict[str, Any]) -> bool:
    (prediction,) = answer["predictions"]
    return bool(abs(prediction["probability"] - expected[place]) < 1e-6)


@contextmanager
def disturbed(disturb: Callable[[], object]) -> Iterator[None]:
    """Do something a third of the way into what is done meanwhile."""
    failed: list[BaseException] = []

    def after_a_while() -> None:
        time.sleep(LOAD_SECONDS / 15)
        try:
            disturb()
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    thread = threading.Thread(target=after_a_while)
    thread.start()
    yield
    thread.join()
    assert not failed, failed


def make_champion(registry: Path, version: str) -> None:
    (registry / "next").write_text(f"{version}\n")
    (registry / "next").replace(registry / "champion")


def fill_disk_for_a_while(running: Container) -> None:
    fill = "cat /dev/zero >/app/artifacts/predictions/filler 2>/dev/null || true"
    running.exec("sh", "-c", fill)
    time.sleep(1)
    running.exec("rm", "/app/artifacts/predictions/filler")


def serving(running: Container) -> list[int]:
    """Give the workers' processes, by their numbers on this machine."""
    parent = psutil.Process(running.inspect()["State"]["Pid"])
    return [
        child.pid
        for child in parent.children(recursive=True)
        if child.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(child.cmdline())
    ]


def memory(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss)


def as_compose_says(compose: Path, registry: Path | None = None) -> list[str]:
    """Return the options of `docker run` that mean the same as compose.yaml's service `api`.

    `registry` stands in for the project's own.
    """
    api = yaml.safe_load(compose.read_text())["services"]["api"]
    options = [f"--cap-drop={name}" for name in api["cap_drop"]]
    options += [f"--security-opt={option}" for option in api["security_opt"]]
    options += [f"--tmpfs={path}" for path in api["tmpfs"]]
    options += ["--read-only"] if api["read_only"] else []
    for volume in api["volumes"]:
        source, inside = volume.split(":", 1)
        if source.startswith("."):  # beside compose.yaml; else the name of a volume
            source = str((compose.parent / source).resolve())
        if registry and source.endswith("/registry"):
            source = str(registry)
        options.append(f"--volume={source}:{inside}")
    return options
