"""The client's rule of today decides what the client's own SQL or function says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.reference import holdout, keep_holdout
from fourhats_runtime.lifecycle.today import NAME, Today, in_words
from fourhats_runtime.tasks import rule_of

from tests.runtime.handmade import OF_EVERY_KIND
from tests.runtime.handmade import payoff as by_hand
from tests.runtime.sample_project import sample_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fourhats_runtime import Project
    from fourhats_runtime.contract import Contract
    from fourhats_runtime.model import Columns
    from numpy.typing import NDArray

CUSTOMERS: dict[str, list[Any]] = {
    "tenure_months": [3.0, 30.0, 3.0, None],
    "contract": ["monthly", "monthly", "two years", "monthly"],
}
HOURS: dict[str, list[Any]] = {"temperature": [10.0, 20.0, None], "price": [2.0, 4.0, 5.0]}
REGRESSION = pytest.mark.parametrize("task", ["regression"], indirect=True)


def early(row: Columns) -> NDArray[np.bool_]:
    """Act on those who came lately, and may go at any month's end."""
    found: NDArray[np.bool_] = (row["tenure_months"] < 12) & (row["contract"] == "monthly")
    return found


@pytest.fixture
def of_three(fresh: Project) -> Contract:
    """Give the contract of a target of three classes."""
    target = fresh.contract.target
    columns = tuple(
        column.model_copy(update={"categories": ("a", "b", "c")}) if column == target else column
        for column in fresh.contract.columns
    )
    return fresh.contract.model_copy(update={"columns": columns, "positive": None})


@pytest.mark.parametrize(
    "rule",
    [
        Today("tenure_months < 12 AND contract = 'monthly'"),
        Today("tenure_months < 12 -- lately\nAND contract = 'monthly'"),
        Today(function=early),
    ],
)
def test_of_two_classes_it_says_whom_to_act_on(fresh: Project, rule: Today) -> None:
    policy = rule.on(CUSTOMERS, fresh.contract)
    assert policy.name == NAME
    assert np.asarray(policy.acts).tolist() == [True, False, False, False]
    came = np.array([1.0, 1.0, 0.0, 0.0])
    earned = rule_of(fresh, fresh.contract, {}).by_policy(policy, came)
    assert earned.tolist() == [100.0, 0.0, 0.0, 0.0]
    wrongly = rule_of(fresh, fresh.contract, {}).by_policy(policy, 1 - came)
    assert wrongly.tolist() == [-20.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "rule",
    [
        Today("CASE WHEN tenure_months < 12 THEN 'b' WHEN contract = 'monthly' THEN 'c' END"),
        Today(function=lambda _: np.array(["b", "c", "b", None], dtype=object)),
    ],
)
def test_of_more_classes_it_says_as_if_of_which_to_act(
    fresh: Project, of_three: Contract, rule: Today
) -> None:
    rows = {**CUSTOMERS, "contract": ["monthly", "monthly", "monthly", "two years"]}
    policy = rule.on(rows, of_three)
    earned = rule_of(fresh, of_three, {}).by_policy(policy, np.array([1.0, 1.0, 1.0, 1.0]))
    assert earned.tolist() == [100.0, -20.0, 100.0, 0.0]


@REGRESSION
@pytest.mark.parametrize(
    "rule",
    [
        Today("10 * temperature"),
        Today("CAST(10 * temperature AS DECIMAL(9, 2))"),
        Today(function=lambda row: 10 * row["temperature"]),
    ],
)
def test_of_a_number_it_says_what_to_plan_with(fresh: Project, rule: Today) -> None:
    policy = rule.on(HOURS, fresh.contract)
    earned = rule_of(fresh, fresh.contract, {}).by_policy(policy, np.array([100.0, 210.0, 0.0]))
    assert earned.tolist() == [10.0, 5.0, 0.0]  # who has no number plans with nothing


