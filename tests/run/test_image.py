"""The image, built and run by a real engine from the project's own files."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.services.base_image import BASE_PYTHON
from tests.services.ports import wait_for
from tests.services.rendered import Project, champion, example_record, render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.services.docker import Container, Engine

KEY = "a key of the tests"
POST = """
import sys, urllib.request
body, headers = sys.argv[1].encode(), {"X-API-Key": sys.argv[2]}
request = urllib.request.Request("http://127.0.0.1:8000/predict", body, headers)
print(urllib.request.urlopen(request).read().decode())
"""


@pytest.fixture(scope="module")
def image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of the defaults, on the Python that the tests' base image has."""
    folder = tmp_path_factory.mktemp("image") / "customer-churn"
    project = render(folder, python_version=BASE_PYTHON)
    return engine.build(folder, folder / "deploy" / "Dockerfile", project.slug)


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


def as_compose_says(compose: Path) -> list[str]:
    """Return the options of `docker run` that mean the same as compose.yaml's service `api`."""
    api = yaml.safe_load(compose.read_text())["services"]["api"]
    options = [f"--cap-drop={name}" for name in api["cap_drop"]]
    options += [f"--security-opt={option}" for option in api["security_opt"]]
    options += [f"--tmpfs={path}" for path in api["tmpfs"]]
    options += ["--read-only"] if api["read_only"] else []
    for volume in api["volumes"]:
        source, inside = volume.split(":", 1)
        if source.startswith("."):  # beside compose.yaml; else the name of a volume
            source = str((compose.parent / source).resolve())
        options.append(f"--volume={source}:{inside}")
    return options
