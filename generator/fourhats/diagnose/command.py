"""`fourhats diagnose`: is it worth building, before anything is built."""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fourhats.ask.answers import complete, given_answers
from fourhats.ask.questions import Questionnaire
from fourhats.client.profile import of_profile, opened
from fourhats.client.sources import client_source
from fourhats.errors import WrongInputError
from fourhats.source import ANSWERS_FILE, source_root
from fourhats.terminal import fact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from duckdb import DuckDBPyRelation
    from fourhats_runtime.profile import Profile

    from fourhats.client.profile import ClientData
    from fourhats.client.sources import ClientSource, Place
    from fourhats.diagnose.money import Cost
    from fourhats.diagnose.page import Said
    from fourhats.diagnose.result import Diagnosis
    from fourhats.diagnose.terms import Engagement

LIBRARIES = {
    "fpdf": "fpdf2",
    "holidays": "holidays",
    "matplotlib": "matplotlib",
    "numpy": "numpy",
    "pyarrow": "pyarrow",
    "sklearn": "scikit-learn",
    "threadpoolctl": "threadpoolctl",
}
NAME = "diagnosis"


@dataclass(frozen=True)
class Request:
    """What was typed."""

    dest: str
    place: Place
    target: str | None
    positive: str | None
    data: Sequence[str]
    day_rate: float | None
    json: bool
    answers: str | None = None
    today: str | None = None
    months: int | None = None
    out: str | None = None


def diagnose_command(request: Request) -> int:
    """Run `fourhats diagnose`.

    Raises:
        WrongInputError: the data, its target, the amounts, or a file does not do.

    """
    if lacking := lacking_libraries():
        raise WrongInputError(
            f"diagnosing needs {', '.join(lacking)}: install fourhats with its extra `diagnose`"
        )
    from fourhats_runtime.errors import ProjectError  # noqa: PLC0415

    try:
        diagnosis = _diagnosis(request)
    except ProjectError as error:
        raise WrongInputError(_as_typed(str(error), request)) from error
    from fourhats.diagnose import page  # noqa: PLC0415 (it brings matplotlib)

    words = page.said(diagnosis)
    data = as_data(diagnosis)
    written = _write(words, data, _folder(request))
    if request.json:
        print(_as_json(data | {"written": [str(path) for path in written]}))
        return 0
    for line in page.lines(words):
        fact(line)
    fact(f"\nWritten: {', '.join(map(str, written))}")
    return 0


def lacking_libraries() -> list[str]:
    """Name the libraries of the extra `diagnose` that are not installed."""
    return [library for module, library in LIBRARIES.items() if find_spec(module) is None]


def _as_typed(words: str, request: Request) -> str:
    """Name today's rule as it was typed, where it was: the runtime names the project's files."""
    if request.today is None:
        return words
    named = words.replace("business.today", "--today")
    return named.replace(", as features in config/contract.toml", "")


def _diagnosis(request: Request) -> Diagnosis:
    _folder(request)
    with _opened(request, _given(request)) as asked:
        client = of_profile(asked.source, asked.profile, asked.given)
        return _of_rows(request, asked, _answers(asked, client))


def first_page(request: Request) -> tuple[Profile, Diagnosis | None]:
    """Profile a client's data, and diagnose it where it is known what decisions are worth.

    Raises:
        WrongInputError: as `diagnose_command`.

    """
    from fourhats_runtime.errors import ProjectError  # noqa: PLC0415

    from fourhats.diagnose.amounts import is_a_project, is_about, is_said  # noqa: PLC0415

    try:
        with _opened(request, _typed(request)) as asked:
            profile = asked.profile
            task = str(profile.task)
            if profile.target is None or lacking_libraries():
                return profile, None
            if is_about(asked.project, profile):
                asked = replace(asked, given=_given(request))  # noqa: PLW2901
            elif is_a_project(asked.project) or not is_said(asked.project, asked.given, task):
                return profile, None
            client = of_profile(asked.source, profile, asked.given)
            return profile, _of_rows(request, asked, _answers(asked, client))
    except ProjectError as error:
        raise WrongInputError(_as_typed(str(error), request)) from error


@dataclass(frozen=True)
class _Asked:
    """A client's rows, while they can be read, and what was said of the project."""

    project: Path
    given: Mapping[str, Any]
    source: ClientSource
    rows: DuckDBPyRelation
    profile: Profile


@contextmanager
def _opened(request: Request, given: Mapping[str, Any]) -> Iterator[_Asked]:
    project = Path(request.dest).expanduser()
    if not project.is_dir():
        raise WrongInputError(f"{request.dest}: there is no such folder")
    source = client_source(request.place, project)
    task = given.get("task")
    task = task if isinstance(task, str) else None
    with opened(source, request.target, task, request.positive) as (rows, profile):
        yield _Asked(project, given, source, rows, profile)


def _typed(request: Request) -> Mapping[str, Any]:
    return given_answers(Questionnaire.read(source_root()), None, request.data)


def _given(request: Request) -> Mapping[str, Any]:
    """Give what was typed, and what a file of answers, or the project's own, says."""
    own = Path(request.dest).expanduser() / ANSWERS_FILE
    file = request.answers or (str(own) if own.is_file() else None)
    return given_answers(Questionnaire.read(source_root()), file, request.data)


def _answers(asked: _Asked, client: ClientData) -> Mapping[str, Any]:
    settled = {**client.suggested, **client.settled, **asked.given}
    return complete(Questionnaire.read(source_root()), settled).answers


