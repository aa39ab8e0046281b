"""The page /docs loads nothing from elsewhere; that it shows the API, a browser says."""

import re
from urllib.parse import urljoin

import pytest
from fastapi.testclient import TestClient
from fourhats_runtime import Project
from fourhats_runtime.serve import create_app


@pytest.mark.parametrize("docs_url", ["/docs", "/api/about"])
def test_what_the_page_loads_is_its_own(docs_url: str, made: Project) -> None:
    with TestClient(create_app(made, docs_url=docs_url)) as client:
        page = client.get(docs_url)
        named = re.findall(r"(?:src|href)=\"([^\"]+)\"|url: '([^']+)'", page.text)
        addresses = [urljoin(docs_url, link or url) for link, url in named]
        found = [client.get(address) for address in addresses]
    assert len(addresses) == 4
    assert {answer.status_code for answer in found} == {200}
    assert "https:" not in page.text
    types = {answer.headers["content-type"].partition(";")[0] for answer in found}
    assert types == {"text/javascript", "text/css", "image/png", "application/json"}


def test_its_policy_lets_no_other_script_run_and_no_request_leave(made: Project) -> None:
    with TestClient(create_app(made)) as client:
        policy = client.get("/docs").headers["content-security-policy"]
    allowed = dict(part.partition(" ")[::2] for part in policy.split("; "))
    assert allowed["default-src"] == "'none'"
    assert re.fullmatch(r"'self' 'sha256-[\w+/]+='", allowed["script-src"])
    assert allowed["style-src"] == allowed["connect-src"] == "'self'"
    assert "unsafe" not in policy


def test_no_file_but_its_own_is_given(made: Project) -> None:
    with TestClient(create_app(made)) as client:
        for name in ("redoc.standalone.js", "..%2fcore.py", "nothing", "oauth2-redirect"):
            assert client.get(f"/docs/{name}").status_code == 404


def test_it_may_be_left_out(made: Project) -> None:
    for left_out in ({"docs_url": None}, {"openapi_url": None}):
        with TestClient(create_app(made, **left_out)) as client:
            assert client.get("/docs").status_code == 404
