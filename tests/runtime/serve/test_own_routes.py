"""Routes of one's own are FastAPI's, and stand under the same guards as the service's."""

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, Response, WebSocket
from fastapi.testclient import TestClient
from fourhats_runtime import Project
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.serve import create_app, keys, public
from pydantic import BaseModel
from starlette.routing import Route
from starlette.types import Message
from starlette.websockets import WebSocketDisconnect

from tests.runtime.configured import configured
from tests.runtime.handmade import EXAMPLE

FOREIGN = {"origin": "https://desk.example.com", "sec-fetch-site": "cross-site"}


class Prediction(BaseModel):
    """Has the name of a model of the service."""

    text: str


def served(project: Project, *hashes: str, **limits: Any) -> FastAPI:  # noqa: ANN401
    """Give an application with routes of its own, for those who have one of the keys."""
    app = create_app(configured(project, *hashes, serve=limits))

    def doubled(number: int = 1) -> int:
        return 2 * number

    @app.get("/double")
    def double(number: Annotated[int, Depends(doubled)]) -> int:
        return number

    @app.post("/notes", response_model=Prediction)
    async def note(given: Prediction) -> dict[str, str]:
        return {"text": given.text, "secret": "not in the model of the answer"}

    @app.get("/caller")
    def caller(request: Request) -> dict[str, str]:
        return {"caller": request.state.caller, "id": request.state.request_id}

    @app.get("/open/{name}")
    @public
    def opened(name: str, response: Response) -> str:
        response.headers["Cache-Control"] = "max-age=60"
        return name

    @app.get("/fails")
    def fails() -> None:
        raise RuntimeError("broken")

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    router = APIRouter(prefix="/more")

    @router.get("/here")
    def here() -> str:
        return "here"

    @router.get("/open")
    @public
    def open_here() -> str:
        return "open here"

    app.include_router(router)
    return app


def logged(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capfd.readouterr().err.splitlines()]


def test_they_are_answered_beside_the_services_own(made: Project) -> None:
    with TestClient(served(made)) as client:
        assert client.get("/double", params={"number": 4}).json() == 8
        assert client.post("/notes", json={"text": "a"}).json() == {"text": "a"}
        assert client.post("/notes", json={"words": "a"}).status_code == 422
        assert client.get("/more/here").json() == "here"
        assert client.post("/predict", json=[EXAMPLE]).status_code == 200


