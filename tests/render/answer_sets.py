"""Which answer sets are rendered: a covering array over the questions as they stand."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import yaml
from allpairspy import AllPairs

from tests.services.rendered import ROOT

Answers = dict[str, Any]

# What only some answers to the others go with: they are one option here.
BOUND = ("cloud", "storage", "platform")

LONG_NAME = "a" * 30

# What has no menu, but changes more than a text: names as short and as long as may be (lines break
# and imports sort differently), a path or none, an address or none.
TYPED: dict[str, list[Any]] = {
    "project_name": ["Customer churn", "A", LONG_NAME],
    "files_path": ["", "data/*.csv"],
    "user_email": ["", "team@example.com"],
}


def covering_array(strength: int, names: Sequence[str] | None = None) -> list[Answers]:
    """Give answer sets in which any `strength` options meet in all their combinations.

    The array is greedy and without chance: it is a function of the questions alone. With `names` it
    is made of these options only, and the others keep their defaults.
    """
    options = choices() | TYPED
    options = {name: options[name] for name in names or options}
    bound = [name for name in options if name in BOUND]
    places = [
        place
        for values in product(*(options[name] for name in bound))
        if possible(place := dict(zip(bound, values, strict=True)))
    ]
    free = {name: values for name, values in options.items() if name not in bound}
    rows = AllPairs([*free.values(), places], n=strength)
    return [
        {
            name: _copied(value)
            for name, value in (dict(zip(free, row, strict=False)) | row[len(free)]).items()
        }
        for row in rows
    ]


def possible(answers: Answers) -> bool:
    """Tell whether answers, of which some may lack, are taken together."""
    return answers.get("cloud", "none") == "none" or (
        answers.get("storage") != "local" and answers.get("platform") != "kubernetes"
    )


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
