"""A criterion is met by the whole of its interval, and what was not measured says why."""

from __future__ import annotations

import json
import math
import threading
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import comb
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from fourhats_runtime.documents.language import Language
from fourhats_runtime.engagement.criteria import Criterion, of_service, ranks, without_service
from fourhats_runtime.engagement.terms import Terms, read_terms
from fourhats_runtime.engagement.trial import Address, Asking, Trial, ask, served
from fourhats_runtime.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourhats_runtime import Project

EXPLAINED = {"typical_value": 0.5, "contributions": {"a": 0.25, "b": -0.125}, "value": 0.625}


class Api(BaseHTTPRequestHandler):
    """Answers as a service would, but for what a test has it refuse."""

    protocol_version = "HTTP/1.1"
    broken: ClassVar[set[int]] = set()
    asked: ClassVar[list[tuple[str, dict[str, str], Any]]] = []
    explanation: ClassVar[dict[str, Any]] = EXPLAINED

    def do_POST(self) -> None:
        """Take a request down, and answer it."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        number = len(self.asked)
        self.asked.append((self.path, dict(self.headers), body))
        status = 503 if number in self.broken else 200
        content = json.dumps({"explanations": [self.explanation]}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def api(*broken: int, explanation: dict[str, Any] = EXPLAINED) -> Iterator[Address]:
    Api.broken, Api.asked, Api.explanation = set(broken), [], explanation
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Address(server.server_address[1], "the-key")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def terms(project: Project, text: str = "") -> Terms:
    (project.folder / "config" / "engagement.toml").write_text(text, encoding="utf-8")
    return read_terms(project.at(project.folder))


def of(criteria: list[Criterion], name: str) -> Criterion:
    (found,) = (each for each in criteria if each.name == name)
    return found


def test_without_a_word_limits_are_those_of_the_alerts(fresh: Project) -> None:
    found = read_terms(fresh)  # there is no file
    assert found.latency_ms == (500.0, "watch.max_p99_seconds")
    assert found.available == (0.99, "watch.max_error_share")
    assert found.rows_passed == (0.95, "quality.max_invalid_share")
    assert found.data_age_days == (35.0, "data.max_age_days")
    assert (found.explained, found.asked.value_a_month, found.asked.reproducible) == ("", 0, True)


def test_what_the_engagement_is_bound_to_comes_before_and_what_was_agreed_first(
    fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = "[engagement.constraints]\nlatency_ms = 200\nexplainable = true\n"
    found = terms(fresh, bound)
    assert found.latency_ms == (200.0, "engagement.constraints.latency_ms")
    assert found.explained == "engagement.constraints.explainable"
    own = "[acceptance]\nlatency_ms = 50\nexplained = false\nrows_passed = 1.0\navailable = 0.9\n"
    found = terms(fresh, bound + own)
    assert found.latency_ms == (50.0, "acceptance.latency_ms")
    assert found.rows_passed == (1.0, "acceptance.rows_passed")
    assert found.available == (0.9, "acceptance.available")
    assert found.explained == ""
    monkeypatch.setenv("DATA__MAX_AGE_DAYS", "3")
    assert terms(fresh).data_age_days == (3.0, "data.max_age_days")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[acceptance]\nlatency = 1\n", "acceptance.latency: Extra inputs are not permitted"),
        ("[acceptance]\navailable = 99\n", "acceptance.available: Input should be less than 1"),
        ("[acceptance]\nrequests = 10\n", "acceptance.requests: Input should be greater than"),
        ("[acceptance\n", "Expected ']'"),
    ],
)
def test_a_mistake_in_the_terms_is_named(fresh: Project, text: str, words: str) -> None:
    with pytest.raises(ProjectError, match=f"^config/engagement.toml: {words}"):
        terms(fresh, text)


def at_most(number: int, count: int) -> float:
    """Give how probable it is that at most so many are below the 99th percentile, exactly."""
    share = Fraction(99, 100)
    return float(
        sum(
            comb(count, below) * share**below * (1 - share) ** (count - below)
            for below in range(number + 1)
        )
    )


@pytest.mark.parametrize("count", [500, 1000])
def test_the_ends_of_the_interval_are_those_of_the_binomial(count: int) -> None:
    middle, low, high = ranks(count, 0.99)
    assert middle == math.ceil(0.99 * count)
    # The k-th smallest is below the quantile where at least k are: see Conover.
    assert at_most(low - 1, count) <= 0.025 < at_most(low, count)
    assert at_most(high - 1, count) >= 0.975 > at_most(high - 2, count)
    assert high <= count


def test_latency_is_met_by_the_upper_end_alone(fresh: Project) -> None:
    limits = terms(fresh, "[acceptance]\nlatency_ms = 100\n")
    fast = Trial(seconds=[0.01] * 985 + [0.09] * 12 + [0.5] * 3)
    found = of(of_service(fast, limits), "latency")
    assert (found.state, found.figure, found.low, found.high) == ("met", 90.0, 10.0, 90.0)
    assert str(found.measured) == "90 ms (95% interval: 10 to 90), 1,000 requests"
    near = Trial(seconds=[0.01] * 985 + [0.09] * 9 + [0.101] * 6)
    found = of(of_service(near, limits), "latency")
    assert (found.state, found.figure, found.high) == ("not met", 90.0, 101.0)
    lost = Trial(seconds=[0.01] * 985 + [math.inf] * 15)
    found = of(of_service(lost, limits), "latency")
    assert (found.state, found.figure, found.high) == ("not met", None, None)
    assert str(found.measured) == "more than one request of 100 was not answered"


def test_both_ends_are_written_as_the_language_writes_numbers(fresh: Project) -> None:
    trial = Trial(seconds=[0.0101] * 985 + [0.0159] * 15)
    found = of(of_service(trial, terms(fresh)), "latency")
    said = "15,9 ms (95-%-Intervall: 10,1 bis 15,9), 1.000 Anfragen"
    assert Language("de").phrase(found.measured) == said


def test_availability_is_met_by_the_lower_end_alone(fresh: Project) -> None:
    limits = terms(fresh, "[acceptance]\navailable = 0.99\n")
    for lost, state in ((0, "met"), (3, "met"), (5, "not met"), (20, "not met")):
        trial = Trial([0.01] * (1000 - lost) + [math.inf] * lost, "503 Service" if lost else "")
        found = of(of_service(trial, limits), "available")
        assert (found.state, found.figure) == (state, 1 - lost / 1000)
        assert ("the first fault: 503 Service" in str(found.measured)) == bool(lost)
    # Wilson's interval of 20 in 1,000, by its textbook's formula.
    assert found.low == pytest.approx(1 - 0.03070, abs=1e-4)
    assert found.high == pytest.approx(1 - 0.01298, abs=1e-4)


def test_each_request_counts_once_and_is_a_trial_by_a_key() -> None:
    cases = [{"a": 1}, {"a": 2}, {"a": 3}]
    with api(20, 25) as address:  # twenty to warm up
        trial = ask(address, Asking.about_records(cases), 30, explain=False)
    assert (len(trial.seconds), trial.answered, trial.asked_to_explain) == (30, 28, 0)
    assert trial.fault.startswith("503 Service Unavailable: ")
    assert len(Api.asked) == 50
    assert {(path, sent["X-Trial"], sent["X-API-Key"]) for path, sent, _ in Api.asked} == {
        ("/predict", "true", "the-key")
    }
    assert [body for *_, body in Api.asked[20:26]] == [[each] for each in cases] * 2


@pytest.mark.parametrize(
    ("explanation", "state"), [(EXPLAINED, "met"), (EXPLAINED | {"value": 0.7}, "not met")]
)
def test_an_explanation_has_to_add_up(
    fresh: Project, explanation: dict[str, Any], state: str
) -> None:
    with api(explanation=explanation) as address:
        trial = ask(address, Asking.about_records([{"a": 1}, {"a": 2}]), 5, explain=True)
    found = of(of_service(trial, terms(fresh, "[acceptance]\nexplained = true\n")), "explained")
    assert (found.state, trial.asked_to_explain) == (state, 2)


def test_an_api_that_is_gone_is_a_fault_and_no_end(fresh: Project) -> None:
    with api() as address:
        pass
    trial = ask(address, Asking.about_records([{"a": 1}]), 500, explain=False)
    found = of_service(trial, terms(fresh))
    assert [each.state for each in found] == ["not met", "not met"]
    assert "ConnectionRefusedError" in str(of(found, "available").measured)


def test_an_api_that_does_not_start_says_why(fresh: Project) -> None:
    words = r"^the API did not start: .*No module named nowhere"
    with pytest.raises(ProjectError, match=words), served(replace(fresh, service="nowhere.x:app")):
        pass
    limits = terms(fresh, "[acceptance]\nexplained = true\n")
    found = without_service(limits, "it did not start")
    assert {(each.state, str(each.measured)) for each in found} == {
        ("not measured", "it did not start")
    }
    assert [each.name for each in found] == ["latency", "available", "explained"]
