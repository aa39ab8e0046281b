"""The error rates that promotion and rollback promise, counted in worlds whose truth is known."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from fourhats_runtime import Project
from fourhats_runtime.answer.predictor import predictions
from fourhats_runtime.data.warehouse import Connection, scratch
from fourhats_runtime.lifecycle.comparison import compare
from fourhats_runtime.lifecycle.promote import Verdict, promote
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.lifecycle.rollback import rollback
from fourhats_runtime.limits import Comparing
from fourhats_runtime.monitor import performance
from fourhats_runtime.monitor.predictions import collect, remember_outcomes
from msgspec import structs

from tests.method.models import (
    BOTH,
    NOTED,
    OF_CUSTOMERS,
    ONE,
    OTHER,
    POLICIES,
    WRONG,
    Draw,
    cases,
    holdout_of,
    project_of,
    registered,
    untold,
)
from tests.method.pairs import PILOT, SPARSE, WORLDS, World, edge_of

CASES = int(os.environ.get("METHOD_CASES", "1000"))
SEED = int(os.environ.get("METHOD_SEED", "14"))
ERROR_RATE = Comparing().error_rate
MOST_ERRORS, LEAST_POWER = 0.05, 0.5
MOST_MISSED = 0.07
"""Of 1,000 intervals, chance leaves no more where 95 % hold."""
HOLDOUT_ROWS = 3000
WEEKS, WEEKS_TO_KNOW, A_WEEK = 8, 5, 400


def share(what: str, question: Callable[[np.random.Generator], bool], number: int) -> float:
    """Count in what share of so many cases the answer is yes."""
    yes = sum(question(np.random.default_rng([SEED, case])) for case in range(number))
    print(f"{what}: {yes} of {number} (METHOD_SEED={SEED})")
    return yes / number


def chance(number: int) -> float:
    """Give what a share of one in twenty is off by at most, counted in so few cases."""
    return float(2 * (MOST_ERRORS * (1 - MOST_ERRORS) / number) ** 0.5)


def seems_better(world: World, edge: float = 0.0) -> Callable[[np.random.Generator], bool]:
    """Ask whether a challenger of this edge seems to be better."""

    def question(random: np.random.Generator) -> bool:
        challenger, incumbent = world.draw(random, world.rows, edge)
        found = compare(challenger, incumbent, stake=world.stake, error_rate=ERROR_RATE)
        return found.is_better

    return question


@pytest.mark.parametrize("name", [*WORLDS, *SPARSE])
def test_of_equally_good_challengers_at_most_one_in_twenty_is_promoted(name: str) -> None:
    world = (WORLDS | SPARSE)[name]
    assert share(f"{name}, as good", seems_better(world), CASES) <= MOST_ERRORS


@pytest.mark.parametrize("name", WORLDS)
def test_of_challengers_that_gain_two_standard_errors_half_are_promoted(name: str) -> None:
    world = WORLDS[name]
    better = seems_better(world, edge_of(world, 2.0))
    assert share(f"{name}, better by two standard errors", better, CASES) >= LEAST_POWER


@pytest.mark.parametrize("name", WORLDS)
def test_the_interval_holds_the_true_gain(name: str) -> None:
    world = WORLDS[name]
    edge = edge_of(world, 2.0)
    challenger, incumbent = world.draw(np.random.default_rng(1), 2_000_000, edge)
    true = float((challenger - incumbent).mean())

    def missed(random: np.random.Generator) -> bool:
        one, other = world.draw(random, world.rows, edge)
        found = compare(one, other, stake=world.stake, error_rate=ERROR_RATE)
        return not found.low <= true <= found.high

    assert share(f"{name}, the interval misses", missed, CASES) <= MOST_MISSED


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project of models made by hand."""
    return project_of(tmp_path_factory.mktemp("method") / "project")


def promoted(
    project: Project, champion: str, challenger: str
) -> Callable[[np.random.Generator], bool]:
    """Ask whether the step promotes one in place of the other."""
    registry, contract = Registry(project.artifacts / "registry"), project.contract

    def question(random: np.random.Generator) -> bool:
        registry.point("champion", champion)
        registry.point("challenger", challenger)
        return promote(holdout_of(random, HOLDOUT_ROWS), contract, project).promoted

    return question


