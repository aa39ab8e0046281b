"""What stands in front of the API: keys, limits, headers, a line in the log for each request."""

import asyncio
import base64
import hashlib
import json
import threading
from collections.abc import MutableMapping
from functools import partial
from typing import Any

import pytest
from fastapi import Request
from fastapi.testclient import TestClient
from fourhats_runtime import Project
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.serve import create_app, handlers, keys, server
from fourhats_runtime.serve.addresses import is_this_machine

from tests.runtime.configured import configured
from tests.runtime.handmade import EXAMPLE

BY_A_PROXY = (
    *("Forwarded", "Via", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP"),
    *("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port"),
    *("X-Forwarded-Server", "X-Original-Forwarded-For", "X-Envoy-External-Address"),
)
GUARDED = ("/predict", "/explain", "/outcomes", "/", "/file")


def serve_with(ran: Project, *hashes: str, **limits: Any) -> TestClient:  # noqa: ANN401
    """Give the API under these limits, for those who have one of the keys."""
    return TestClient(create_app(configured(ran, *hashes, serve=limits)))


def logged(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capfd.readouterr().err.splitlines()]


def test_without_keys_everybody_on_this_machine_may_ask(
    client: TestClient, record: dict[str, Any]
) -> None:
    assert client.post("/predict", json=[record]).status_code == 200


def test_without_keys_other_machines_are_refused_unless_told_otherwise(ran: Project) -> None:
    with pytest.raises(ProjectError, match="API_KEY_HASHES"):
        server.run(ran, "0.0.0.0", 8000, to_everybody=False)  # noqa: S104


@pytest.mark.parametrize(
    ("host", "expected"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("::", False)]
)
def test_this_machine_is_known_by_its_addresses(host: str, *, expected: bool) -> None:
    assert is_this_machine(host) is expected


@pytest.mark.parametrize("path", GUARDED)
def test_a_key_is_asked_for_where_there_are_any(path: str, ran: Project) -> None:
    _, digest = keys.make()
    with serve_with(ran, digest) as client:
        for headers in ({}, {"x-api-key": "wrong"}, {"authorization": f"Bearer {digest}"}):
            refused = client.post(path, content=b"[", headers=headers)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"]


def test_a_key_is_taken_in_three_ways(ran: Project, record: dict[str, Any]) -> None:
    key, digest = keys.make()
    basic = base64.b64encode(f"anybody:{key}".encode()).decode()
    with serve_with(ran, digest) as client:
        for headers in (
            {"x-api-key": key},
            {"authorization": f"Bearer {key}"},
            {"authorization": f"Basic {basic}"},
        ):
            assert client.post("/predict", json=[record], headers=headers).status_code == 200


def test_old_and_new_key_are_good_at_once(ran: Project, record: dict[str, Any]) -> None:
    (old, old_hash), (new, new_hash) = keys.make(), keys.make()
    with serve_with(ran, old_hash, new_hash) as client:
        for key in (old, new):
            headers = {"x-api-key": key}
            assert client.post("/predict", json=[record], headers=headers).status_code == 200


def test_probes_and_page_are_shown_without_a_key(ran: Project) -> None:
    _, digest = keys.make()
    with serve_with(ran, digest) as client:
        for path in ("/health", "/ready", "/metrics", "/", "/docs"):
            assert client.get(path).status_code == 200


def test_a_key_is_256_random_bits_and_its_hash_is_sha256() -> None:
    key, digest = keys.make()
    assert len(base64.urlsafe_b64decode(key + "=")) == 32
    assert hashlib.sha256(key.encode()).hexdigest() == digest


def test_a_body_that_is_too_long_is_refused(ran: Project, record: dict[str, Any]) -> None:
    with serve_with(ran, max_body_bytes=100) as client:
        assert client.post("/predict", content=b"x" * 100).status_code == 422
        assert client.post("/predict", content=b"x" * 101).status_code == 413
        in_pieces = client.post("/predict", content=(b"x" * 30 for _ in range(4)))
        assert in_pieces.status_code == 413
    assert "max_body_bytes" in in_pieces.json()["detail"]
    with serve_with(ran) as client:
        assert client.post("/predict", json=[record]).status_code == 200


def test_more_than_may_be_in_flight_are_refused_at_once(
    ran: Project, record: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "LONG_BODY", 0)  # every request is a thread's
    began, go_on = threading.Event(), threading.Event()
    predict = handlers.predict

    def hold_up(*arguments: Any) -> Any:  # noqa: ANN401
        began.set()
        assert go_on.wait(20)
        return predict(*arguments)

    monkeypatch.setattr(handlers, "predict", hold_up)
    answers = []
    with serve_with(ran, max_in_flight=1) as client:

        def ask() -> None:
            answers.append(client.post("/predict", json=[record]))

        thread = threading.Thread(target=ask)
        thread.start()
        assert began.wait(20)
        refused = client.post("/predict", json=[record])
        alive = client.get("/health")
        go_on.set()
        thread.join()
        again = client.post("/predict", json=[record])
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert [alive.status_code, answers[0].status_code, again.status_code] == [200, 200, 200]


def test_what_takes_too_long_is_given_up(
    ran: Project, record: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "LONG_BODY", 0)
    go_on = threading.Event()
    monkeypatch.setattr(handlers, "predict", lambda *_: go_on.wait(20))
    with serve_with(ran, timeout_seconds=0.05) as client:
        late = client.post("/predict", json=[record])
        go_on.set()
    assert late.status_code == 503
    assert "took too long" in late.json()["detail"]


def test_a_fault_is_answered_and_logged_without_the_request(
    ran: Project,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(handlers, "predict_all", fail)
    with serve_with(ran) as client:
        response = client.post("/predict", content=b"secret", headers={"x-request-id": "it"})
    assert response.status_code == 500
    assert "broken" not in response.text
    (line,) = logged(capfd)
    assert (line["level"], line["request_id"], line["status"]) == ("error", "it", 500)


def test_every_answer_carries_id_and_security_headers(
    client: TestClient, record: dict[str, Any]
) -> None:
    given = {"x-request-id": "mine"}
    answers = [client.post("/predict", json=[record], headers=given)]
    answers += [client.get(path, headers=given) for path in ("/", "/ready", "/nowhere", "/predict")]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 404, 405]
    for answer in answers:
        assert answer.headers["x-request-id"] == "mine"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "same-origin"


def test_the_page_may_run_no_script_and_no_style_but_its_own(client: TestClient) -> None:
    page = client.get("/")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    style = page.text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert client.post("/", data={}).headers["content-security-policy"] == policy


def test_the_page_of_monitoring_is_shown_to_who_has_a_key(ran: Project) -> None:
    key, digest = keys.make()
    with serve_with(ran, digest) as client:
        refused = client.get("/monitor")
        page = client.get("/monitor", headers={"x-api-key": key})
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Basic")
    assert "incident" not in refused.text
    assert page.status_code == 200
    assert "o open incident" in page.text
    style = page.text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in page.headers["content-security-policy"]
    assert "script-src" not in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"


def test_without_a_run_the_page_of_monitoring_says_so(ran: Project, client: TestClient) -> None:
    (ran.artifacts / "reports" / "monitor.html").unlink()
    assert "has not run yet" in client.get("/monitor").text


@pytest.mark.parametrize("given", ["", "a b", "a\tb", "x" * 65, '{"a":1}', "<script>", "../up"])
def test_a_request_id_that_could_do_harm_is_replaced(
    given: str, client: TestClient, record: dict[str, Any]
) -> None:
    answer = client.post("/predict", json=[record], headers={"x-request-id": given})
    assert answer.json()["request_id"] == answer.headers["x-request-id"] != given


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_pages_of_other_sites_may_not_ask(ran: Project, record: dict[str, Any], site: str) -> None:
    foreign = {"origin": "https://desk.example.com", "sec-fetch-site": site}
    with serve_with(ran) as client:
        refused = client.post("/predict", json=[record], headers=foreign)
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers
    with serve_with(ran, allow_origins=["https://desk.example.com"]) as client:
        answer = client.post("/predict", json=[record], headers=foreign)
        other = client.post("/predict", json=[record], headers=foreign | {"origin": "https://x.y"})
    assert answer.headers["access-control-allow-origin"] == "https://desk.example.com"
    assert [answer.status_code, other.status_code] == [200, 403]


@pytest.mark.parametrize(
    ("origin", "host", "expected"),
    [
        ("http://api.example.com", "api.example.com", 200),
        ("https://api.example.com", "api.example.com", 200),  # TLS ends before the API
        ("http://192.0.2.7:8000", "192.0.2.7:8000", 200),
        ("http://192.0.2.7:8001", "192.0.2.7:8000", 403),
        ("https://desk.example.com", "api.example.com", 403),
        ("http://api.example.com.evil.example", "api.example.com", 403),
        ("null", "api.example.com", 403),
        ("null", "", 403),
        ("", "api.example.com", 403),
        ("https://known.example.com", "api.example.com", 200),
    ],
)
def test_where_a_browser_says_no_more_the_origin_tells_of_what_site_a_page_is(
    made: Project, origin: str, host: str, expected: int
) -> None:
    with serve_with(made, allow_origins=["https://known.example.com"]) as client:
        headers = {"origin": origin, "host": host}
        answer = client.post("/predict", json=[EXAMPLE], headers=headers)
        page = client.post("/", data={}, headers=headers)
        shown = [ask("/", headers=headers).status_code for ask in (client.get, client.head)]
    assert [answer.status_code, page.status_code == 403] == [expected, expected == 403]
    assert shown == [200, 200]


def local(project: Project, *hashes: str) -> TestClient:
    """Give the API as it is asked at an address of this machine alone."""
    return TestClient(create_app(configured(project, *hashes)), base_url="http://127.0.0.1:8000")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost:9000", 200),
        ("LOCALHOST", 200),
        ("127.0.0.1", 200),
        ("[::1]:8000", 200),
        ("evil.example:8000", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("evil.example@localhost", 403),
        ("localhost/evil.example", 403),
        ("0.0.0.0:8000", 403),
        ("[", 403),
        ("", 403),
    ],
)
def test_without_keys_only_names_of_this_machine_are_answered(
    made: Project, host: str, expected: int
) -> None:
    with local(made) as client:
        for ask in (
            partial(client.post, "/predict", json=[EXAMPLE]),
            partial(client.get, "/metrics"),
            partial(client.get, "/"),
        ):
            answer = ask(headers={"host": host})
            assert answer.status_code == expected
            assert expected == 200 or "API_KEY_HASHES" in answer.json()["detail"]


