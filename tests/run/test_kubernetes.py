"""What the manifests say of the pods is run by a real engine: the line to a champion, then the API.

The engine stands in for the kubelet: user, groups, root, capabilities, memory, mounts, variables,
commands and probes are those of the built manifests, and so is how the API is ended.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.services.availability import unavailable
from tests.services.kubernetes import Object, built, pod_templates
from tests.services.newer_debian import NotFetchedError
from tests.services.ports import wait_for
from tests.services.rendered import Project, render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.services.docker import Container, Engine

KEY = "a key of the tests"
SECRET = {
    "API_KEY_HASHES": hashlib.sha256(KEY.encode()).hexdigest(),
    "PSEUDONYM_KEY": "",
    "TRAINING__TRIALS": "2",
}
POD = "customer-churn-api-6f7d9c5b8-x2k4q"
GET = """
import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=float(sys.argv[2])).status)
except (urllib.error.URLError, OSError) as error:
    print(getattr(error, "code", error))
"""
POST = """
import sys, urllib.request
body, headers = sys.argv[1].encode(), {"X-API-Key": sys.argv[2]}
request = urllib.request.Request("http://127.0.0.1:8000/predict", body, headers)
print(urllib.request.urlopen(request).read().decode())
"""

COUNT = """
import sys, duckdb
connection = duckdb.connect("artifacts/warehouse.duckdb", read_only=True)
found = connection.execute(
    "SELECT count(*) FROM predictions WHERE prediction_id = ?", [sys.argv[1]]
)
print(found.fetchone()[0])
"""


@pytest.fixture(scope="module")
def pods(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Object]:
    """The specs of the pods of staging, by the name of their container."""
    project = render(
        tmp_path_factory.mktemp("manifests") / "customer-churn",
        platform="kubernetes",
        orchestrator="none",
    )
    try:
        objects = built(project.folder / "deploy" / "kubernetes" / "overlays" / "staging")
    except NotFetchedError as error:
        unavailable(error)
    specs = [template["spec"] for template in pod_templates(objects)]
    return {spec["containers"][0]["name"]: spec for spec in specs}


@pytest.fixture(scope="module")
def line_image(engine: Engine, image_project: Project) -> str:
    folder = image_project.folder
    tag = f"{image_project.slug}-line:defaults"
    return engine.build(folder, folder / "deploy" / "Dockerfile", tag, "line")


@pytest.fixture(scope="module")
def claim(pods: dict[str, Object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A volume as the kubelet hands it over: the group of `fsGroup` may write."""
    folder = tmp_path_factory.mktemp("claim")
    os.chown(folder, 0, pods["line"]["securityContext"]["fsGroup"])
    folder.chmod(0o2775)
    return folder


@pytest.fixture(scope="module")
def went(engine: Engine, line_image: str, pods: dict[str, Object], claim: Path) -> str:
    """What the line's pod has printed."""
    return to_its_end(engine, line_image, pods["line"], claim)


@pytest.fixture(scope="module")
def api(
    engine: Engine,
    image: str,
    pods: dict[str, Object],
    claim: Path,
    went: str,
) -> Iterator[Container]:
    """The API's pod, ready by its own probes."""
    assert went
    (container,) = pods["api"]["containers"]
    options = as_the_pod_says(pods["api"], claim)
    with engine.run(image, *options, network="none", command=container["args"]) as running:
        passes(running, container, "startupProbe")
        passes(running, container, "readinessProbe")
        passes(running, container, "livenessProbe")
        yield running


def test_the_lines_pod_makes_a_champion_on_the_volume(went: str, claim: Path) -> None:
    assert "The model adds +" in went
    champion = (claim / "artifacts" / "registry" / "champion").read_text().strip()
    assert (claim / "artifacts" / "registry" / "versions" / champion / "model.onnx").exists()
    assert "Model card" in (claim / "docs" / "model_card.md").read_text()


def test_the_apis_pod_is_ready_answers_and_leaves_a_log_that_the_line_reads(
    api: Container, engine: Engine, line_image: str, pods: dict[str, Object], claim: Path
) -> None:
    status = api.exec("cat", "/proc/1/status")
    facts = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
    assert facts["Uid"].split() == ["10001"] * 4
    assert {facts[name] for name in ("CapEff", "CapPrm", "CapBnd")} == {"0" * 16}
    assert facts["NoNewPrivs"] == "1"

    registry = claim / "artifacts" / "registry"
    version = (registry / "champion").read_text().strip()
    card = json.loads((registry / "versions" / version / "model.json").read_text())
    answer: dict[str, Any] = json.loads(
        api.exec("python", "-c", POST, json.dumps([card["example"]]), KEY)
    )
    assert answer["model_version"] == version
    assert 0 <= answer["predictions"][0]["probability"] <= 1

    (log,) = (claim / "artifacts" / "predictions").glob("*.jsonl")
    assert log.name.endswith(f"_{POD}.jsonl")
    assert answer["request_id"] in log.read_text()
    said = to_its_end(engine, line_image, pods["line"], claim, ["customer-churn", "monitor"])
    assert "monitor " in said
    query = f"{answer['request_id']}-0"
    counted = to_its_end(
        engine,
        line_image,
        pods["line"],
        claim,
        ["python", "-c", COUNT, query],
    )
    assert counted.strip() == "1"


