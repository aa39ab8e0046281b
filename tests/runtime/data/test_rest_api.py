"""The REST API as a source: paged in every way, by a server that misbehaves when told to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from fourhats_runtime.data import Loaded, RestApi
from fourhats_runtime.errors import ProjectError

from tests.runtime.data.tables import with_table
from tests.services.rest_server import (
    PAGE,
    Handler,
    RestServer,
    half_a_page,
    no_json,
    rest_server,
    status,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourhats_runtime import Project

    from tests.services.rest_server import Fault

ROWS = 250  # two pages and a half
SECRETS = {
    "SHOP_KEY": "s3cret-key",
    "SHOP_TOKEN": "s3cret-token",
    "SHOP_CLIENT_ID": "client",
    "SHOP_CLIENT_SECRET": "s3cret+string",
}
WAYS: dict[str, dict[str, object]] = {
    "link": {},
    "body-link": {"records": "results", "next_path": "next"},
    "cursor": {
        "records": "data.items",
        "pagination": "cursor",
        "next_path": "meta.next",
        "page_parameter": "token",
    },
    "page": {
        "records": "data.items",
        "pagination": "page",
        "size_parameter": "limit",
        "page_size": 30,
    },
    "offset": {"records": "data.items", "pagination": "offset", "page_parameter": "offset"},
}
SINCE = {"cursor": "updated_at", "since_parameter": "updated_since"}


@dataclass
class Api:
    """A server with orders, and a project that reads them."""

    fresh: Project
    server: RestServer
    taken: int = field(default=0)

    def load(self, way: str, bookmark: str | None = None, **settings: object) -> Loaded:
        """Read by a way of paging, with further settings, into the table `orders`."""
        self.taken += 1
        source = RestApi("shop" if self.taken == 1 else f"shop_{self.taken}")
        chosen = {"url": f"{self.server.url}/{way}", **WAYS.get(way, {}), **settings}
        project = with_table(self.fresh, source.name, **chosen)
        assert source.configured(project)
        return source.load(self.connection, project, "orders", bookmark)

    def refused(self, way: str, **settings: object) -> str:
        """Read in vain: one line, and no secret."""
        with pytest.raises(ProjectError) as refused:
            self.load(way, None, **settings)
        text = str(refused.value)
        assert "s3cret" not in text
        assert len(text.splitlines()) == 1
        return text

    def rows(self, query: str = "FROM orders") -> list[tuple[Any, ...]]:
        """Give the rows that were read."""
        return self.connection.execute(query).fetchall()

    connection: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)


@pytest.fixture
def api(fresh: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """Give a server with orders, and a project that reads them."""
    for name, value in SECRETS.items():
        for number in ("", *(f"_{n}" for n in range(2, 6))):
            monkeypatch.setenv(name.replace("SHOP", f"SHOP{number}"), value)
    with rest_server() as server:
        server.records += [
            {"order": n, "home": {"city": "Zürich"}, "tags": ["a"], "updated_at": f"{n:04}"}
            for n in range(ROWS)
        ]
        yield Api(fresh, server)


@pytest.mark.parametrize("way", WAYS)
def test_every_page_is_read_and_objects_become_columns(way: str, api: Api) -> None:
    assert api.load(way) == Loaded()
    assert api.connection.table("orders").columns == ["order", "home.city", "tags", "updated_at"]
    expected = [(n, "Zürich", '["a"]', f"{n:04}") for n in range(ROWS)]
    assert api.rows() == expected
    most = -(-ROWS // (30 if way == "page" else PAGE))
    assert most <= len(api.server.asked) <= most + 1


def test_what_may_pass_is_asked_for_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    api.server.faults += [status(503), half_a_page, status(429, Retry_After="0"), status(500)]
    api.load("link")
    assert len(api.rows()) == ROWS
    api.server.faults += [status(500)] * 20
    assert "500" in api.refused("link")
    assert len(api.server.faults) == 15
    api.server.faults[:] = [status(418)]
    assert "418" in api.refused("link")


def test_an_api_is_waited_for_as_it_asks_but_no_hour(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waited.append)
    api.server.faults += [status(429, Retry_After="7"), status(503, Retry_After="soon")]
    api.load("link", max_wait=10)
    assert waited[0] == 7
    assert 0 < waited[1] <= 3
    for late in ("3600", "Fri, 31 Dec 2100 23:59:59 GMT", "Fri, 31 Dec 2100 23:59:59"):
        api.server.faults += [status(429, Retry_After=late)]
        assert "max_wait" in api.refused("link")
    assert len(waited) == 2


def test_only_what_changed_is_asked_for(api: Api) -> None:
    first = api.load("cursor", **SINCE)
    assert first.whole
    assert "updated_since" not in api.server.queries()[-1]
    again = api.load("cursor", first.bookmark, **SINCE)
    assert api.server.queries()[-1]["updated_since"] == f"{ROWS - 1:04}"
    assert not again.whole
    assert again.bookmark == first.bookmark
    assert len(api.rows()) == 1
    api.server.records.clear()
    assert api.load("cursor", first.bookmark, **SINCE) == again
    assert api.rows() == []
    assert api.connection.table("orders").columns[0] == "order"


def test_another_cursor_reads_everything_anew(api: Api) -> None:
    first = api.load("cursor", **SINCE)
    assert api.load("cursor", first.bookmark, **(SINCE | {"cursor": "order"})).whole
    assert len(api.rows()) == ROWS


def test_keys_and_tokens_are_sent_on_every_page(api: Api) -> None:
    api.server.wanted["X-Our-Key"] = SECRETS["SHOP_KEY"]
    api.load("cursor", auth="api_key", key_header="X-Our-Key")
    api.server.wanted.clear()
    api.server.wanted["Authorization"] = f"Bearer {SECRETS['SHOP_TOKEN']}"
    api.load("cursor", auth="bearer")
    said = api.refused("cursor")
    assert "401" in said
    assert "shop_3.auth" in said


def test_an_oauth2_token_is_fetched_and_renewed_when_it_runs_out(api: Api) -> None:
    def revoke(handler: Handler) -> None:
        api.server.wanted["Authorization"] = "nothing"
        handler.answer(401, {})

    api.server.wanted["Authorization"] = "nothing"
    oauth2 = {"auth": "oauth2", "token_url": f"{api.server.url}/token"}
    api.load("cursor", **oauth2)
    assert api.server.tokens == 1
    api.server.faults += [lambda handler: handler.page("/cursor", {}), revoke]
    api.load("cursor", **oauth2)
    assert api.server.tokens == 3
    nowhere = oauth2 | {"token_url": f"{api.server.url}/nowhere"}
    assert "shop_3.token_url" in api.refused("cursor", **nowhere)


def test_links_that_lead_in_circles_or_away_stop_it(api: Api) -> None:
    def to(link: str) -> Fault:
        headers = {"Link": f'<{link}>; rel="next"'}
        return lambda handler: handler.answer(200, api.server.records[:PAGE], headers)

    api.server.faults += [to("/link")] * 5
    assert "again and again" in api.refused("link")
    api.server.faults[:] = [to(f"/link?token={n}") for n in range(20)]
    assert "max_pages" in api.refused("link", max_pages=10)
    assert len(api.server.faults) == 10
    api.server.faults[:] = [to(api.server.url.replace("127.0.0.1", "localhost") + "/elsewhere")]
    assert "another host, localhost" in api.refused("link")
    assert not [path for path, _, _ in api.server.asked if path == "/elsewhere"]
    api.server.faults[:] = [lambda handler: handler.page("/page", {})] * 2
    assert "again and again" in api.refused("page")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "ftp://example.com/x"}, "shop.url has to start with https://"),
        ({"url": "https://user:s3cret-token@example.com/x"}, "must not hold a password"),
        ({"url": "http://127.0.0.1:1/x"}, "no answer from 127.0.0.1"),
        ({"records": "data"}, "is no list; it has data, meta"),
        ({"records": "meta.nothing"}, "shop.records"),
        ({"records": ""}, "the answer is no list"),
        ({"auth": "secret"}, "shop.auth"),
        ({"cursor": "updated_at"}, "shop.since_parameter"),
        ({**SINCE, "cursor": "no_such"}, "no column no_such"),
    ],
)
def test_wrong_settings_are_reported_in_one_line(
    settings: dict[str, object], words: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    assert words in api.refused("cursor", **settings)


def test_an_answer_that_holds_no_records_is_reported(api: Api) -> None:
    api.server.faults += [no_json]
    assert "no JSON" in api.refused("cursor")
    api.server.faults += [status(301, Location="https://new.example/cursor")]
    assert "new.example" in api.refused("cursor")
    assert "404" in api.refused("no-such-path")
    api.server.faults += [lambda handler: handler.answer(200, [["no", "object"]])]
    assert "a record is no JSON object" in api.refused("link")
    api.server.records.clear()
    assert "holds no records" in api.refused("link")


@pytest.mark.parametrize("secret", ["", "s3cret\n", "s3crét"])
def test_a_secret_that_no_header_may_hold_is_refused_without_being_shown(
    secret: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", secret.replace("\n", "\x7f"))
    assert "SHOP_TOKEN" in api.refused("link", auth="bearer")