def test_without_keys_nobody_may_ask_through_a_proxy(made: Project) -> None:
    with local(made) as client:
        for ask in (partial(client.post, "/predict", json=[EXAMPLE]), partial(client.get, "/")):
            assert ask().status_code == 200
            for name in BY_A_PROXY:
                refused = ask(headers={name: "203.0.113.9"})
                assert refused.status_code == 403, name
                assert "API_KEY_HASHES" in refused.json()["detail"]


def test_who_has_a_key_may_ask_by_any_name_and_through_a_proxy(made: Project) -> None:
    key, digest = keys.make()
    headers = {"host": "api.example.com", "x-forwarded-for": "203.0.113.9"}
    with local(made, digest) as client:
        assert client.get("/ready", headers=headers).status_code == 200
        asked = client.post("/predict", json=[EXAMPLE], headers=headers | {"x-api-key": key})
    assert asked.status_code == 200


@pytest.mark.parametrize("path", ["/predict", "/owner"])
@pytest.mark.parametrize(("pause", "expected"), [(0.05, 200), (60.0, 408)])
def test_a_body_may_take_the_time_that_is_set_and_no_more(
    made: Project, path: str, pause: float, expected: int
) -> None:
    app = create_app(configured(made, serve={"timeout_seconds": 1.0}))

    @app.post("/owner")
    async def owner(request: Request) -> int:
        return len(await request.body())

    body, answered = json.dumps([EXAMPLE]).encode(), []
    head = [(b"content-length", str(len(body)).encode()), (b"host", b"localhost")]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": head}

    async def ask() -> None:
        parts = [body[:1], body[1:]]

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(pause)
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def send(message: MutableMapping[str, Any]) -> None:
            answered.append(message.get("status"))

        await app(scope, receive, send)

    with TestClient(app) as client:
        assert client.portal is not None
        client.portal.call(ask)
    assert answered[0] == expected