def test_sql_sees_each_column_as_what_it_is(tmp_path: Path) -> None:
    project = sample_project(tmp_path / "kinds", payoff=by_hand)
    project.contract_file.write_text(OF_EVERY_KIND, encoding="utf-8")
    rows: dict[str, list[Any]] = {
        "signed_on": ["2026-01-05", None],
        "fee": [12.5, 12.5],
        "seats": [3.0, 3.0],
        "active": [1.0, None],
        "plan": ["NA", None],
        "comment": ["all is well", None],
    }
    contract = project.at(project.folder).contract
    for sql in (
        "signed_on < TIMESTAMP '2026-02-01'",
        "fee = 12.5 AND active",
        "seats::VARCHAR = '3' AND plan IS NOT NULL",
        "comment LIKE '%well'",
    ):
        policy = Today(sql).on(rows, contract)
        assert np.asarray(policy.acts).tolist() == [True, False], sql


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("tenure < 12", 'column "tenure" not found.*there are, as features in .*tenure_months'),
        ("tenure_months <", "Parser Error"),
        ("tenure_months < 12, region = 'east'", "single expression.*found 2"),
        ("tenure_months < 12; DROP TABLE cases", "Parser Error"),
        ("*", "STAR expression is only allowed"),
        ("COLUMNS(*)", "it has to be one expression, and gives"),
        ("tenure_months", "gives 3: it has to say true or false"),
        ("contract", "gives 'monthly': it has to say true or false"),
        ("tenure_months < avg(tenure_months)", "cannot contain aggregates"),
        ("rank() OVER (ORDER BY monthly_fee) < 2", "cannot contain window functions"),
        ("contract::INTEGER = 1", "Conversion Error"),
        ("(SELECT count(*) FROM read_csv('/etc/hostname')) > 0", "Cannot access file|disabled"),
        ("(SELECT count(*) FROM cases) > 0", "Table with name cases does not exist"),
    ],
)
def test_what_is_no_rule_is_refused_in_one_line(fresh: Project, sql: str, words: str) -> None:
    with pytest.raises(ProjectError, match=words) as caught:
        Today(sql).on(CUSTOMERS, fresh.contract)
    assert str(caught.value).startswith("business.today")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda row: row["tenure"] < 12, "uses the column 'tenure' .*tenure_months"),
        (lambda _: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda _: np.array([True]), "gives 1 values for 4 rows: it takes one a row"),
        (lambda _: True, r"gives the shape \(\): it takes one value a row"),
        (lambda row: row["tenure_months"], "gives 3.0: it has to say true or false"),
    ],
)
def test_a_function_that_is_no_rule_is_refused_in_one_line(
    fresh: Project, function: Callable[[Columns], NDArray[Any]], words: str
) -> None:
    with pytest.raises(ProjectError, match=words) as caught:
        Today(function=function).on(CUSTOMERS, fresh.contract)
    assert str(caught.value).startswith("Project(today=…)")


def test_a_class_or_a_number_that_there_is_not_is_refused(
    fresh: Project, of_three: Contract, tmp_path: Path
) -> None:
    with pytest.raises(ProjectError, match="gives 'monthly': it has to say one of a, b, c"):
        Today("contract").on(CUSTOMERS, of_three)
    hours = sample_project(tmp_path / "hours", "regression").contract
    for sql, given in (("weather", "'rain'"), ("price > 3", "False")):
        with pytest.raises(ProjectError, match=f"gives {given}: it has to say a number"):
            Today(sql).on({**HOURS, "weather": ["rain", "rain", "rain"]}, hours)
    assert fresh.contract.positive == "yes"


def test_where_it_is_silent_is_counted_and_a_rule_that_always_is_is_refused(
    fresh: Project,
) -> None:
    policy, noted = Today("tenure_months < 12").judged(CUSTOMERS, fresh.contract)
    assert np.asarray(policy.acts).tolist() == [True, False, True, False]
    assert in_words(noted) == (
        "today's rule is the SQL 'tenure_months < 12' in config/; it is NULL for 1 of 4 rows of the"
        " holdout, on which it does not act"
    )
    assert in_words({"sql": "", "silent": 0, "rows": 4}) == "today's rule is a function in src/"
    with pytest.raises(ProjectError, match=r"business\.today is NULL for all of 4 rows"):
        Today("contract = NULL").judged(CUSTOMERS, fresh.contract)


def test_it_is_given_once(fresh: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Today.of(fresh) is None
    assert Today.of(replace(fresh, today=early)) == Today(function=early)
    monkeypatch.setenv("BUSINESS__TODAY", "  tenure_months < 12 ")
    assert Today.of(fresh.at(fresh.folder)) == Today("tenure_months < 12")
    with pytest.raises(ProjectError, match=r"given twice, as business\.today and as Project"):
        Today.of(replace(fresh.at(fresh.folder), today=early))


def test_what_it_decided_on_the_holdout_is_kept_as_thinned_out_as_the_rest(
    fresh: Project, tmp_path: Path
) -> None:
    rows = 5000
    tenure = np.arange(rows, dtype=np.float64)
    policy = Today("tenure_months % 3 = 0").on({"tenure_months": tenure.tolist()}, fresh.contract)
    keep_holdout(tmp_path, np.zeros((rows, 2)), tenure, today=policy)
    kept = holdout(tmp_path)
    assert kept.outputs.shape == (len(kept.actual), 2)
    assert kept.today is not None
    assert np.array_equal(kept.today.acts, kept.actual % 3 == 0)
    keep_holdout(tmp_path, np.zeros((rows, 2)), tenure)
    assert holdout(tmp_path).today is None
