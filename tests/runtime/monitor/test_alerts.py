"""An incident is sent once when it begins, and once when it is over."""

import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from fourhats_runtime import Project
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.monitor import (
    Event,
    NoAddressError,
    NotTakenError,
    alerts,
    log,
    slack,
    webhook,
)
from fourhats_runtime.monitor.findings import Finding
from fourhats_runtime.monitor.incidents import in_words, kind
from fourhats_runtime.monitor.steps import reported

BAD = Finding("drift:a", "alert", "a has moved")
FINE = Finding("drift:a", "fine", "a is back")
UNKNOWN = Finding("drift:a", "unknown", "too few rows")
OTHER = Finding("data:volume", "alert", "few rows")
TEMPLATE = Path(__file__).parents[3] / "template"


class Heard:
    """A project with two channels: what each was sent, and what keeps the first from taking it."""

    def __init__(self, project: Project) -> None:
        """Begin with both at work."""
        self.project = replace(
            project, channels={"first": self.send_first, "second": self.send_second}
        )
        self.first: list[list[Event]] = []
        self.second: list[list[Event]] = []
        self.refusal: Exception | None = None

    def send_first(self, _: Project, events: list[Event]) -> None:
        """Take a message, or none."""
        if self.refusal is not None:
            raise self.refusal
        self.first.append(events)

    def send_second(self, _: Project, events: list[Event]) -> None:
        """Take a message."""
        self.second.append(events)


@pytest.fixture
def heard(fresh: Project) -> Heard:
    return Heard(fresh)


def test_an_incident_is_sent_once_and_once_when_it_is_over(heard: Heard) -> None:
    for finding in (BAD, BAD, FINE, FINE):
        alerts.update(heard.project, [finding])
    (began,), (over,) = heard.first
    assert (began.status, began.incident, began.message) == ("firing", "drift:a", "a has moved")
    assert (over.status, over.incident, over.message) == ("resolved", "drift:a", "a is back")
    assert heard.second == heard.first


def test_what_could_not_be_judged_neither_opens_an_incident_nor_closes_one(heard: Heard) -> None:
    assert alerts.update(heard.project, [UNKNOWN]) == []
    assert alerts.update(heard.project, [BAD]) == ["drift:a"]
    assert alerts.update(heard.project, [UNKNOWN]) == ["drift:a"]
    assert [event.status for events in heard.first for event in events] == ["firing"]
    assert alerts.open_incidents(heard.project)["drift:a"].message == BAD.message


def test_what_begins_or_ends_in_one_run_comes_in_one_message(heard: Heard) -> None:
    assert alerts.update(heard.project, [BAD]) == ["drift:a"]
    assert alerts.update(heard.project, [FINE, OTHER]) == ["data:volume"]
    assert [len(events) for events in heard.first] == [1, 2]


def test_a_channel_that_is_out_keeps_no_other_from_it_and_is_notified_later(heard: Heard) -> None:
    heard.refusal = NotTakenError("the first channel is out")
    with pytest.raises(ProjectError, match=r"a has moved - and .* the first channel is out"):
        alerts.update(heard.project, [BAD])
    with pytest.raises(ProjectError, match=r"few rows \(and 1 more\)"):
        alerts.update(heard.project, [BAD, OTHER])
    assert [len(events) for events in heard.second] == [1, 1]
    heard.refusal = None
    alerts.update(heard.project, [BAD, OTHER])
    assert [event.incident for event in heard.first[0]] == ["drift:a", "data:volume"]
    assert len(heard.first) == 1
    assert len(heard.second) == 2


