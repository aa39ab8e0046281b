"""The image, built and run by a real engine from the project's own files."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.services.base_image import BASE_PYTHON
from tests.services.rendered import Project, champion, example_record, render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.services.docker import Container, Engine

# As strict as a platform may be: nothing to write to but the project's artifacts and /tmp.
HARDENED = (
    "--read-only",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--tmpfs=/tmp",
)

POST = """
import json, sys, urllib.request
request = urllib.request.Request("http://127.0.0.1:8000/predict", data=sys.argv[1].encode())
print(urllib.request.urlopen(request).read().decode())
"""


@pytest.fixture(scope="module")
def image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of the defaults, on the Python that the tests' base image has."""
    folder = tmp_path_factory.mktemp("image") / "customer-churn"
    project = render(folder, python_version=BASE_PYTHON)
    return engine.build(folder, folder / "deploy" / "Dockerfile", project.slug)


@pytest.fixture(scope="module")
def artifacts(default_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the line made, as a volume that the image's user may write to."""
    folder = tmp_path_factory.mktemp("volume") / "artifacts"
    shutil.copytree(default_project.folder / "artifacts" / "registry", folder / "registry")
    (folder / "predictions").mkdir()
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o644)
    return folder


@pytest.fixture(scope="module")
def container(engine: Engine, image: str, artifacts: Path) -> Iterator[Container]:
    """The image's service, healthy, in a network of its own so that its port is free."""
    volume = f"--volume={artifacts}:/app/artifacts"
    with engine.run(image, *HARDENED, volume, network="none") as running:
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


def test_the_service_can_be_reached_from_outside(container: Container) -> None:
    listening = [line.split() for line in container.exec("cat", "/proc/net/tcp").splitlines()[1:]]
    port_8000 = [address for _, address, _, state, *_ in listening if address.endswith(":1F40")]
    assert "00000000:1F40" in port_8000


def test_the_service_predicts(
    container: Container, default_project: Project, artifacts: Path
) -> None:
    record = example_record(default_project)
    answer: dict[str, Any] = json.loads(container.exec("python", "-c", POST, json.dumps([record])))
    assert answer["model_version"] == champion(default_project)
    (prediction,) = answer["predictions"]
    assert 0 <= prediction["probability"] <= 1
    logged = "".join(path.read_text() for path in (artifacts / "predictions").glob("*.jsonl"))
    assert answer["request_id"] in logged
