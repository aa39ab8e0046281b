"""Records of a REST API, paged in every way, from a server that misbehaves."""

from __future__ import annotations

import csv
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tests.services.rendered import Project, command, install, render
from tests.services.rest_server import (
    PAGE,
    Fault,
    Handler,
    RestServer,
    half_a_page,
    hang_up,
    late,
    no_json,
    rest_server,
    status,
)
from tests.services.tables import deliveries

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 250  # two pages and a half
SECRETS = {
    "REST_API_KEY": "s3cret-key",
    "REST_API_TOKEN": "s3cret-token",
    "REST_API_CLIENT_ID": "client",
    "REST_API_CLIENT_SECRET": "s3cret+string",
}
PATHS = {"RECORDS": "data.items"}
WAYS = {
    "link": {"RECORDS": ""},
    "body-link": {"RECORDS": "results", "NEXT_PATH": "next"},
    "cursor": {"PAGINATION": "cursor", "NEXT_PATH": "meta.next", "PAGE_PARAMETER": "token"},
    "page": {"PAGINATION": "page", "SIZE_PARAMETER": "limit", "PAGE_SIZE": "30"},
    "offset": {"PAGINATION": "offset", "PAGE_PARAMETER": "offset"},
}
Settings = dict[str, str]
NEWS = {"CURSOR": "updated_at", "SINCE_PARAMETER": "updated_since"}


