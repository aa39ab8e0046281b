"""The answers that came with the command: from a file, and one by one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from fourhats.errors import WrongInputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourhats.ask.questions import Questionnaire, Sheet


def given_answers(
    questionnaire: Questionnaire,
    file: str | None,
    pairs: Sequence[str],
    origin: str = "--data",
) -> dict[str, Any]:
    """Gather `--answers FILE` and `--data key=value` (`origin` names it); the latter wins.

    Raises:
        WrongInputError: a key is unknown or given twice, the file is no mapping.

    """
    answers = _from_file(file) if file is not None else {}
    for name in answers:
        check_name(questionnaire, name, str(file))
    return answers | _from_pairs(questionnaire, pairs, origin)


def complete(questionnaire: Questionnaire, given: Mapping[str, Any]) -> Sheet:
    """Answer what is left with the defaults.

    Raises:
        WrongInputError: an answer has the wrong type, is no choice or fails its check.

    """
    sheet = questionnaire.sheet(given)
    for entry in sheet.problems:
        hint = "" if entry.given else f" Set it with --data {entry.name}=…"
        raise WrongInputError(f"{entry.name}: {entry.problem}{hint}")
    return sheet


def unused(sheet: Sheet, given: Mapping[str, Any]) -> list[str]:
    """Name the given answers that the others make pointless."""
    return [entry.name for entry in sheet.entries if entry.name in given and not entry.applies]


def suggested_name(questionnaire: Questionnaire, destination: Path) -> str | None:
    """Make a project name of the folder's (acme-churn: Acme churn), if the checks allow it."""
    words = re.sub(r"[\s_-]+", " ", destination.name).strip()
    if not re.search(r"\w", words):
        return None
    name = words[:1].upper() + words[1:]
    # A folder called `test` is fine, a package called `test` is not.
    for candidate in (name, f"{name} project"):
        if not questionnaire.sheet({"project_name": candidate}).problems:
            return candidate
    return None


def _from_file(file: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongInputError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WrongInputError(f"{file} is not written in UTF-8") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise WrongInputError(f"{file} is no valid YAML: {error}") from error
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise WrongInputError(f"{file} holds no answers: write one `key: value` a line")
    # A project's own .copier-answers.yml does as well: what copier notes in it begins with _.
    return {str(key): value for key, value in content.items() if not str(key).startswith("_")}


def _from_pairs(questionnaire: Questionnaire, pairs: Sequence[str], origin: str) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        name = name.strip()
        if not sign or not name:
            raise WrongInputError(f"{origin} takes key=value, not '{pair}'")
        check_name(questionnaire, name, origin)
        if name in answers:
            raise WrongInputError(f"{origin} {name} is given twice")
        answers[name] = value
    return answers


def check_name(questionnaire: Questionnaire, name: str, origin: str) -> None:
    """Refuse a question that does not exist.

    Raises:
        WrongInputError: and the nearest one that does.

    """
    if name in questionnaire.questions:
        return
    near = questionnaire.nearest(name)
    hint = (
        f": did you mean '{near}'?" if near else f": known are {', '.join(questionnaire.questions)}"
    )
    raise WrongInputError(f"{origin}: there is no question '{name}'{hint}")
