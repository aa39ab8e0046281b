"""Which answer sets are rendered: a covering array over the questions as they stand."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations, product
from typing import Any

import yaml

from tests.services.rendered import ROOT

Answers = dict[str, Any]

# What only some answers to the others go with: they are one option here.
BOUND = ("cloud", "storage", "platform", "orchestrator", "airflow_operator")
# What a search is taken with; it is not asked which models are trained, and in which frames.
SEARCHED: dict[str, list[Any]] = {
    "engine": ["local"],
    "warehouse": ["duckdb"],
    "model_family": [["sklearn"]],
    "dataframe": ["polars"],
    "serving": [["api"], ["batch"], ["api", "batch"]],
    "cloud": ["none"],
    "storage": ["local"],
}

LONG_NAME = "a" * 30

# What has no menu, but changes more than a text: names as short and as long as may be (lines break
# and imports sort differently), a path or none, an address or none, examples or none.
TYPED: dict[str, list[Any]] = {
    "project_name": ["Customer churn", "A", LONG_NAME],
    "files_path": ["", "data/*.csv"],
    "user_email": ["", "team@example.com"],
    "worked_example": [True, False],
}


def covering_array(strength: int, names: Sequence[str] | None = None) -> list[Answers]:
    """Give answer sets in which any `strength` options meet in all their combinations.

    The array is greedy and without chance: it is a function of the questions alone. A row takes
    every combination that is still missing and goes with those before it. With `names` it is made
    of these options only, and the others keep their defaults.
    """
    options = choices() | TYPED
    options = {name: options[name] for name in names or options}
    # Answers go by their numbers here: lists cannot be in a set.
    left = [
        pairs
        for some in combinations(options, strength)
        for numbers in product(*(range(len(options[name])) for name in some))
        if possible(_answers(options, dict(pairs := tuple(zip(some, numbers, strict=True)))))
    ]
    rows: list[Answers] = []
    while left:
        row: dict[str, int] = {}
        for pairs in left:
            if all(row.get(name, number) == number for name, number in pairs):
                more = row | dict(pairs)
                row = more if possible(_answers(options, more)) else row
        for name in options:  # what is left open takes turns
            turns = (
                row | {name: (len(rows) + turn) % len(options[name])}
                for turn in range(len(options[name]))
            )
            if name not in row:
                row = next(more for more in turns if possible(_answers(options, more)))
        rows.append(_answers(options, row))
        left = [pairs for pairs in left if not set(pairs) <= row.items()]
    return rows


def _answers(options: dict[str, list[Any]], row: dict[str, int]) -> Answers:
    return {name: _copied(options[name][row[name]]) for name in options if name in row}


def possible(answers: Answers) -> bool:
    """Tell whether answers, of which some may lack, are taken together."""
    if answers.get("python_version") == "3.14" and (
        answers.get("engine") == "spark" or "tensorflow" in answers.get("model_family", ())
    ):
        return False
    bound = {name: answers[name] for name in BOUND if name in answers}
    if answers.get("task") == "search":
        if any(answers.get(name, taken[0]) not in taken for name, taken in SEARCHED.items()):
            return False
        bound |= {"cloud": "none", "storage": "local"}
    return any(bound.items() <= place.items() for place in places())


@cache
def places() -> list[Answers]:
    """List the answers to the bound questions that are taken together."""
    menus = choices()
    every = product(*(menus[name] for name in BOUND))
    together = [dict(zip(BOUND, values, strict=True)) for values in every]
    return [place for place in together if _taken(**place)]


def _taken(
    cloud: str, storage: str, platform: str, orchestrator: str, airflow_operator: str
) -> bool:
    if cloud != "none" and (storage == "local" or platform == "kubernetes"):
        return False
    if orchestrator != "airflow":
        return airflow_operator == "process"  # which nobody is asked for then
    return {"ecs": "aws", "cloud_run": "gcp"}.get(airflow_operator, cloud) == cloud


def choices() -> dict[str, list[Any]]:
    """Give every question that has a menu, with all that can be answered to it."""
    return {
        name: _subsets(_values(question)) if question.get("multiselect") else _values(question)
        for name, question in questions().items()
        if "choices" in question
    }


def questions() -> dict[str, dict[str, Any]]:
    """Read the questions of all hats, in the order in which they are asked."""
    files = sorted((ROOT / "questions").glob("*.yml"))
    assert files
    return {
        name: question
        for file in files
        for name, question in yaml.safe_load(file.read_text(encoding="utf-8")).items()
    }


def _values(question: dict[str, Any]) -> list[Any]:
    menu = question["choices"]
    return list(menu.values() if isinstance(menu, dict) else menu)


def _subsets(values: list[Any]) -> list[list[Any]]:
    """Give every choice alone, and all of them: every two then come together and apart."""
    return [*([value] for value in values), *([values] if len(values) > 1 else [])]


def _copied(value: Any) -> Any:  # noqa: ANN401 - answers are of any type
    return list(value) if isinstance(value, list) else value


def named(answers: Answers) -> str:
    """Give an answer set in one line, for a test's message."""
    return " ".join(f"{key}={_shown(value)}" for key, value in answers.items())


def _shown(value: Any) -> Iterator[str] | str:  # noqa: ANN401
    return "+".join(value) if isinstance(value, list) else repr(value)
