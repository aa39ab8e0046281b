"""A running API is looked after: what is wrong is reported in time, and not too soon."""

import math
from dataclasses import replace

import pytest
from fourhats_runtime import Project
from fourhats_runtime.monitor import alerts
from fourhats_runtime.serve.looks import Figures, Look, increase, look, quantile
from fourhats_runtime.serve.messages import NOT_WRITTEN
from fourhats_runtime.serve.watch import Watch, judge, look_once

LIMITS = Watch()
NOBODY = "http://127.0.0.1:9"


def figures(requests: dict[str, float], seconds: float = 0.01, started: float = 1) -> Figures:
    """Give counters by which every request took at most so long."""
    total = sum(requests.values())
    within = {bound: total * (seconds <= bound) for bound in (0.025, 0.1, 1.0, math.inf)}
    return Figures(requests=requests, within=within, started=started)


def looks(*seen: Figures | str) -> list[Look]:
    """Give looks a quarter of a minute apart; a text is what was wrong."""
    return [
        Look(at=15.0 * place, fault=one)
        if isinstance(one, str)
        else Look(at=15.0 * place, figures=one)
        for place, one in enumerate(seen)
    ]


def told(seen: list[Look]) -> set[str]:
    """Give the incidents that the looks open."""
    return {finding.incident for finding in judge(seen, LIMITS) if finding.state == "alert"}


def test_an_api_that_does_well_is_left_in_peace() -> None:
    assert told(looks(figures({}), figures({"200": 100}), figures({"200": 990, "500": 1}))) == set()


def test_one_that_is_gone_is_told_at_the_third_look() -> None:
    fine = figures({"200": 5})
    for faults, incidents in ((1, set()), (2, set()), (3, {"api:down"}), (9, {"api:down"})):
        assert told(looks(fine, *["no answer"] * faults)) == incidents


def test_a_failure_or_two_neither_open_nor_close_an_incident() -> None:
    assert {finding.state for finding in judge(looks("no answer"), LIMITS)} == {"unknown"}
    assert told(looks(*["no answer"] * 3, figures({}))) == set()


@pytest.mark.parametrize(
    ("after", "incident"),
    [
        (figures({"200": 95, "500": 5}), "api:errors"),
        (figures({"200": 90, "429": 10}), "api:busy"),
        (figures({"200": 100}, seconds=0.9), "api:slow"),
    ],
)
def test_a_bad_service_is_told_at_once_where_requests_are_enough(
    after: Figures, incident: str
) -> None:
    assert told(looks(figures({}), after)) == {incident}
    few = after.model_copy(update={"requests": {"500": 3}})
    states = {finding.incident: finding.state for finding in judge(looks(figures({}), few), LIMITS)}
    assert states[incident] == "unknown"


def test_a_log_that_cannot_be_written_is_told_as_that_alone() -> None:
    after = figures({"200": 50, "503": 50}).model_copy(update={"not_logged": 50.0})
    assert told(looks(figures({}), after)) == {"api:log"}
    assert told(looks(*[f"{NOT_WRITTEN}: no space left"] * 5)) == {"api:log"}


def test_counters_that_begin_anew_are_no_loss() -> None:
    seen = looks(figures({"200": 100}), figures({"200": 130}), figures({"200": 200}, started=2))
    assert increase(seen).requests == {"200": 230}


def test_a_quantile_lies_between_its_bounds() -> None:
    within = {0.1: 50.0, 0.5: 90.0, 1.0: 100.0, math.inf: 100.0}
    assert quantile(0.5, within) == pytest.approx(0.1)
    assert quantile(0.7, within) == pytest.approx(0.3)
    assert quantile(0.99, within) == pytest.approx(0.95)
    assert quantile(0.99, {0.1: 0.0, math.inf: 10.0}) == pytest.approx(0.1)


def test_who_does_not_answer_is_said_to() -> None:
    assert look(NOBODY, 1.0).fault.startswith("no answer: ")


def test_what_was_seen_outlives_the_process_that_saw_it(fresh: Project) -> None:
    project = replace(fresh, channels={})
    for _ in range(LIMITS.failures):
        assert alerts.open_incidents(project, "watch") == {}
        look_once(project, NOBODY)
    assert list(alerts.open_incidents(project, "watch")) == ["api:down"]
    assert alerts.open_incidents(project) == {}
    assert look_once(project, NOBODY)[0].state == "alert"
