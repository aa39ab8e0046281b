"""`fourhats estimate`: against closed forms, on a project, and with what was really spent."""

from __future__ import annotations

import json
import re
import time
from datetime import date
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from fourhats.errors import WrongInputError
from fourhats.estimate.calendar import Calendar
from fourhats.estimate.catalogue import Package, Risk, Three, packages, read_catalogue
from fourhats.estimate.engagement import Terms, Worth
from fourhats.estimate.experience import Record, factors, read_hours
from fourhats.estimate.figures import drivers, pay_back, percentiles
from fourhats.estimate.simulation import Plan, mean, simulate

from tests.services.rendered import render
from tests.update.commands import fourhats

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ANSWERS = {"data_sources": ["files", "postgres"], "serving": ["api"], "cloud": "aws"}
NOTHING: Three = (0, 0, 0)
SUMS = {
    "aws": ("together", "idle"),
    "gcp": ("together", "at 1,000 decisions"),
    "azure": ("production", "at 1,000 decisions"),
}
"""The last sum of each cloud's page."""


@pytest.fixture(autouse=True)
def _nobodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "acme"
    folder.mkdir()
    (folder / ".copier-answers.yml").write_text(
        "_commit: v1.0.0\nproject_name: Acme leavers\ndata_sources: [files, postgres]\ncloud: aws\n"
    )
    return folder


def _package(
    name: str, days: Three, waits: Three = NOTHING, after: tuple[str, ...] = ()
) -> Package:
    return Package(name, name, name, name, "data scientist", days, waits, "", after)


def _own(project: Path, text: str) -> None:
    (project / "config").mkdir()
    (project / "config" / "engagement.toml").write_text(text)


def _terms(project: Path, **terms: Any) -> None:  # noqa: ANN401
    (project / "config").mkdir(exist_ok=True)
    lines = ["[estimate]", *(f"{name} = {json.dumps(value)}" for name, value in terms.items())]
    (project / "config" / "engagement.toml").write_text("\n".join(lines) + "\n")


def test_the_whole_has_the_mean_and_the_variance_of_its_packages() -> None:
    """Of a PERT distribution they are (a + 4m + b) / 6 and (mean - a) (b - mean) / 7."""
    threes: list[Three] = [(1, 2, 6), (0.5, 0.5, 3), (2, 8, 8), (4, 4, 4)]
    plan = Plan([_package(str(number), three) for number, three in enumerate(threes)], {})
    total = simulate(plan, seed=1, draws=200_000).total
    variance = sum((mean(t) - t[0]) * (t[2] - mean(t)) / 7 for t in threes)
    assert total.mean() == pytest.approx(
        sum(map(mean, threes)), abs=4 * (variance / 200_000) ** 0.5
    )
    assert total.var() == pytest.approx(variance, rel=0.03)


def test_a_risk_moves_all_that_it_affects_together() -> None:
    one: Three = (10, 10, 10)
    risk = Risk(title="late", likelihood=0.25, affects=("a", "b"), days=(2, 2, 2))
    plan = Plan([_package(name, one) for name in "abc"], {"late": risk})
    total = simulate(plan, seed=2, draws=100_000).total
    assert set(total) == {30.0, 50.0}  # never one of both alone
    assert (total == 50).mean() == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(("people", "end"), [(1, 9), (2, 6)])
def test_packages_wait_for_each_other_for_the_client_and_for_people(
    people: int, end: float
) -> None:
    """While b awaits the client for four days, one person does c; two do both at once."""
    plan = Plan(
        [
            _package("a", (1, 1, 1)),
            _package("b", (1, 1, 1), waits=(4, 4, 4), after=("a",)),
            _package("c", (5, 5, 5), after=("a",)),
            _package("d", (2, 2, 2), after=()),
        ],
        {},
        people=people,
    )
    draws = simulate(plan, seed=0, draws=10)
    assert draws.end == pytest.approx(np.full(10, end))
    for name, before in (("b", "a"), ("c", "a")):
        place = {each.name: number for number, each in enumerate(plan.packages)}
        assert (draws.start[:, place[name]] >= draws.finish[:, place[before]]).all()


def test_part_time_takes_longer_and_not_more() -> None:
    plan = [_package("a", (3, 3, 3))]
    whole, half = (simulate(Plan(plan, {}, days_a_week=d), 0, 5) for d in (5, 2.5))
    assert (half.total == whole.total).all()
    assert (half.end == 2 * whole.end).all()


def test_the_same_seed_gives_the_same() -> None:
    plan = Plan(packages(read_catalogue(), ANSWERS), read_catalogue().risks)
    first, second, other = (simulate(plan, seed).total for seed in (3, 3, 4))
    assert (first == second).all()
    assert (first != other).any()