def test_the_apis_pod_ends_by_itself_in_the_time_it_is_left(
    api: Container, engine: Engine, pods: dict[str, Object]
) -> None:
    grace = pods["api"]["terminationGracePeriodSeconds"]
    engine.docker("stop", f"--time={grace}", api.id)
    assert api.inspect()["State"]["ExitCode"] == 0


def to_its_end(
    engine: Engine, image: str, pod: Object, claim: Path, command: list[str] | None = None
) -> str:
    """Run a pod's container, or another command in its place; give what it printed."""
    (container,) = pod["containers"]
    options = as_the_pod_says(pod, claim)
    with engine.run(
        image, *options, network="none", command=command or container["args"]
    ) as running:
        wait_for(lambda: running.inspect()["State"]["Status"] == "exited", timeout=240)
        said = running.logs()
        assert running.inspect()["State"]["ExitCode"] == 0, said[-4000:]
    return said


def as_the_pod_says(pod: Object, claim: Path) -> list[str]:
    """Give the options of `docker run` that mean the same as a pod's spec of one container."""
    (container,) = pod["containers"]
    whole, own = pod["securityContext"], container["securityContext"]
    assert whole["seccompProfile"]["type"] == "RuntimeDefault"  # as Docker has it, unasked
    options = [
        f"--user={whole['runAsUser']}:{whole['runAsGroup']}",
        f"--group-add={whole['fsGroup']}",
        f"--memory={container['resources']['limits']['memory'].removesuffix('i')}",
        *(f"--cap-drop={name}" for name in own["capabilities"]["drop"]),
        "--no-healthcheck",
    ]
    options += ["--read-only"] if own["readOnlyRootFilesystem"] else []
    if not own["allowPrivilegeEscalation"]:
        options.append("--security-opt=no-new-privileges:true")
    kinds = {volume["name"]: volume for volume in pod["volumes"]}
    for mount in container["volumeMounts"]:
        if "emptyDir" in kinds[mount["name"]]:
            options.append(f"--tmpfs={mount['mountPath']}:mode=1777")
            continue
        folder = claim / mount["subPath"]
        made_as_the_kubelet_does(folder, claim)
        mode = "ro" if mount.get("readOnly") else "rw"
        options.append(f"--volume={folder}:{mount['mountPath']}:{mode}")
    options += [f"--env={name}={value}" for name, value in variables(container).items()]
    return options


def made_as_the_kubelet_does(folder: Path, claim: Path) -> None:
    """Make the folder of a `subPath` where it is missing, with the volume's own rights."""
    for part in (*reversed(folder.relative_to(claim).parents), folder.relative_to(claim)):
        if not (claim / part).exists():
            (claim / part).mkdir()
            os.chown(claim / part, 0, claim.stat().st_gid)
            (claim / part).chmod(claim.stat().st_mode)


def variables(container: Object) -> dict[str, str]:
    """Give a container's variables, its secret being ours."""
    found = dict(SECRET) if container.get("envFrom") else {}
    for variable in container.get("env", []):
        origin = variable.get("valueFrom", {})
        if "secretKeyRef" in origin:
            found[variable["name"]] = SECRET[origin["secretKeyRef"]["key"]]
        elif "fieldRef" in origin:
            assert origin["fieldRef"]["fieldPath"] == "metadata.name"
            found[variable["name"]] = POD
        else:
            found[variable["name"]] = variable["value"]
    return found


def passes(running: Container, container: Object, kind: str) -> None:
    """Wait for a probe, as often and as long as it says."""
    probe = container[kind]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    request = probe["httpGet"]
    url = f"http://127.0.0.1:{ports[request['port']]}{request['path']}"
    said = ""
    for _ in range(probe.get("failureThreshold", 3)):
        said = running.exec("python", "-c", GET, url, str(probe.get("timeoutSeconds", 1))).strip()
        if said == "200":
            return
        time.sleep(probe["periodSeconds"])
    raise AssertionError(f"{kind}: {said}")