def test_a_channel_of_ones_own_that_fails_counts_as_out_and_its_words_stay_here(
    heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    heard.refusal = RuntimeError("no such password: hunter2")
    with pytest.raises(ProjectError, match="the channel first failed with RuntimeError") as error:
        alerts.update(heard.project, [BAD])
    assert "hunter2" not in str(error.value)
    assert "hunter2" in caplog.text
    assert [len(events) for events in heard.second] == [1]
    heard.refusal = None
    alerts.update(heard.project, [BAD])
    assert [event.incident for event in heard.first[0]] == ["drift:a"]


def test_who_was_not_notified_in_time_hears_what_is_the_matter_now(heard: Heard) -> None:
    heard.refusal = NotTakenError("out")
    worse = Finding("drift:a", "alert", "a has moved further")
    for findings in ([BAD, OTHER], [worse]):
        with pytest.raises(ProjectError):
            alerts.update(heard.project, findings)
    with pytest.raises(ProjectError, match=r"^drift:a: a has moved further \(and 1 more\)"):
        alerts.update(heard.project, [worse])
    heard.refusal = None
    alerts.update(heard.project, [worse])
    assert {event.message for event in heard.first[0]} >= {"a has moved further"}


def test_what_is_over_before_it_could_be_sent_is_sent_as_over(heard: Heard) -> None:
    heard.refusal = NotTakenError("out")
    for finding in (BAD, FINE):
        with pytest.raises(ProjectError):
            alerts.update(heard.project, [finding])
    heard.refusal = None
    alerts.update(heard.project, [])
    assert [event.status for event in heard.first[0]] == ["resolved"]


def test_a_notice_is_no_incident_and_waits_for_no_channel_without_an_address(heard: Heard) -> None:
    heard.refusal = NoAddressError("nobody has set where")
    alerts.notify(heard.project, "champion:v2", "v2 is worth more")
    heard.refusal = None
    assert alerts.update(heard.project, []) == []
    assert heard.first == []
    ((event,),) = heard.second
    assert (event.incident, event.is_notice) == ("champion:v2", True)


def test_a_channel_without_an_address_ends_nothing_and_is_told_once_it_has_one(
    heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    heard.refusal = NoAddressError("FIRST_URL is not set")
    assert alerts.update(heard.project, [BAD]) == ["drift:a"]
    assert "drift:a: not sent to first (FIRST_URL is not set)" in caplog.text
    with pytest.raises(ProjectError, match=r"^no rows$"), reported("extract", heard.project):
        raise ProjectError("no rows")
    heard.refusal = None
    alerts.update(heard.project, [])
    assert [event.incident for event in heard.first[0]] == ["drift:a", "step:extract"]
    assert len(heard.second) == 2


def test_addresses_that_are_missing_are_known_before_anything_is_sent(
    fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = replace(fresh, channels={"log": log, "slack": slack, "hook": webhook})
    monkeypatch.setenv("ALERT_WEBHOOK_URL", "http://127.0.0.1:9/")
    monkeypatch.delenv("SLACK_WEBHOOK_URL", raising=False)
    assert alerts.without_address(project) == {"slack": "SLACK_WEBHOOK_URL"}
    assert alerts.untold(project) == {}
    alerts.update(replace(project, channels={"slack": slack}), [BAD])
    assert alerts.untold(project) == {"slack": ["drift:a"]}


def test_the_log_of_incidents_is_a_book_of_its_own_each(heard: Heard) -> None:
    assert alerts.update(heard.project, [BAD], book="watch") == ["drift:a"]
    assert alerts.update(heard.project, [OTHER]) == ["data:volume"]
    assert list(alerts.open_incidents(heard.project, "watch")) == ["drift:a"]


def test_a_failing_step_is_reported_and_reported_again_when_it_works(heard: Heard) -> None:
    for _ in range(2):
        with pytest.raises(ProjectError, match="no rows"), reported("extract", heard.project):
            raise ProjectError("no rows")
    with reported("extract", heard.project):
        pass
    (began,), (over,) = heard.first
    assert (began.incident, began.message) == ("step:extract", "extract failed: no rows")
    assert over.status == "resolved"


def test_what_a_library_says_in_its_error_is_not_sent(heard: Heard) -> None:
    with pytest.raises(ValueError, match="hunter2"), reported("extract", heard.project):
        raise ValueError("no such password: hunter2")
    ((event,),) = heard.first
    assert "ValueError" in event.message
    assert "hunter2" not in event.message


def test_a_full_disk_is_reported(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("fourhats_runtime.monitor.incidents.write_atomically", write)
    alerts.update(heard.project, [BAD])
    assert len(heard.first) == 1


def test_a_file_that_holds_no_incidents_is_named(fresh: Project) -> None:
    path = fresh.artifacts / "incidents" / "line.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(ProjectError, match=r"line\.json does not hold incidents"):
        alerts.update(fresh, [BAD])


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(seconds=40), "40 s"),
        (timedelta(hours=3, minutes=20, seconds=5), "3 h 20 min"),
        (timedelta(days=2, minutes=5), "2 d 5 min"),
        (timedelta(0), "0 s"),
    ],
)
def test_a_time_is_said_in_its_two_largest_units(time: timedelta, words: str) -> None:
    assert in_words(time) == words


def test_the_runbook_has_a_section_for_every_kind_of_incident() -> None:
    runbook = (TEMPLATE / "docs" / "runbook.md.jinja").read_text(encoding="utf-8")
    sections = set(re.findall(r"^#+ ([\w-]+)$", runbook, re.MULTILINE))
    code = "".join(
        path.read_text(encoding="utf-8") for path in (TEMPLATE / "runtime").rglob("*.py")
    )
    incidents = re.findall(r'(?:Finding\(|[A-Z]+ = |incident = )\s*f?"(\w+:[\w{])', code)
    kinds = {kind(incident) for incident in incidents}
    assert {"data", "drift", "performance", "search", "service", "step"} <= kinds
    assert kinds | {"calibration", "drift-joint"} <= sections


def test_without_channels_the_log_holds_an_incident_once(
    fresh: Project, caplog: pytest.LogCaptureFixture
) -> None:
    quiet = replace(fresh, channels=None)
    for finding in (BAD, BAD, FINE, FINE):
        alerts.update(quiet, [finding])
    began, over = [record.getMessage() for record in caplog.records]
    assert began == (f"{fresh.name}: ALERT firing drift:a: a has moved (docs/runbook.md#drift)")
    assert ": ALERT resolved drift:a: a is back (lasted " in over


def test_the_runbook_is_where_a_variable_says(
    fresh: Project, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNBOOK_URL", "https://acme.example/runbook.md")
    alerts.update(replace(fresh, channels=None), [BAD])
    assert "(https://acme.example/runbook.md#drift)" in caplog.text


def test_alerts_are_sent_where_no_library_of_an_option_is() -> None:
    others = ("apprise", "duckdb", "fpdf", "jinja2", "matplotlib", "numpy", "obstore", "sklearn")
    blocked = f"import sys; sys.modules.update(dict.fromkeys({others}))"
    modules = ", ".join(
        f"fourhats_runtime.monitor.{name}"
        for name in ("alerts", "channels", "shared_incidents", "shared_log", "steps")
    )
    subprocess.run([sys.executable, "-c", f"{blocked}; import {modules}"], check=True)