def test_ten_thousand_draws_take_less_than_a_second() -> None:
    plan = Plan(packages(read_catalogue(), ANSWERS), read_catalogue().risks)
    simulate(plan, seed=1)  # what is loaded when it is first used
    began = time.process_time()
    draws = simulate(plan, seed=2)
    assert time.process_time() - began <= 1
    assert len(draws.total) == 10_000


def test_what_moves_it_most_is_what_is_least_known() -> None:
    plan = Plan([_package("sure", (9, 10, 11)), _package("vague", (1, 5, 30))], {})
    ranked = drivers(plan, simulate(plan, seed=5))
    assert [driver.title for driver in ranked] == ["vague", "sure"]
    assert ranked[0].low < 0 < ranked[0].high


def test_it_pays_back_when_what_is_added_has_covered_the_cost() -> None:
    cost = np.full(1_000, 12_000.0)
    found = pay_back(cost, Worth((1_100, 1_100, 1_100), ""), running=100.0, seed=0)
    assert found.months == {50: 12.0, 80: 12.0, 95: 12.0}
    assert found.never == 0
    never = pay_back(cost, Worth((90, 90, 90), ""), running=100.0, seed=0)
    assert never.months == {50: None, 80: None, 95: None}
    assert never.never == 1


def test_days_are_those_on_which_people_work() -> None:
    terms = Terms(start=date(2026, 12, 23), country="DE", region="BY")
    calendar = Calendar(terms)
    # Christmas is on Friday and Saturday, New Year on Friday, Epiphany on a Wednesday.
    assert [calendar.day(days) for days in (0.2, 1, 2, 3, 7)] == [
        date(2026, 12, 23),
        date(2026, 12, 23),
        date(2026, 12, 24),
        date(2026, 12, 28),
        date(2027, 1, 4),
    ]
    assert calendar.day(9) == date(2027, 1, 7)


def test_only_what_was_asked_for_is_to_be_done() -> None:
    names = [each.name for each in packages(read_catalogue(), ANSWERS)]
    assert {"source-files", "source-postgres", "api", "cloud-aws"} <= set(names)
    assert not {"batch", "stream", "spark", "cluster", "warehouse"} & set(names)
    for place, each in enumerate(packages(read_catalogue(), ANSWERS)):
        assert set(each.after) <= set(names[:place]), each.name


def test_a_package_passed_over_hands_on_what_it_waited_for() -> None:
    found = {each.name: each for each in packages(read_catalogue(), {"serving": []})}
    assert "contract" in found["transform"].after
    assert found["delivery"].after == ("experiments", "charter")


def test_a_project_gets_its_page_and_its_pictures(project: Path) -> None:
    _terms(project, day_rate=800, value_a_month=[1_000, 3_000, 6_000], running_cost=50)
    done = fourhats("estimate", project)
    assert (done.code, done.err) == (0, "")
    data = json.loads(fourhats("estimate", project, "--json").out)
    page = (project / "docs" / "estimate.md").read_text()
    for percentile in ("p50", "p80", "p95"):
        assert data["cost"][percentile] == pytest.approx(800 * data["effort_days"][percentile])
        for text in (f"{data['effort_days'][percentile]:.1f}", data["end"][percentile]):
            assert text in done.out
            assert text in page
    for name in ("gantt", "curve", "tornado"):
        assert f"(estimate/{name}.svg)" in page
        ET.parse(project / "docs" / "estimate" / f"{name}.svg")  # noqa: S314 (our own)
    again = fourhats("estimate", project)
    assert again.out == done.out


def test_what_the_champion_adds_pays_it_back(project: Path) -> None:
    _terms(project, day_rate=800)
    version = project / "artifacts" / "registry" / "versions" / "v1-abc"
    version.mkdir(parents=True)
    (project / "artifacts" / "registry" / "champion").write_text("v1-abc\n")
    gain = {"low": 2.0, "gain": 4.0, "high": 5.0, "over": "act on nobody"}
    evaluation = {"monthly_volume": 500, "gain": gain, "currency": "EUR", "made_up": False}
    file = version / "evaluation.json"
    file.write_text(json.dumps(evaluation))
    found = json.loads(fourhats("estimate", project, "--json").out)
    assert found["value_a_month"] == [1_000, 2_000, 2_500]
    assert found["months_to_pay_back"]["p50"] == pytest.approx(
        found["cost"]["p50"] / 1_900, rel=0.2
    )


