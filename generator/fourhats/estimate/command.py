"""`fourhats estimate`: what an engagement takes, from its answers and its terms."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fourhats.ask.answers import complete, given_answers
from fourhats.ask.questions import Questionnaire
from fourhats.errors import WrongInputError
from fourhats.source import ANSWERS_FILE, source_root
from fourhats.terminal import fact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourhats.estimate.result import Estimate

LIBRARIES = ("numpy", "matplotlib", "holidays")
PICTURES = "estimate"
DATA = "estimate.json"
"""Beside the pictures: what the project's own status report reads."""


def estimate_command(
    dest: str, answers: str | None, data: Sequence[str], actuals: str | None, *, as_json: bool
) -> int:
    """Run `fourhats estimate`.

    Raises:
        WrongInputError: there is no project and no answers, or a file does not hold what it should.

    """
    lacking = [name for name in LIBRARIES if find_spec(name) is None]
    if lacking:
        raise WrongInputError(
            f"estimating needs {', '.join(lacking)}: install fourhats with its extra `estimate`"
        )
    project = Path(dest).expanduser()
    given = answers
    if given is None and (project / ANSWERS_FILE).is_file():
        given = str(project / ANSWERS_FILE)
    if given is None and not data:
        raise WrongInputError(
            f"{dest} is no Fourhats project: name one, or give --answers FILE or --data KEY=VALUE"
        )
    questionnaire = Questionnaire.read(source_root())
    sheet = complete(questionnaire, given_answers(questionnaire, given, data))
    from fourhats.estimate.result import estimate  # noqa: PLC0415 (it brings NumPy)

    found = estimate(project, sheet.answers)
    if actuals is not None:
        return _compare(found, Path(actuals), as_json=as_json)
    written = _write(found, project) if (project / ANSWERS_FILE).is_file() else None
    if as_json:
        print(json.dumps(_as_data(found), indent=2, ensure_ascii=False))
        return 0
    from fourhats.estimate.page import lines  # noqa: PLC0415

    for line in lines(found):
        fact(line)
    if written is not None:
        fact(f"\nWritten: {written}")
    return 0


def _write(estimate: Estimate, project: Path) -> Path:
    """Write docs/estimate.md and its pictures; returns the page."""
    from fourhats.estimate import calendar, page, pictures  # noqa: PLC0415

    folder = project / "docs" / PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    dates = calendar.Calendar(estimate.terms)
    drawn = {
        "gantt": pictures.gantt(estimate.plan.packages, estimate.draws, dates),
        "curve": pictures.curve(estimate.draws),
        "tornado": pictures.tornado(estimate.drivers),
    }
    for name, picture in drawn.items():
        (folder / f"{name}.svg").write_text(picture, encoding="utf-8")
    data = json.dumps(_as_data(estimate), indent=2, ensure_ascii=False)
    (folder / DATA).write_text(f"{data}\n", encoding="utf-8")
    document = folder.with_suffix(".md")
    document.write_text(page.document(estimate, PICTURES), encoding="utf-8")
    return document


def _compare(estimate: Estimate, path: Path, *, as_json: bool) -> int:
    """Set what was spent beside what was expected, and record it."""
    import numpy as np  # noqa: PLC0415

    from fourhats.estimate import experience, page  # noqa: PLC0415
    from fourhats.estimate.result import RECORDS, Actual  # noqa: PLC0415

    spent, other = experience.by_package(
        experience.read_hours(path), estimate.plan.packages, estimate.terms.hours_a_day
    )
    if not spent:
        names = ", ".join(each.name for each in estimate.plan.packages)
        raise WrongInputError(f"{path}: no task is called like a package or its title: {names}")
    effort, factors = estimate.draws.effort, estimate.experience
    done = [
        (
            each,
            Actual(
                each.name,
                each.title,
                float(effort[:, number].mean()),
                float(np.percentile(effort[:, number], 80)),
                spent[each.name],
            ),
        )
        for number, each in enumerate(estimate.plan.packages)
        if each.name in spent
    ]
    book = experience.home() / RECORDS
    before = [each for each in experience.read_records(book) if each.project != estimate.name]
    own = [
        experience.Record(
            project=estimate.name,
            kind=each.kind,
            # What the catalogue says, without one's own factor, which is learned from it.
            expected=a.expected / (factors[each.kind].factor if each.kind in factors else 1.0),
            p80=a.p80,
            actual=a.spent,
        )
        for each, a in done
    ]
    records = [*before, *own]
    experience.write_records(book, records)
    held = experience.held(records), len(records)
    actuals = [actual for _, actual in done]
    if as_json:
        listed = [vars(actual) for actual in actuals]
        print(json.dumps({"packages": listed, "other": other, "p80_held": held}, indent=2))
        return 0
    for line in page.actual_lines(actuals, other, held):
        fact(line)
    fact(f"Recorded in {book}: the next estimate reckons with it.")
    return 0


def _as_data(estimate: Estimate) -> dict[str, Any]:
    start, finish = estimate.draws.start, estimate.draws.finish
    return {
        "name": estimate.name,
        "start": estimate.terms.start.isoformat(),
        "currency": estimate.terms.currency,
        "effort_days": _by_name(estimate.effort),
        "end": {f"p{p}": day.isoformat() for p, day in estimate.ends.items()},
        "cost": None if estimate.cost is None else _by_name(estimate.cost),
        "running_cost_a_month": None if estimate.running is None else vars(estimate.running),
        "value_a_month": None if estimate.worth is None else estimate.worth.three,
        "months_to_pay_back": None
        if estimate.pays_back is None
        else _by_name(estimate.pays_back.months),
        "packages": [
            {
                "name": each.name,
                "pattern": each.pattern,
                "title": each.title,
                "hat": each.hat,
                "days": each.days,
                "needs": each.needs,
                "after": each.after,
                "mean_days": float(estimate.draws.effort[:, number].mean()),
                "starts_after": float(start[:, number].mean()),
                "ends_after": float(finish[:, number].mean()),
            }
            for number, each in enumerate(estimate.plan.packages)
        ],
        "drivers": [vars(driver) for driver in estimate.drivers],
    }


def _by_name(values: Mapping[int, float | None]) -> dict[str, float | None]:
    return {f"p{percentile}": value for percentile, value in values.items()}
