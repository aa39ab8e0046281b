"""`docker compose up --wait`: the API, who looks after it and Prometheus, on a real engine.

Without a registry, Debian's Prometheus stands in for the image of that name; Grafana's cannot be
had, so its service stays down here, and only its files are looked at (test_prometheus.py).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.services.availability import unavailable
from tests.services.base_image import BASE_PYTHON
from tests.services.compose import Stack, stack
from tests.services.docker import DockerMissingError, Engine, without_digests
from tests.services.ports import wait_for
from tests.services.rendered import Project, champion, example_record, render

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "a key of the tests"
PROMETHEUS = f"""
FROM python:{BASE_PYTHON}-slim-bookworm
COPY prometheus promtool /bin/
RUN install --directory --owner nobody /prometheus
USER nobody
VOLUME /prometheus
ENTRYPOINT ["/bin/prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
"""
# One network for all, which nothing outside reaches: a private engine has no bridge.
ONE_NETWORK = """
services:
  api:
    network_mode: none
    ports: !reset []
  watch:
    network_mode: service:api
    command: ["customer-churn", "watch", "--url", "http://127.0.0.1:8000"]
    environment:
      WATCH__EVERY: "1"
  prometheus:
    network_mode: service:api
    ports: !reset []
    volumes:
      - ./prometheus-here.yaml:/etc/prometheus/prometheus.yml:ro
"""
ASK = """
import sys, urllib.request
body = sys.argv[3].encode() if len(sys.argv) > 3 else None
request = urllib.request.Request(sys.argv[2], body, {"X-API-Key": sys.argv[1]})
print(urllib.request.urlopen(request).read().decode())
"""


@pytest.fixture(scope="module")
def project(default_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The default project with its champion, for the Python of the tests' base image."""
    folder = tmp_path_factory.mktemp("compose") / "customer-churn"
    project = render(folder, python_version=BASE_PYTHON)
    registry = Path("artifacts", "registry")
    shutil.copytree(default_project.folder / registry, folder / registry)
    return project


@pytest.fixture(scope="module")
def up(engine: Engine, project: Project) -> Iterator[Stack]:
    """The stack, healthy."""
    deploy = project.folder / "deploy"
    engine.build(project.folder, deploy / "Dockerfile", project.slug)
    files = [deploy / "compose.yaml"]
    if engine.private:
        files[0].write_text(without_digests(files[0].read_text()))
        prometheus = yaml.safe_load(files[0].read_text())["services"]["prometheus"]["image"]
        stand_in_for(prometheus, engine, project.folder.with_name("prometheus-image"))
        here = (deploy / "prometheus.yaml").read_text().replace("api:8000", "127.0.0.1:8000")
        (deploy / "prometheus-here.yaml").write_text(here.replace("15s", "1s"))
        files.append(deploy / "override.yaml")
        files[1].write_text(ONE_NETWORK)
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    with stack(engine, files, "fourhats-stack", API_KEY_HASHES=digest) as services:
        services.compose("up", "--wait", "--no-build", "--wait-timeout", "120")
        yield services


def stand_in_for(image: str, engine: Engine, folder: Path) -> None:
    """Give a private engine Debian's Prometheus under an image's name."""
    folder.mkdir()
    for program in ("prometheus", "promtool"):
        found = shutil.which(program)
        if found is None:
            unavailable(DockerMissingError("no Prometheus here: install Debian's prometheus"))
        shutil.copy(found, folder)
    (folder / "Dockerfile").write_text(PROMETHEUS)
    engine.build(folder, folder / "Dockerfile", image)


def ask(up: Stack, url: str, *body: str) -> dict[str, Any]:
    said = up.compose("exec", "-T", "api", "python", "-c", ASK, KEY, url, *body)
    return dict(json.loads(said))


def services(up: Stack) -> dict[str, dict[str, Any]]:
    """Return what the engine knows about each service's container."""
    found = {}
    for name in up.compose("ps", "--services").split():
        identity = up.compose("ps", "--quiet", name).strip()
        found[name] = json.loads(up.engine.docker("inspect", identity))[0]
    return found


def test_all_of_it_comes_up_healthy(up: Stack) -> None:
    health = {name: facts["State"]["Health"]["Status"] for name, facts in services(up).items()}
    assert health == dict.fromkeys(("api", "watch", "prometheus"), "healthy")


def test_none_of_it_may_write_where_it_should_not_nor_take_all_the_memory(up: Stack) -> None:
    for name, facts in services(up).items():
        host = facts["HostConfig"]
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert host["Memory"] > 0, name
        assert up.compose("exec", "-T", name, "id", "-u").strip() != "0", name


def test_it_predicts_and_prometheus_counts_it(up: Stack, project: Project) -> None:
    record = json.dumps([example_record(project)])
    answer = ask(up, "http://127.0.0.1:8000/predict", record)
    assert answer["model_version"] == champion(project)
    query = "http://127.0.0.1:9090/api/v1/query?query=predict_requests_total"
    wait_for(lambda: ask(up, query)["data"]["result"] != [], timeout=40)
    rules = ask(up, "http://127.0.0.1:9090/api/v1/rules")["data"]["groups"]
    assert {rule["name"] for group in rules for rule in group["rules"]} >= {"ApiDown", "ApiSlow"}


def test_who_looks_after_it_tells_when_it_hangs_and_when_it_goes_on(up: Stack) -> None:
    def said(words: str) -> bool:
        return words in up.compose("logs", "--no-color", "watch")

    assert not said("ALERT")
    up.compose("pause", "api")
    try:
        wait_for(lambda: said("ALERT firing api:down"), timeout=30)
    finally:
        up.compose("unpause", "api")
    wait_for(lambda: said("ALERT resolved api:down"), timeout=30)