@pytest.mark.parametrize("other", [{"made_up": True}, {"currency": "USD"}])
def test_what_is_made_up_or_in_other_money_is_not_reckoned_with(
    project: Path, other: dict[str, object]
) -> None:
    _terms(project, day_rate=800)
    version = project / "artifacts" / "registry" / "versions" / "v1-abc"
    version.mkdir(parents=True)
    (project / "artifacts" / "registry" / "champion").write_text("v1-abc\n")
    gain = {"low": 2.0, "gain": 4.0, "high": 5.0, "over": "act on nobody"}
    evaluation = {"monthly_volume": 500, "gain": gain, "currency": "EUR", "made_up": False}
    (version / "evaluation.json").write_text(json.dumps(evaluation | other))
    found = json.loads(fourhats("estimate", project, "--json").out)
    assert found["value_a_month"] is None
    assert found["months_to_pay_back"] is None
    assert "in EUR" in fourhats("estimate", project).out


def test_money_is_the_project_s_own(project: Path) -> None:
    answers = project / ".copier-answers.yml"
    answers.write_text(f"{answers.read_text()}value_currency: CHF\n")
    _terms(project, day_rate=800)
    assert "cost, CHF" in fourhats("estimate", project).out


@pytest.mark.parametrize("cloud", ["aws", "gcp", "azure"])
def test_the_page_of_every_cloud_is_understood(cloud: str, tmp_path: Path) -> None:
    project = render(tmp_path / "acme", cloud=cloud).folder
    pages = list(project.glob("deploy/terraform/*/README.md"))
    assert [page.parent.name for page in pages] == [cloud]
    found = json.loads(fourhats("estimate", project, "--json").out)["running_cost_a_month"]
    row, head = found["origin"].removeprefix(f"deploy/terraform/{cloud}/README.md: ").split(", ", 1)
    assert (row, head) == SUMS[cloud]
    text = re.escape(f"| **{row}** |") + r".*\*\*([\d.,]+)\*\* \|"
    (amount,) = re.findall(text, pages[0].read_text())
    assert found["amount"] == float(amount.replace(",", "")) > 0
    assert found["currency"] == "USD"


def test_the_cloud_costs_what_its_page_says(project: Path) -> None:
    page = project / "deploy" / "terraform" / "aws" / "README.md"
    page.parent.mkdir(parents=True)
    page.write_text(
        "| what | idle | busy |\n|---|---|---|\n| **together** | **1.00** | **1,041.50** |\n"
    )
    _terms(project, day_rate=800, value_a_month=[5_000, 5_000, 5_000])
    found = json.loads(fourhats("estimate", project, "--json").out)
    assert found["running_cost_a_month"] == {
        "amount": 1041.5,
        "currency": "USD",
        "origin": "deploy/terraform/aws/README.md: together, busy",
    }
    assert found["months_to_pay_back"] is None  # dollars are no euros
    assert "No break-even without `running_cost`, in EUR" in fourhats("estimate", project).out
    _terms(project, day_rate=800, value_a_month=[5_000, 5_000, 5_000], currency="USD")
    found = json.loads(fourhats("estimate", project, "--json").out)
    months = found["cost"]["p50"] / (5_000 - 1_041.5)
    assert found["months_to_pay_back"]["p50"] == pytest.approx(months, rel=0.01)


def test_one_s_own_catalogue_and_the_project_s_override_ours(project: Path, tmp_path: Path) -> None:
    home = tmp_path / "home" / "fourhats"
    home.mkdir(parents=True)
    (home / "catalogue.toml").write_text(
        '[packages.diagnosis]\ndays = [7, 7, 7]\n[packages.workshop]\ntitle = "Workshop"\n'
        'hat = "project manager"\ndays = [2, 2, 2]\n[risks.scope]\nlikelihood = 0\n'
    )
    (project / "config").mkdir()
    (project / "config" / "engagement.toml").write_text(
        "[estimate.packages.workshop]\ndays = [3, 3, 3]\n"
    )
    listed = json.loads(fourhats("estimate", project, "--json").out)["packages"]
    days = {each["name"]: each["days"] for each in listed}
    assert days["diagnosis"] == [7, 7, 7]
    assert days["workshop"] == [3, 3, 3]


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        # As Toggl, Clockify and Harvest export them.
        (
            "User,Project,Task,Description,Duration\na,b,contract,x,01:30:00\na,b,contract,y,00:45:00\n",
            2.25,
        ),
        (
            '"Task","Duration (h)","Duration (decimal)"\n"Contract","02:15:00","2.25"\n',
            2.25,
        ),
        ("Date,Client,Project,Task,Notes,Hours\n2026-01-02,a,b,Contract,,2.25\n", 2.25),
        ("Task;Hours\ncontract;2,25\n", 2.25),
        ("﻿Task\tHours\ncontract\t2:15\n", 2.25),
    ],
)
def test_hours_are_read_as_time_trackers_write_them(
    tmp_path: Path, text: str, hours: float
) -> None:
    file = tmp_path / "hours.csv"
    file.write_text(text, encoding="utf-8")
    assert [*read_hours(file).values()] == [pytest.approx(hours)]