def _of_rows(request: Request, asked: _Asked, answers: Mapping[str, Any]) -> Diagnosis:
    from fourhats.diagnose.amounts import amounts, in_words, rule_of  # noqa: PLC0415
    from fourhats.diagnose.terms import read_engagement  # noqa: PLC0415

    project, given, profile = asked.project, asked.given, asked.profile
    engagement = read_engagement(project)
    value = amounts(project, given, answers)
    today = rule_of(project, request.today)
    # What it brings takes seconds to load: what is wrong is said before.
    from fourhats.diagnose.result import Diagnosis, diagnose  # noqa: PLC0415
    from fourhats.diagnose.rows import Table, contract_of  # noqa: PLC0415

    contract, which = contract_of(profile, project, request.positive)
    cost, remarks = _cost(request, project, answers, engagement, value.currency)
    found = diagnose(Table(asked.rows, contract), profile, value, cost, today)
    words, decision = in_words(project, given, engagement)
    about = f"The columns are taken {which}."
    label = Path(asked.source.label).name
    return Diagnosis(
        name=str(given.get("project_name") or f"{contract.target.source}, by {label}"),
        decision=decision,
        engagement=engagement.model_copy(update=words),
        source=label,
        target=contract.target.source,
        value=value,
        cost=cost,
        found=found,
        remarks=[*remarks, about],
    )


def _cost(
    request: Request,
    project: Path,
    answers: Mapping[str, Any],
    engagement: Engagement,
    currency: str,
) -> tuple[Cost, list[str]]:
    """Give what building takes, by `fourhats estimate`, and what has to be said of it."""
    from fourhats.diagnose.money import Cost  # noqa: PLC0415
    from fourhats.estimate.result import estimate  # noqa: PLC0415

    found = estimate(project, answers)
    terms, running, remarks = found.terms, found.running, []
    rate = request.day_rate
    if rate is None and terms.day_rate is not None:
        if terms.currency == currency:
            rate = terms.day_rate
        else:
            remarks.append(
                f"The day rate is in {terms.currency}, the amounts are in {currency}: no cost."
            )
    if running is not None and running.currency != currency:
        remarks.append(
            f"Running it costs {running.amount:,.0f} {running.currency} a month, which is not "
            f"taken off, since the amounts are in {currency}."
        )
        running = None
    if engagement.deadline is not None and found.ends[80] > engagement.deadline:
        remarks.append(
            f"Begun on {terms.start:%Y-%m-%d}, it is done by {found.ends[80]:%Y-%m-%d} in 4 of 5 "
            f"cases: later than {engagement.deadline:%Y-%m-%d}, which was asked for."
        )
    horizon = request.months or engagement.payback_months
    cost = Cost(found.effort, horizon, rate, 0.0 if running is None else running.amount)
    return cost, remarks


def _folder(request: Request) -> Path:
    """Give the folder for the pages: what was typed, a project's docs, or this one."""
    project = Path(request.dest).expanduser()
    if request.out is not None:
        folder = Path(request.out).expanduser()
    else:
        folder = project / "docs" if (project / ANSWERS_FILE).is_file() else Path()
    if folder.exists() and not folder.is_dir():
        raise WrongInputError(f"--out {folder}: is no folder")
    return folder


def _write(words: Said, data: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write the pages, and beside them the figures, for `fourhats documents`."""
    from fourhats.diagnose import page  # noqa: PLC0415

    paths = [folder / f"{NAME}.{kind}" for kind in ("html", "pdf", "json")]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths[0].write_text(page.html(words), encoding="utf-8")
        page.pdf(words, paths[1])
        paths[2].write_text(f"{_as_json(data)}\n", encoding="utf-8")
    except OSError as error:
        raise WrongInputError(f"{folder} cannot be written to: {error.strerror}") from error
    return paths


def _as_json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False)


def as_data(diagnosis: Diagnosis) -> dict[str, Any]:
    """Give a diagnosis as JSON can hold it."""
    found, cost, volume = diagnosis.found, diagnosis.cost, diagnosis.value.monthly_volume
    limits, point = found.limits, found.point
    return {
        "name": diagnosis.name,
        "target": diagnosis.target,
        "verdict": asdict(found.verdict),
        "currency": diagnosis.value.currency,
        "a_month": {
            "policies": dict(limits.policies),
            "best": limits.best,
            "perfect": limits.perfect,
            "headroom": limits.headroom,
        },
        "cost": {
            "days": {f"p{each}": cost.days[each] for each in (50, 80)},
            "day_rate": cost.day_rate,
            "amount": {f"p{each}": cost.amount(each) for each in (50, 80)},
            "running_a_month": cost.running,
            "payback_months": cost.horizon,
            "needed_a_month": {f"p{each}": cost.needed(each) for each in (50, 80)},
        },
        "first_point": None
        if point is None
        else {
            "rows": point.rows,
            "entities": point.entities,
            "precision": None if point.acted is None else _share(point.acted.precision),
            "recall": None if point.acted is None else _share(point.acted.recall),
            "off": None if point.off is None else _share(point.off),
            "ranking": _share(point.ranking),
            "gain_a_month": {
                "value": volume * point.gain.gain,
                "low": volume * point.gain.low,
                "high": volume * point.gain.high,
                "over": point.over,
            },
            "how": point.how,
        },
        "data": dict(found.facts),
        "engagement": diagnosis.engagement.model_dump(mode="json"),
        "remarks": diagnosis.remarks,
    }


def _share(share: tuple[float, float, float]) -> dict[str, float | None]:
    names = ("value", "low", "high")
    return {n: e if math.isfinite(e) else None for n, e in zip(names, share, strict=True)}
