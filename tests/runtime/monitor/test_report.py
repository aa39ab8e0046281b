"""The client's page says what the decisions were worth, honestly, whatever texts it holds."""

import json
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fourhats_runtime import Project
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.data.warehouse import connect, values
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.monitor import Event, history, incident_log
from fourhats_runtime.monitor.contract_changes import changes
from fourhats_runtime.monitor.decisions import best_policy, on_holdout, rule_of
from fourhats_runtime.monitor.findings import Finding
from fourhats_runtime.monitor.monitor_page import write_page
from fourhats_runtime.monitor.monthly import monthly_reports
from fourhats_runtime.monitor.months import month_of
from fourhats_runtime.monitor.page import amount, interval

HOSTILE = """<script>alert('1')</script> "quoted" {braces} & Žluťoučký Ωπ Жд
second line"""


class Tags(HTMLParser):
    """What a page asks a browser for."""

    def __init__(self, page: str) -> None:
        """Read a page."""
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag and where it points."""
        self.names.add(tag)
        self.links += [str(value) for name, value in attrs if name in ("src", "href")]


def test_the_page_of_a_month_and_its_pdf_hold_everything_themselves(
    ran: Project, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUSINESS__PROBLEM", HOSTILE)
    monkeypatch.setenv("BUSINESS__OWNER", HOSTILE)
    incident_log.note(ran, [_event("step:train", HOSTILE)])
    with connect(ran) as connection:
        page, document = monthly_reports(connection, ran, contract)[:2]
    text = page.read_text(encoding="utf-8")
    tags = Tags(text)
    assert "script" not in tags.names
    assert all(link.startswith("data:image/png;base64,") for link in tags.links)
    assert "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;" in text
    assert "Žluťoučký Ωπ Жд" in text
    assert "The step train runs" in text
    assert "decides from now on" in text
    assert "@media print" in text
    assert document.read_bytes().startswith(b"%PDF-")


def test_a_figure_is_written_as_people_read_it_and_a_dash_where_there_is_none() -> None:
    given = (None, 1234.56, 0.0, 1234, "EUR")
    assert [amount(value) for value in given] == ["-", "1,235", "0", "1234", "EUR"]
    without = {"figure": 1.5, "low": None, "high": None}
    assert interval(without) == "1.5"
    assert interval(without | {"low": -1.0, "high": 4.0}) == "1.5 (-1 to 4)"


def test_the_month_says_what_is_realised_and_what_is_estimated(
    ran: Project, contract: Contract
) -> None:
    with connect(ran) as connection:
        before = _worth(monthly_reports(connection, ran, contract)[0])
        connection.execute(f"UPDATE predictions SET actual = '{contract.classes[0]}'")
        after = _worth(monthly_reports(connection, ran, contract)[0])
    assert ": 0 realised" in before
    assert ", 0 estimated" in after


def test_the_headline_is_what_was_added_to_the_best_policy_without_a_model(
    ran: Project, contract: Contract
) -> None:
    registry = Registry(ran.artifacts / "registry")
    evaluation = registry.noted(registry.require("champion"), "evaluation") or {}
    over = evaluation["gain"]["over"]
    with connect(ran) as connection:
        connection.execute("UPDATE predictions SET actual = 'yes'")
        decisions = values(connection, "SELECT decision FROM predictions")["decision"]
        page, document = monthly_reports(connection, ran, contract)[:2]
        month = month_of(connection, ran, contract, datetime.now(UTC).date().replace(day=1))
    acts, leaves = decisions.count("act"), decisions.count("leave")
    assert acts > 0
    added = {"act on nobody": 100 * acts, "act on everybody": -100 * leaves}[over]
    assert month.added.total == pytest.approx(added)
    assert month.added.low <= added <= month.added.high
    assert month.policies == (over,)
    headline = _headline(page)
    assert f"{acts + leaves:,} decisions added {added:+,} EUR so far (95 % interval: " in headline
    assert headline.endswith(f" to the best policy without a model, to {over}.")
    assert f"Added to the policy to {over}" in page.read_text(encoding="utf-8")
    assert document.stat().st_size > 0


def test_other_amounts_make_another_policy_the_best(
    ran: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen from act_wrong = -200, acting on everybody is no rival: to beat it is no gain."""
    version = Registry(ran.artifacts / "registry").require("champion")
    monkeypatch.setenv("VALUE__ACT_WRONG", "-200")
    dear = ran.at(ran.folder)
    holdout = on_holdout(dear, version)
    rule = rule_of(dear, version)
    assert rule is not None
    policy = best_policy(dear, version, rule)
    assert policy is not None
    assert policy.name == "act on nobody"
    assert holdout.added == pytest.approx(holdout.earned)