def test_a_probe_is_logged_when_it_fails(fresh: Project, capfd: pytest.CaptureFixture[str]) -> None:
    with local(fresh) as client:
        client.get("/health")
        client.get("/ready")
    asked = [line for line in logged(capfd) if "path" in line]
    assert [(line["path"], line["status"]) for line in asked] == [("/ready", 503)]


def test_head_is_logged_as_it_was_asked(made: Project, capfd: pytest.CaptureFixture[str]) -> None:
    with local(made) as client:
        assert client.head("/").status_code == 200
    (line,) = logged(capfd)
    assert (line["method"], line["path"]) == ("HEAD", "/")


def test_a_line_of_json_is_logged_for_each_request_without_its_content(
    ran: Project, record: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    key, digest = keys.make()
    with serve_with(ran, digest) as client:
        headers = {"x-request-id": "mine", "x-api-key": key}
        answer = client.post("/predict?who=me", json=[record, record], headers=headers)
        client.get("/health")
        client.post("/predict", json=[record])
    line, refused = logged(capfd)
    assert line.pop("ms") > 0
    assert line.pop("at")
    assert line == {
        "level": "info",
        "request_id": "mine",
        "method": "POST",
        "path": "/predict",
        "status": 200,
        "caller": digest[:8],
        "model_version": answer.json()["model_version"],
        "records": 2,
    }
    assert refused["status"] == 401