@dataclass(frozen=True)
class Api:
    """The project and the server that it reads."""

    project: Project
    server: RestServer

    def extract(
        self, way: str, *words: str, check: bool = True, settings: Settings | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Extract by a way of paging, with further settings."""
        url = {"URL": f"{self.server.url}/{way}"}
        chosen = url | PATHS | WAYS.get(way, {}) | (settings or {})
        env = {f"REST_API__{name}": value for name, value in chosen.items()} | SECRETS
        return command(self.project, "extract", *words, env=env, check=check)

    def refused(self, way: str, settings: Settings | None = None) -> str:
        """Extract in vain: one line, no secret, and what was there is still there."""
        before = self.tables()
        done = self.extract(way, check=False, settings=settings)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert "s3cret" not in done.stderr
        assert self.tables() == before
        return done.stderr

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the project's warehouse."""
        path = self.project.folder / "artifacts" / "warehouse.duckdb"
        with duckdb.connect(path, read_only=True) as connection:
            return connection.execute(query).fetchall()

    def tables(self) -> list[tuple[Any, ...]]:
        """Give what was extracted so far, and how far it came."""
        if not (self.project.folder / "artifacts" / "warehouse.duckdb").exists():
            return []
        names = self.rows("SELECT table_name FROM duckdb_tables() ORDER BY ALL")
        kept = [name for (name,) in names if name in {"raw_rest_api", "bookmarks"}]
        return [row for name in kept for row in self.rows(f"FROM {name}")]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("rest-api")
    deliveries(folder / "deliveries.csv", ROWS, open_rows=0)
    project = install(
        render(
            folder / "delivery-times",
            project_name="Delivery times",
            task="regression",
            worked_example=False,
            data_sources=["rest_api"],
            serving=["batch"],
            orchestrator="none",
        )
    )
    table = str(folder / "deliveries.csv")
    command(project, "contract", "infer", table, "--target", "hours", "--force")
    return project


@pytest.fixture
def api(project: Project, tmp_path: Path) -> Iterator[Api]:
    """A server with deliveries, and a project that has not read them yet."""
    table = project.folder.parent / "deliveries.csv"
    with rest_server() as server:
        with table.open(encoding="utf-8", newline="") as file:
            server.records += [_record(row) for row in csv.DictReader(file)]
        yield Api(project, server)
    artifacts = project.folder / "artifacts"
    if artifacts.exists():
        artifacts.rename(tmp_path / "artifacts")


def _record(row: dict[str, str]) -> dict[str, Any]:
    """Make the record of a delivery, with the types that JSON has."""
    return {
        **row,
        "distance_km": float(row["distance_km"]),
        "weight_kg": float(row["weight_kg"]) if row["weight_kg"] else None,
        "express": row["express"] == "true",
        "hours": float(row["hours"]),
        "updated_at": "2026-03-01T00:00:00Z",
    }


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_paging_gives_every_record_once(api: Api, way: str) -> None:
    api.extract(way)
    found = api.rows("SELECT order_no, distance_km FROM raw_rest_api ORDER BY ALL")
    given = [(record["order_no"], record["distance_km"]) for record in api.server.records]
    assert found == sorted(given)
    api.extract(way)
    assert api.rows("SELECT count(*) FROM raw_rest_api") == [(ROWS,)]


def test_what_was_extracted_goes_through_the_checks(api: Api) -> None:
    api.extract("cursor")
    command(api.project, "validate")
    assert api.rows("SELECT count(*) FROM quarantine") == [(0,)]


def test_types_come_as_json_has_them(api: Api) -> None:
    many = {"order_no": "b", "ordered_at": "2026-01-01T10:00:00+02:00", "size": 9007199254740993}
    api.server.records[:] = [
        {"order_no": "ä€😀", "huge": 2**70, "mixed": 1, "void": None, "list": [1, {"a": "ü"}]},
        {**many, "mixed": "x", "whole": 1, "place": {"city": {"name": "Łódź"}, "zip": None}},
        {"order_no": "c", "whole": 2.5, "mixed": True, "yes": False, "place": {}},
    ]
    api.extract("cursor")
    found = dict(
        api.rows(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'raw_rest_api'"
        )
    )
    assert found == {
        "order_no": "VARCHAR",
        "huge": "VARCHAR",
        "mixed": "VARCHAR",
        "void": "VARCHAR",
        "list": "VARCHAR",
        "ordered_at": "VARCHAR",
        "size": "BIGINT",
        "whole": "DOUBLE",
        "place.city.name": "VARCHAR",
        "place.zip": "VARCHAR",
        "yes": "BOOLEAN",
    }
    rows = api.rows(
        'SELECT order_no, huge, mixed, list, size, whole, "place.city.name", yes FROM raw_rest_api'
    )
    assert rows == [
        ("ä€😀", str(2**70), "1", '[1, {"a": "ü"}]', None, None, None, None),
        ("b", None, "x", None, 9007199254740993, 1.0, "Łódź", None),
        ("c", None, "true", None, None, 2.5, None, False),
    ]


def test_what_passes_is_waited_out(api: Api) -> None:
    faults = [status(429, Retry_After="1"), status(500), half_a_page, hang_up]
    api.server.faults += faults
    started = time.monotonic()
    api.extract("cursor")
    assert time.monotonic() - started > 1
    assert api.rows("SELECT count(*) FROM raw_rest_api") == [(ROWS,)]
    assert len(api.server.asked) == len(faults) + 3
    api.server.faults += [late(2), status(503)]
    api.extract("cursor", settings={"TIMEOUT": "1"})
    assert api.rows("SELECT count(*) FROM raw_rest_api") == [(ROWS,)]


def test_what_does_not_pass_stops_it_after_some_attempts(api: Api) -> None:
    api.extract("cursor")
    api.server.faults += [status(500)] * 20
    assert "500" in api.refused("cursor")
    assert len(api.server.faults) == 15


def test_an_api_that_asks_for_an_hour_is_not_waited_for(api: Api) -> None:
    api.server.faults.append(status(429, Retry_After="3600"))
    said = api.refused("cursor")
    assert "3,600 s" in said
    assert "rest_api.max_wait" in said


def test_a_failure_on_a_later_page_leaves_what_was_there(api: Api) -> None:
    api.extract("cursor")
    api.server.records.append({**api.server.records[0], "order_no": "new"})
    api.server.faults += [lambda handler: handler.page("/cursor", {}), status(418)]
    assert "418" in api.refused("cursor")


def test_only_what_changed_is_asked_for_and_merged(api: Api) -> None:
    api.extract("cursor", settings=NEWS)
    assert "updated_since" not in api.server.queries()[0]
    late_news = "2026-03-02T00:00:00Z"
    changed = {**api.server.records[0], "hours": 99.5, "updated_at": late_news}
    del changed["weight_kg"]  # an API that leaves out what is null
    added = {**api.server.records[1], "order_no": "Z1", "updated_at": late_news, "note": "new"}
    api.server.records[0] = changed
    api.server.records.append(added)
    before = len(api.server.asked)
    said = api.extract("cursor", settings=NEWS).stdout
    assert api.server.queries()[before]["updated_since"] == "2026-03-01T00:00:00Z"
    assert "new column note" in said
    expected = [("Z1", added["hours"], "new"), (changed["order_no"], 99.5, None)]
    found = api.rows("SELECT order_no, hours, note, updated_at FROM raw_rest_api")
    assert {row[:3] for row in found if row[3] == late_news} == set(expected)
    once = api.rows("SELECT * FROM raw_rest_api")
    assert len(once) == ROWS + 1
    api.extract("cursor", settings=NEWS)
    assert api.rows("SELECT * FROM raw_rest_api") == once


def test_nothing_new_changes_nothing(api: Api) -> None:
    api.extract("cursor", settings=NEWS)
    before = api.rows("SELECT * FROM raw_rest_api")
    api.server.records.clear()
    api.extract("cursor", settings=NEWS)
    assert api.rows("SELECT * FROM raw_rest_api") == before
    assert "no records" in api.refused("cursor")


def test_another_cursor_or_whole_reads_everything_anew(api: Api) -> None:
    api.extract("cursor", settings=NEWS)
    for words, settings in (((), {**NEWS, "CURSOR": "ordered_at"}), (("--whole",), NEWS)):
        before = len(api.server.asked)
        api.extract("cursor", *words, settings=settings)
        assert "updated_since" not in api.server.queries()[before]


def test_a_column_that_is_gone_or_retyped_stops_before_any_harm(api: Api) -> None:
    api.extract("cursor")
    kept = [dict(record) for record in api.server.records]
    for record in api.server.records:
        del record["distance_km"]
    assert "distance_km is gone" in api.refused("cursor")
    api.server.records[:] = [{**record, "distance_km": "far"} for record in kept]
    assert "distance_km was number and is text" in api.refused("cursor")
    api.server.records[:] = [{**record, "colour": "red"} for record in kept]
    assert "new column colour" in api.extract("cursor").stdout


def test_api_key_and_token_are_sent_on_every_page(api: Api) -> None:
    api.server.wanted["X-Our-Key"] = SECRETS["REST_API_KEY"]
    api.extract("cursor", settings={"AUTH": "api_key", "KEY_HEADER": "X-Our-Key"})
    api.server.wanted.clear()
    api.server.wanted["Authorization"] = f"Bearer {SECRETS['REST_API_TOKEN']}"
    api.extract("cursor", settings={"AUTH": "bearer"})
    assert "401" in api.refused("cursor")


def test_an_oauth2_token_is_fetched_and_renewed_when_it_runs_out(api: Api) -> None:
    def revoke(handler: Handler) -> None:
        api.server.wanted["Authorization"] = "nothing"
        handler.answer(401, {})

    api.server.wanted["Authorization"] = "nothing"
    oauth2 = {"AUTH": "oauth2", "TOKEN_URL": f"{api.server.url}/token"}
    api.extract("cursor", settings=oauth2)
    assert api.server.tokens == 1
    first_page = [lambda handler: handler.page("/cursor", {}), revoke]
    api.server.faults += first_page
    api.extract("cursor", settings=oauth2)
    assert api.server.tokens == 3
    said = api.refused("cursor", oauth2 | {"TOKEN_URL": f"{api.server.url}/nowhere"})
    assert "rest_api.token_url" in said


def test_links_that_lead_in_circles_or_away_stop_it(api: Api) -> None:
    def to(link: str) -> Fault:
        headers = {"Link": f'<{link}>; rel="next"'}
        return lambda handler: handler.answer(200, api.server.records[:PAGE], headers)

    api.server.faults += [to("/link")] * 5
    assert "again and again" in api.refused("link")
    api.server.faults[:] = [to(f"/link?token={n}") for n in range(20)]
    assert "rest_api.max_pages" in api.refused("link", {"MAX_PAGES": "10"})
    api.server.faults[:] = [to(api.server.url.replace("127.0.0.1", "localhost") + "/elsewhere")]
    assert "another host, localhost" in api.refused("link")
    assert not [path for path, _, _ in api.server.asked if path == "/elsewhere"]
    api.server.faults.clear()
    api.server.faults += [lambda handler: handler.page("/page", {})] * 2
    assert "again and again" in api.refused("page")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"URL": "ftp://example.com/x"}, "https://"),
        ({"URL": "https://user:s3cret-token@example.com/x"}, "password"),
        ({"URL": "http://127.0.0.1:1/x"}, "no answer from 127.0.0.1"),
        ({"RECORDS": "data"}, "is no list; it has data, meta"),
        ({"RECORDS": "meta.nothing"}, "rest_api.records"),
        ({"AUTH": "secret"}, "rest_api.auth"),
        ({"CURSOR": "updated_at"}, "rest_api.since_parameter"),
        ({**NEWS, "CURSOR": "no_such"}, "no column no_such"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_settings_are_told_in_one_line(
    api: Api, settings: dict[str, str], words: str
) -> None:
    assert words.lower() in api.refused("cursor", settings).lower()


def test_an_answer_that_is_no_json_or_has_moved_is_told(api: Api) -> None:
    api.server.faults += [no_json]
    assert "no JSON" in api.refused("cursor")
    api.server.faults += [status(301, Location="https://new.example/cursor")]
    assert "new.example" in api.refused("cursor")
    assert "404" in api.refused("no-such-path")


def test_a_secret_that_no_header_may_hold_is_not_shown(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    for broken in ("s3cret\nstring", "s3cretß", ""):
        monkeypatch.setitem(SECRETS, "REST_API_TOKEN", broken)
        said = api.extract("cursor", check=False, settings={"AUTH": "bearer"})
        assert said.returncode == 2
        assert "REST_API_TOKEN" in said.stderr
        assert "s3cret" not in said.stderr
        assert len(said.stderr.splitlines()) == 1