def test_the_step_promotes_few_that_are_as_good_and_most_that_are_better(project: Project) -> None:
    champion = registered(project, ONE, number=1)
    as_good, better = registered(project, OTHER, number=2), registered(project, BOTH, number=3)
    number = CASES // 5
    errors = share("promote, as good", promoted(project, champion, as_good), number)
    power = share("promote, better", promoted(project, champion, better), CASES // 10)
    assert errors <= MOST_ERRORS + chance(number)
    assert power >= LEAST_POWER


def made_champion(
    project: Project, version: str, rows: int, draw: Draw
) -> Callable[[np.random.Generator], bool]:
    """Ask whether the step promotes one where there is no champion yet."""
    registry, contract = Registry(project.artifacts / "registry"), project.contract

    def question(random: np.random.Generator) -> bool:
        (registry.root / "champion").unlink(missing_ok=True)
        registry.point("challenger", version)
        return promote(holdout_of(random, rows, draw), contract, project).promoted

    return question


@pytest.mark.parametrize("rows", [60, 1000])
def test_of_first_models_that_tell_nothing_at_most_one_in_twenty_is_promoted(
    project: Project, rows: int
) -> None:
    version = registered(project, ONE, number=5)
    question = made_champion(project, version, rows, untold)
    errors = share(f"first, no signal, {rows} rows", question, CASES // 4)
    assert errors <= MOST_ERRORS


def test_of_first_models_that_gain_two_standard_errors_half_are_promoted(project: Project) -> None:
    version = registered(project, ONE, number=5)
    rule = Model.load(project, version).rule
    pilot = holdout_of(np.random.default_rng(0), PILOT)
    earned = rule.realised(Model.load(project, version).run(pilot.inputs), pilot.actual)
    gains = earned - max((rule.by_policy(policy, pilot.actual) for policy in POLICIES), key=np.mean)
    rows = round(4 * gains.var() / gains.mean() ** 2)
    question = made_champion(project, version, rows, cases)
    power = share(f"first, better by two standard errors, {rows} rows", question, CASES // 2)
    assert power >= LEAST_POWER


def test_a_note_in_the_contract_makes_no_worse_challenger_champion(project: Project) -> None:
    champion = registered(project, ONE, number=1)
    worse = registered(project, WRONG, number=4, contract=NOTED)
    assert share("promote, worse and noted", promoted(project, champion, worse), CASES // 10) == 0


@contextmanager
def weeks(
    project: Project, champions: list[str], random: np.random.Generator, rows_each: int = 1
) -> Iterator[Connection]:
    """Live through weeks of decisions, each by a new champion; outcomes come five weeks later.

    A customer has so many rows of a week, which are all alike.
    """
    log, now = project.artifacts / "predictions", datetime.now(UTC).replace(tzinfo=None)
    log.mkdir(parents=True, exist_ok=True)
    registry, entries, known = (
        Registry(project.artifacts / "registry"),
        [],
        ["prediction_id,actual"],
    )
    (registry.root / "champion").unlink(missing_ok=True)
    (registry.root / "champions.json").unlink(missing_ok=True)
    for week, version in enumerate(champions, start=1):
        registry.make_champion(version, "promoted", "it is Monday")
        registry.mark_announced()
        age = len(champions) - week
        drawn, outcomes = cases(random, A_WEEK // rows_each)
        signs = {name: np.repeat(values, rows_each).tolist() for name, values in drawn.items()}
        came = np.repeat(outcomes, rows_each).tolist()
        records = [
            {"customer": f"{week}-{place // rows_each}", "first": one, "second": other}
            for place, (one, other) in enumerate(zip(*signs.values(), strict=True))
        ]
        model = Model.load(project, version)
        entries.append(
            {
                "given_at": str(now - timedelta(weeks=age)),
                "request_id": f"w{week}",
                "model_version": version,
                "predictions": list(map(structs.asdict, predictions(model, signs))),
                "records": records,
            }
        )
        if age >= WEEKS_TO_KNOW:
            known += [f"w{week}-{place},{each}" for place, each in enumerate(came)]
    (log / "1.jsonl").write_text("\n".join(map(json.dumps, entries)) + "\n", encoding="utf-8")
    (project.folder / "outcomes.csv").write_text("\n".join(known) + "\n", encoding="utf-8")
    with scratch(project) as connection:
        connection.execute("CREATE TABLE clean (first DOUBLE, second DOUBLE, came VARCHAR)")
        remember_outcomes(connection, project.contract)
        collect(connection, project, project.contract)
        yield connection


@pytest.fixture
def waiting(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give the project, whose outcomes come in by a file."""
    monkeypatch.setenv("OUTCOMES__PATH", "outcomes.csv")
    return project.at(project.folder)


def test_outcomes_that_take_five_weeks_are_counted_though_a_champion_lasts_one(
    waiting: Project,
) -> None:
    champions = [registered(waiting, ONE, number=10 + week) for week in range(WEEKS)]
    with weeks(waiting, champions, np.random.default_rng(SEED)) as connection:
        found = performance.check(connection, waiting, waiting.contract)
        everybody = performance.realised(connection, waiting, waiting.contract)
    value = next(finding for finding in found if finding.incident == performance.VALUE)
    known = (WEEKS - WEEKS_TO_KNOW) * A_WEEK
    assert everybody.rows == known
    assert f"{known:,} decisions earned" in value.message
    assert f"38% of {WEEKS * A_WEEK:,} have an outcome" in value.message
    assert value.state == "fine"


def test_a_loss_of_earlier_champions_is_noticed_though_another_decides(waiting: Project) -> None:
    champions = [registered(waiting, ONE, number=10 + week) for week in range(WEEKS)]
    with weeks(waiting, champions, np.random.default_rng(SEED)) as connection:
        connection.execute("UPDATE predictions SET actual = 'no' WHERE actual IS NOT NULL")
        found = performance.check(connection, waiting, waiting.contract)
    value = next(finding for finding in found if finding.incident == performance.VALUE)
    assert value.state == "alert"


def test_a_worse_champion_is_taken_back_before_outcomes_of_its_own_are_known(
    waiting: Project,
) -> None:
    champions = [registered(waiting, BOTH, number=20 + week) for week in range(WEEKS - 1)]
    worse = registered(waiting, WRONG, number=30)

    def taken_back(random: np.random.Generator) -> bool:
        return looked_at(waiting, [*champions, worse], random).champion == champions[-1]

    assert share("rollback, worse", taken_back, CASES // 100) == 1


def test_few_champions_are_taken_back_for_one_that_is_as_good(waiting: Project) -> None:
    champions = [registered(waiting, ONE, number=10 + week) for week in range(WEEKS - 1)]
    as_good = registered(waiting, OTHER, number=31)

    def taken_back(random: np.random.Generator) -> bool:
        return looked_at(waiting, [*champions, as_good], random).promoted

    number = CASES // 20
    errors = share("rollback, as good", taken_back, number)
    assert errors <= MOST_ERRORS + chance(number)


@pytest.fixture
def customers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give a project whose rows are of customers, and whose outcomes come in by a file."""
    made = project_of(tmp_path / "project")
    made.contract_file.write_text(OF_CUSTOMERS, encoding="utf-8")
    monkeypatch.setenv("OUTCOMES__PATH", "outcomes.csv")
    return made.at(made.folder)


def test_few_are_taken_back_for_one_as_good_though_a_customer_has_eight_rows(
    customers: Project,
) -> None:
    first = registered(customers, ONE, number=10, contract=OF_CUSTOMERS)
    as_good = registered(customers, OTHER, number=31, contract=OF_CUSTOMERS)
    registry, number = Registry(customers.artifacts / "registry"), max(20, CASES // 25)
    taken_back = one_by_one = 0
    for case in range(number):
        random = np.random.default_rng([SEED, case])
        with weeks(customers, [first] * (WEEKS - 1) + [as_good], random, 8) as connection:
            taken_back += rollback(connection, customers, customers.contract).promoted
            registry.forget(as_good, "rollback")
            registry.make_champion(first, "promoted", "it was so")
            registry.make_champion(as_good, "promoted", "it was so")
            connection.execute("UPDATE predictions SET _entity = NULL")
            one_by_one += rollback(connection, customers, customers.contract).promoted
            registry.forget(as_good, "rollback")
    print(
        f"rollback, as good, eight rows a customer: {taken_back} of {number}, "
        f"one by one {one_by_one} (METHOD_SEED={SEED})"
    )
    assert taken_back <= (MOST_ERRORS + chance(number)) * number
    assert one_by_one > (MOST_ERRORS + chance(number)) * number


def looked_at(project: Project, champions: list[str], random: np.random.Generator) -> Verdict:
    """Live through the weeks and ask for the way back; what was taken back is forgotten."""
    registry = Registry(project.artifacts / "registry")
    with weeks(project, champions, random) as connection:
        verdict = rollback(connection, project, project.contract)
    registry.forget(champions[-1], "rollback")
    return verdict