def test_they_are_described_and_no_model_hides_another(made: Project) -> None:
    with TestClient(served(made)) as client:
        document = client.get("/openapi.json").json()
    for path in ("/double", "/notes", "/more/here", "/predict", "/explain", "/outcomes"):
        assert path in document["paths"]
    schemas = document["components"]["schemas"]
    answer = document["paths"]["/notes"]["post"]["responses"]["200"]["content"]
    own = answer["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert set(schemas[own]["properties"]) == {"text"}
    answer = document["paths"]["/predict"]["post"]["responses"]["200"]["content"]
    listed = schemas[answer["application/json"]["schema"]["$ref"].rpartition("/")[2]]
    ours = schemas[listed["properties"]["predictions"]["items"]["$ref"].rpartition("/")[2]]
    assert set(ours["properties"]) == {
        "prediction",
        "probability",
        "probability_of",
        "decision",
        "expected_value",
    }


def test_each_answer_has_an_id_security_headers_and_a_line_in_the_log(
    made: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    key, digest = keys.make()
    given = {"x-request-id": "mine", "x-api-key": key}
    with TestClient(served(made, digest)) as client:
        answer = client.get("/caller?who=me", headers=given)
    assert answer.json() == {"caller": digest[:8], "id": "mine"}
    assert answer.headers["x-request-id"] == "mine"
    assert answer.headers["x-frame-options"] == "DENY"
    (line,) = logged(capfd)
    assert (line["path"], line["status"], line["caller"]) == ("/caller", 200, digest[:8])
    assert "me" not in line.values()


def test_what_a_route_says_of_its_own_answer_counts(made: Project) -> None:
    with TestClient(served(made)) as client:
        answer = client.get("/open/it")
    assert answer.headers.get_list("cache-control") == ["max-age=60"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/double"),
        ("POST", "/notes"),
        ("GET", "/more/here"),
        ("GET", "/nowhere"),
        ("POST", "/open/it"),
        ("GET", "/static/file"),
    ],
)
def test_a_key_is_asked_for_where_there_are_any(made: Project, method: str, path: str) -> None:
    key, digest = keys.make()
    app = served(made, digest)
    app.mount("/static", FastAPI())
    with TestClient(app) as client:
        refused = client.request(method, path, json={"text": "a"})
        answer = client.request(method, path, json={"text": "a"}, headers={"x-api-key": key})
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"]
    assert refused.headers["x-request-id"]
    assert answer.status_code in (200, 404, 405)


def test_what_is_public_is_open_to_everybody_and_nothing_beside_it(made: Project) -> None:
    _, digest = keys.make()
    app = served(made, digest)

    @app.get("/{anything}/{name}")
    @public
    def anything(anything: str, name: str) -> str:
        return anything + name

    @app.get("/late")
    def late() -> str:
        return "late"

    app.mount("/files", public(FastAPI()))
    with TestClient(app) as client:
        assert client.get("/open/it").json() == "it"
        assert client.get("/more/open").json() == "open here"
        assert client.get("/some/where").json() == "somewhere"
        assert client.get("/files/").status_code == 404
        for path in ("/more/here", "/late", "/double", "/monitor"):
            assert client.get(path).status_code == 401
        described = client.get("/openapi.json").json()["paths"]
    assert "security" in described["/double"]["get"]
    assert "security" in described["/more/here"]["get"]
    for path in ("/open/{name}", "/more/open", "/health"):
        assert "security" not in described[path]["get"]


def test_routes_that_come_as_an_option_are_guarded_too(made: Project) -> None:
    _, digest = keys.make()

    def given(_request: Request) -> Response:
        return Response("given")

    project = configured(made, digest)
    with TestClient(create_app(project, routes=[Route("/given", given)])) as client:
        assert client.get("/given").status_code == 401
        assert client.get("/docs").status_code == 200


def test_pages_of_other_sites_may_read_but_not_change(made: Project) -> None:
    with TestClient(served(made)) as client:
        assert client.post("/notes", json={"text": "a"}, headers=FOREIGN).status_code == 403
        assert client.get("/double", headers=FOREIGN).status_code == 200
    with TestClient(served(made, allow_origins=[FOREIGN["origin"]])) as client:
        answer = client.post("/notes", json={"text": "a"}, headers=FOREIGN)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == FOREIGN["origin"]


def test_a_body_that_is_too_long_is_refused(made: Project) -> None:
    with TestClient(served(made, max_body_bytes=100)) as client:
        assert client.post("/notes", json={"text": "a" * 80}).status_code == 200
        assert client.post("/notes", json={"text": "a" * 101}).status_code == 413
        assert client.post("/notes", content=(b"x" * 30 for _ in range(4))).status_code == 413


def test_a_body_that_does_not_come_is_not_waited_for(made: Project) -> None:
    async def ask() -> list[Message]:
        app = served(made, timeout_seconds=0.05)
        sent: list[Message] = []

        async def receive() -> Message:
            await asyncio.sleep(20)
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [(b"content-length", b"10"), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/notes", "headers": headers}
        await app(scope, receive, send)
        return sent

    start, _ = asyncio.run(ask())
    assert start["status"] == 408


def test_more_than_may_be_in_flight_are_refused_at_once(made: Project) -> None:
    began, go_on = threading.Event(), threading.Event()
    app = served(made, max_in_flight=1)

    @app.get("/slow")
    def slow() -> str:
        began.set()
        assert go_on.wait(20)
        return "slow"

    answers = []
    with TestClient(app) as client:
        thread = threading.Thread(target=lambda: answers.append(client.get("/slow")))
        thread.start()
        assert began.wait(20)
        refused = [client.get("/double"), client.post("/predict", json=[EXAMPLE])]
        alive = client.get("/health")
        go_on.set()
        thread.join()
        again = client.get("/double")
    assert [answer.status_code for answer in refused] == [429, 429]
    assert [alive.status_code, answers[0].status_code, again.status_code] == [200, 200, 200]


def test_a_fault_is_answered_and_logged_and_no_more_is_in_flight(
    made: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    with TestClient(served(made, max_in_flight=1)) as client:
        answers = [client.get("/fails") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [500, 500]
    assert "broken" not in answers[0].text
    assert [line["level"] for line in logged(capfd)] == ["error", "error"]


def test_a_websocket_takes_a_key_and_a_page_that_may_ask(made: Project) -> None:
    key, digest = keys.make()
    with TestClient(served(made, digest)) as client:
        for headers in ({}, {"x-api-key": key, **FOREIGN}):
            with (
                pytest.raises(WebSocketDisconnect),
                client.websocket_connect("/live", headers=headers),
            ):
                pass
        with client.websocket_connect("/live", headers={"x-api-key": key}) as socket:
            assert socket.receive_text() == "hello"


def test_without_keys_a_websocket_takes_only_names_of_this_machine(made: Project) -> None:
    url = "ws://127.0.0.1:8000/live"
    with TestClient(served(made)) as client:
        with (
            pytest.raises(WebSocketDisconnect),
            client.websocket_connect(url, headers={"host": "evil.example"}),
        ):
            pass
        with client.websocket_connect(url, headers={"host": "localhost"}) as socket:
            assert socket.receive_text() == "hello"


def test_a_layer_of_ones_own_sees_every_request(made: Project) -> None:
    app = served(made)
    seen: list[str] = []

    @app.middleware("http")
    async def count(request: Request, call_next: Callable[[Request], Any]) -> Response:
        seen.append(request.url.path)
        answer: Response = await call_next(request)
        answer.headers["x-seen"] = "yes"
        return answer

    with TestClient(app) as client:
        answers = [client.post("/predict", json=[EXAMPLE]), client.get("/double")]
    assert seen == ["/predict", "/double"]
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["x-seen"] == "yes"
        assert answer.headers["x-request-id"]


def test_a_handler_of_ones_own_errors_is_asked(made: Project) -> None:
    app = served(made)

    @app.exception_handler(KeyError)
    def missing(_request: Request, _error: Exception) -> Response:
        return Response("no such thing", status_code=404)

    @app.get("/thing")
    def thing() -> str:
        return dict[str, str]()["thing"]

    with TestClient(app) as client:
        assert client.get("/thing").text == "no such thing"


@pytest.mark.parametrize("path", ["/predict", "/health", "/", "/file", "/docs"])
def test_a_route_that_would_never_be_asked_is_refused_by_name(made: Project, path: str) -> None:
    app = create_app(made)

    @app.get(path)
    def mine() -> str:
        return "mine"

    with pytest.raises(ProjectError, match=f"answers {path} itself: give the route mine another"):
        TestClient(app).__enter__()


def test_it_answers_below_the_path_that_it_is_mounted_at(made: Project) -> None:
    app = served(made)
    outer = FastAPI()
    outer.mount("/churn", app)
    with TestClient(app), TestClient(outer) as client:
        assert client.post("/churn/predict", json=[EXAMPLE]).status_code == 200
        assert client.get("/churn/double").json() == 2
        assert client.get("/churn/ready").status_code == 200
