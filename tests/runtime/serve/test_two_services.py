"""Two services in one process have nothing in common."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from fourhats_runtime import Project
from fourhats_runtime.serve import create_app, keys
from fourhats_runtime.serve.protocol import Config, ImpatientProtocol

from tests.runtime.configured import configured
from tests.runtime.handmade import handmade, probability
from tests.runtime.sample_project import sample_project

RECORD = {"fee": 10.0}


@pytest.fixture
def other(tmp_path: Path) -> Project:
    """Give a project whose champion decides the other way round."""
    return handmade(sample_project(tmp_path / "other", name="other"), scale=-1.0)


def asked(client: TestClient) -> float:
    answer = client.post("/predict", json=[RECORD])
    return float(answer.json()["predictions"][0]["probability"])


def test_each_answers_by_its_own_champion_into_its_own_log(made: Project, other: Project) -> None:
    with TestClient(create_app(made)) as one, TestClient(create_app(other)) as two:
        for _ in range(2):
            assert asked(one) == pytest.approx(probability(10.0, 0))
            assert asked(two) == pytest.approx(probability(-10.0, 0))
        titles = [client.get("/openapi.json").json()["info"]["title"] for client in (one, two)]
    assert titles == ["sample", "other"]
    for project in (made, other):
        (file,) = (project.artifacts / "predictions").glob("*.jsonl")
        assert len(file.read_text(encoding="utf-8").splitlines()) == 2


def test_each_counts_for_itself(made: Project, other: Project) -> None:
    with TestClient(create_app(made)) as one, TestClient(create_app(other)) as two:
        for client in (one, one, two):
            asked(client)
        counts = [client.get("/metrics").text for client in (one, two)]
    assert 'predict_requests_total{status="200"} 2.0' in counts[0]
    assert 'predict_requests_total{status="200"} 1.0' in counts[1]


def test_each_has_its_own_keys_and_limits(made: Project, other: Project) -> None:
    _, digest = keys.make()
    first = create_app(configured(made, digest))
    second = create_app(configured(other, serve={"max_body_bytes": 5}))
    with TestClient(first) as one, TestClient(second) as two:
        assert one.post("/predict", json=[RECORD]).status_code == 401
        assert two.post("/predict", json=[RECORD]).status_code == 413


def test_each_waits_as_long_as_it_is_set_to(made: Project, other: Project) -> None:
    patiences = []
    for project, patience in ((made, 1.0), (other, 30.0)):
        config = Config(create_app(project), patience=patience)
        config.load()
        patiences.append(config.http_protocol_class)
        assert config.patience == patience
    assert patiences == [ImpatientProtocol] * 2
