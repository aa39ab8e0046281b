"""Making the application does nothing; starting it opens all, and ending it closes all."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.testclient import TestClient
from fourhats_runtime import Project
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.serve import create_app, keys
from fourhats_runtime.serve.app import Service

from tests.runtime.configured import configured
from tests.runtime.handmade import EXAMPLE


def test_making_it_needs_no_folder_and_starts_nothing(made: Project, tmp_path: Path) -> None:
    before = threading.active_count()
    create_app(replace(made, root=tmp_path / "nowhere"))
    create_app(made)
    assert threading.active_count() == before
    assert not (made.artifacts / "predictions").exists()


def test_ones_own_is_entered_when_the_champion_is_loaded_and_left_before_it_goes(
    made: Project,
) -> None:
    noted: list[str] = []

    @asynccontextmanager
    async def own(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        assert isinstance(app, Service)
        assert app.predictor is not None
        noted.append("begins")
        yield {"greeting": "hello"}
        assert app.predictor is not None
        noted.append("ends")

    app = create_app(made, lifespan=own, title="Ours")

    @app.get("/greeting")
    def greeting(request: Request) -> str:
        return str(request.state.greeting)

    with TestClient(app) as client:
        assert noted == ["begins"]
        assert client.get("/greeting").json() == "hello"
        assert client.post("/predict", json=[EXAMPLE]).status_code == 200
        assert client.get("/openapi.json").json()["info"]["title"] == "Ours"
    assert noted == ["begins", "ends"]


def test_that_of_a_router_is_entered_too(made: Project) -> None:
    noted: list[str] = []

    @asynccontextmanager
    async def of_router(_app: FastAPI) -> AsyncIterator[None]:
        noted.append("begins")
        yield
        noted.append("ends")

    app = create_app(made)
    app.include_router(APIRouter(lifespan=of_router))
    with TestClient(app) as client:
        assert client.get("/ready").status_code == 200
    assert noted == ["begins", "ends"]


def test_before_it_starts_only_ones_own_routes_answer_and_a_key_is_asked_for(
    made: Project,
) -> None:
    key, digest = keys.make()
    app = create_app(configured(made, digest))

    @app.get("/owner")
    def owner() -> str:
        return "me"

    client = TestClient(app)
    assert client.get("/owner").status_code == 401
    assert client.get("/owner", headers={"x-api-key": key}).json() == "me"
    for answer in (
        client.post("/predict", json=[EXAMPLE], headers={"x-api-key": key}),
        client.get("/ready"),
        client.get("/"),
    ):
        assert answer.status_code == 503
        assert "has not started" in answer.text
    assert client.get("/health").status_code == 200


def test_it_ends_whole_and_starts_again(made: Project) -> None:
    app = create_app(made)
    before = threading.active_count()
    for _ in range(2):
        with TestClient(app) as client:
            assert client.post("/predict", json=[EXAMPLE]).status_code == 200
            assert client.post("/explain", json=[EXAMPLE]).status_code == 200  # in a thread
        assert threading.active_count() <= before
    assert TestClient(app).get("/ready").status_code == 503


@pytest.mark.parametrize("failing", ["predictions", "outcomes"])
def test_a_folder_that_cannot_be_written_keeps_it_from_starting(
    made: Project, failing: str
) -> None:
    (made.artifacts / failing).write_text("", encoding="utf-8")
    before = threading.active_count()
    app = create_app(made)
    with pytest.raises(ProjectError, match=f"{failing} cannot be written"):
        TestClient(app).__enter__()
    assert threading.active_count() <= before


def test_what_is_set_by_half_keeps_it_from_starting(made: Project) -> None:
    app = create_app(configured(made, serve={"oidc_issuer": "https://login.example.com"}))
    with pytest.raises(ProjectError, match="oidc_audience is not"):
        TestClient(app).__enter__()