def test_the_month_says_what_is_not_counted_and_what_a_decision_is(
    ran: Project, contract: Contract
) -> None:
    with connect(ran) as connection:
        calm = monthly_reports(connection, ran, contract)[0].read_text(encoding="utf-8")
        connection.execute(
            "INSERT INTO not_counted SELECT prediction_id, id, given_at, model_version, "
            "CASE WHEN id = '2990' THEN 'closed' ELSE 'trial' END FROM predictions "
            "WHERE id IN ('2990', '2991', '2992')"
        )
        page, _ = monthly_reports(connection, ran, contract)[:2]
    assert "Not counted" not in calm
    assert "Decision: a prediction about an open case" in calm
    assert (
        "Not counted: 1 about cases whose outcome was known already, "
        "2 on trial, by which nobody decided."
    ) in page.read_text(encoding="utf-8")


def test_the_report_names_open_cases_without_a_decision(ran: Project) -> None:
    with connect(ran) as connection:
        listed = connection.execute("SELECT id, reason FROM unscored ORDER BY _row").fetchall()
    assert listed
    page = (ran.artifacts / "reports" / "report.html").read_text(encoding="utf-8")
    assert "Open cases without a decision" in page
    assert f"{len(listed)} in the latest batch" in page
    for case, reason in listed:
        assert f"<td>{case}</td><td>{reason}</td>" in page


def test_only_a_month_that_has_begun_is_reported(ran: Project, contract: Contract) -> None:
    next_year = f"{datetime.now(UTC) + timedelta(days=400):%Y-%m}"
    with connect(ran) as connection:
        for month in ("October", "2026-13", "0000-01", next_year):
            with pytest.raises(ProjectError, match="--month"):
                monthly_reports(connection, ran, contract, month)
        page, _ = monthly_reports(connection, ran, contract, "2020-02")
    assert page.name == "2020-02.html"
    assert "No decision was asked for in February 2020" in page.read_text(encoding="utf-8")


def test_the_page_of_monitoring_shows_each_question_and_escapes_it(
    ran: Project, contract: Contract
) -> None:
    findings = [
        Finding("drift:a", "alert", HOSTILE),
        Finding("performance:value", "fine", "all is well"),
        Finding("calibration", "unknown", "0 outcomes are known"),
    ]
    with connect(ran) as connection:
        text = write_page(connection, ran, contract, findings).read_text(encoding="utf-8")
    tags = Tags(text)
    assert "script" not in tags.names
    assert all(link.startswith("data:image/png;base64,") for link in tags.links)
    assert "a is distributed as in training" in text
    assert "Decisions earn what was promised" in text
    states = re.findall(r'<td class="(alert|unknown|fine)">([a-z ]+)</td>', text)
    assert states == [("unknown", "not judged yet"), ("fine", "fine"), ("alert", "alert")]


def test_a_picture_is_drawn_of_what_was_measured_twice(ran: Project, contract: Contract) -> None:
    titles = {
        "drift:a": "How far inputs and predictions have moved",
        "drift-joint": "Can current rows be distinguished from training rows?",
    }
    today = [Finding(incident, "fine", "as before", figure=0.5) for incident in titles]
    yesterday = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=1)
    with connect(ran) as connection:
        history.note(connection, today)
        for measured_twice in titles:
            connection.execute("DELETE FROM findings WHERE message = 'yesterday'")
            connection.execute(
                "INSERT INTO findings VALUES (?, ?, 'fine', 0.4, 'yesterday')",
                [yesterday, measured_twice],
            )
            text = write_page(connection, ran, contract, today).read_text(encoding="utf-8")
            drawn = [incident for incident, title in titles.items() if title in text]
            assert drawn == [measured_twice]


@pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)
def test_the_report_and_the_model_card_hold_the_metrics_and_the_model(ran: Project) -> None:
    page = (ran.artifacts / "reports" / "report.html").read_text(encoding="utf-8")
    card = (ran.folder / "docs" / "model_card.md").read_text(encoding="utf-8")
    (version,) = (ran.artifacts / "registry" / "versions").iterdir()
    evaluation = json.loads((version / "evaluation.json").read_text(encoding="utf-8"))
    model = json.loads((version / "model.json").read_text(encoding="utf-8"))["model"]
    assert evaluation["metrics"]
    for name in evaluation["metrics"]:
        assert f"<td>{name}</td>" in page
        assert f"| {name} |" in card
    assert f"The model is <code>{model}</code>" in page
    assert f"| Model | {model}," in card
    assert page.count("data:image/png;base64,") >= 2
    assert "by what is derived from it" in card or all(
        column.is_model_input for column in ran.contract.features
    )


@pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)
def test_the_model_card_says_what_the_model_came_of(ran: Project) -> None:
    card = (ran.folder / "docs" / "model_card.md").read_text(encoding="utf-8")
    (version,) = (ran.artifacts / "registry" / "versions").iterdir()
    origin = json.loads((version / "provenance.json").read_text(encoding="utf-8"))
    evaluation = json.loads((version / "evaluation.json").read_text(encoding="utf-8"))
    for said in (
        f"| Trained | {origin['at']} |",
        "| Code | not in git |",
        "| Seed | 0 |",
        f"SHA-256 `{origin['data']['sha256']}`, kept |",
        f"Python {origin['versions']['Python']}, ",
        f"`retrace {version.name}`",
        "Offer a better contract to customers who are likely to leave",
    ):
        assert said in card
    for attempt in origin["attempts"]:
        assert f"| {attempt['candidate']} | learning_rate " in card
    for name, figure in evaluation["figures"].items():
        held = f"({figure['low']:,.4g} to {figure['high']:,.4g})"
        assert re.search(rf"\| {re.escape(name)} \| .* \| .* {re.escape(held)} \|", card)
    for segment in evaluation["segments"]:
        assert f"| {segment['column']} | {segment['category']} | {segment['rows']:,} |" in card


def test_a_run_of_monitoring_that_is_repeated_replaces_the_days_findings(fresh: Project) -> None:
    finding = Finding("drift:a", "fine", "a lies as before", figure=0.1)
    today = datetime.now(UTC).date()
    with connect(fresh) as connection:
        for _ in range(2):
            history.note(connection, [finding])
        kept = history.kept(connection, today)
    assert [(note.incident, note.level, note.figure) for note in kept] == [("drift:a", "fine", 0.1)]


def test_a_month_counts_apart_what_could_not_be_judged(ran: Project, contract: Contract) -> None:
    findings = [
        Finding("drift:a", "fine", "a lies as before", figure=0.1),
        Finding("performance:value", "unknown", "0 outcomes are known"),
    ]
    with connect(ran) as connection:
        history.note(connection, findings)
        connection.execute(
            "INSERT INTO findings VALUES (date_trunc('month', ?), 'drift', 'unknown', NULL, '')",
            [datetime.now(UTC).replace(tzinfo=None)],
        )
        page, _ = monthly_reports(connection, ran, contract)[:2]
    rows = re.findall(r"<tr>(.*?)</tr>", page.read_text(encoding="utf-8"))
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]
    assert ["Decisions earn what was promised", "0", "0", "1", "0 outcomes are known"] in cells
    assert [
        "The inputs are distributed as in training",
        "1",
        "0",
        "1",
        "1 columns, one by one",
    ] in cells


def test_incidents_are_remembered_with_their_ends(fresh: Project) -> None:
    for name, fine in (("a", False), ("b", False), ("a", True), ("a", False)):
        incident_log.note(fresh, [_event(name, f"{name} {fine}", over=fine)])
    found = [(each.name, each.cleared is None) for each in incident_log.incidents(fresh)]
    assert sorted(found) == [("a", False), ("a", True), ("b", True)]


def test_what_is_new_in_a_contract_is_said(contract: Contract) -> None:
    new = Column(name="brand_new", source="Brand new", type="number")
    first = contract.columns[0].model_copy(update={"nullable": not contract.columns[0].nullable})
    after = contract.model_copy(update={"columns": (first, *contract.columns[2:], new)})
    said = changes(contract, after)
    assert f"column {contract.columns[1].name} is gone" in said
    assert "new column brand_new (feature)" in said
    assert any(re.match(rf"column {first.name}: nullable was (yes|no), is", line) for line in said)


def _headline(page: Path) -> str:
    text = page.read_text(encoding="utf-8")
    return text.partition('<p class="lead">')[2].partition("</p>")[0]


def _worth(page: Path) -> str:
    text = page.read_text(encoding="utf-8")
    return text.partition(" decisions were worth ")[2].partition("</p>")[0]


def _event(name: str, message: str, *, over: bool = False) -> Event:
    now = datetime.now(UTC)
    return Event(incident=name, message=message, began=now, ended=now if over else None)