def test_what_was_spent_is_shown_recorded_and_learned_from(project: Path, tmp_path: Path) -> None:
    before = json.loads(fourhats("estimate", project, "--json").out)
    spent = tmp_path / "spent.csv"
    spent.write_text(
        "Task,Hours\nJoin, clean\n".replace("Join, clean", '"Join, clean, derive features",160')
    )
    for _ in range(2):  # the second time replaces the first
        said = fourhats("estimate", project, "--actuals", spent)
        assert "20.0 of" in said.out
        assert "beyond" in said.out
        assert "0 of 1 held" in said.out
    after = json.loads(fourhats("estimate", project, "--json").out)
    days = [
        {each["name"]: each["mean_days"] for each in found["packages"]} for found in (before, after)
    ]
    assert days[1]["transform"] > 1.2 * days[0]["transform"]
    assert days[1]["api"] == days[0]["api"]


def test_few_records_move_little_and_many_almost_all() -> None:
    found = [
        factors([Record(str(n), "api", expected=2, p80=3, actual=4) for n in range(count)])["api"]
        for count in (1, 100)
    ]
    assert 1.1 < found[0].factor < 1.4
    assert 1.9 < found[1].factor < 2
    assert found[1].low > found[0].low
    assert all(each.low < each.factor < each.high for each in found)


def test_the_interval_of_a_factor_holds_it_as_often_as_it_says() -> None:
    """People whose own factors are drawn as the method supposes, each with four records."""
    random = np.random.default_rng(8)
    inside = 0
    for own in random.normal(0, 0.3, 1_000):
        actual = np.exp(own + random.normal(0, 0.5, 4))
        found = factors([Record("p", "api", 1, 1, float(each)) for each in actual])["api"]
        inside += found.low <= np.exp(own) <= found.high
    assert 0.93 <= inside / 1_000 <= 0.97


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda p: _terms(p, day_rat=1), "config/engagement.toml: estimate.day_rat"),
        (lambda p: _terms(p, day_rate=-1), "estimate.day_rate"),
        (lambda p: _terms(p, country="XX"), "no holidays are known of XX"),
        (lambda p: _terms(p, value_a_month=[3, 2, 1]), "from the least to the most"),
        (lambda p: _own(p, "[estimate\n"), "cannot be read"),
        (lambda p: _own(p, "[estimate.packages.api]\nafter = ['nobody']\n"), "no package 'nobody'"),
        (
            lambda p: _own(p, "[estimate.packages.access]\nafter = ['handover']\n"),
            "wait for each other",
        ),
        (lambda p: _own(p, "[estimate.packages.new]\ndays = [1, 2, 3]\n"), "packages.new.title"),
    ],
)
def test_a_wrong_term_is_one_line(project: Path, write: Callable[[Path], None], said: str) -> None:
    write(project)
    done = fourhats("estimate", project)
    assert done.code == 2
    assert said in done.err
    assert len(done.err.splitlines()) == 1
    assert not (project / "docs").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Who,When\na,b\n", "column of tasks"),
        ("Task,Hours\ncontract,lots\n", "line 2: 'lots' is no duration"),
        ("Task,Hours\nlunch,1\n", "no task is called like a package"),
    ],
)
def test_hours_that_say_nothing_are_refused(
    project: Path, tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "hours.csv"
    file.write_text(text)
    done = fourhats("estimate", project, "--actuals", file)
    assert done.code == 2
    assert said in done.err
    assert not (tmp_path / "home").exists()


def test_without_a_project_answers_do(tmp_path: Path) -> None:
    file = tmp_path / "answers.yml"
    file.write_text("serving: [batch]\norchestrator: none\n")
    done = fourhats("estimate", tmp_path, "--answers", file)
    assert done.code == 0
    assert "days of work" in done.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answers.yml"]
    assert fourhats("estimate", tmp_path).code == 2


def test_percentiles_are_of_the_draws() -> None:
    assert percentiles(np.arange(101.0)) == {50: 50, 80: 80, 95: 95}


def test_a_calendar_knows_no_holidays_of_nowhere() -> None:
    with pytest.raises(WrongInputError, match="no holidays are known of XX"):
        Calendar(Terms(country="XX"))
