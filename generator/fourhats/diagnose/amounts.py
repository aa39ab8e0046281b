"""What decisions are worth and what is said of them: a project's files, or the answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fourhats_runtime.business import ActionValue, Business, NumberValue, SearchValue, Value
from fourhats_runtime.contract import load
from fourhats_runtime.settings import Settings

from fourhats.errors import WrongInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourhats_runtime.lifecycle.today import Today
    from fourhats_runtime.profile import Profile

    from fourhats.diagnose.terms import Engagement

AMOUNTS = {
    "classification": ("value_right", "value_wrong", "value_monthly_volume"),
    "regression": ("value_right", "value_wrong", "value_tolerance", "value_monthly_volume"),
    "search": ("value_right", "value_wrong", "value_reading", "value_monthly_volume"),
}
KINDS: dict[str, type[Value]] = {
    "classification": ActionValue,
    "regression": NumberValue,
    "search": SearchValue,
}
BUSINESS = Path("config") / "business.toml"
CONTRACT = BUSINESS.with_name("contract.toml")


def is_a_project(folder: Path) -> bool:
    """Tell whether a folder says what decisions are worth."""
    return (folder / BUSINESS).is_file()


def is_said(project: Path, given: Mapping[str, Any], task: str) -> bool:
    """Tell whether somebody said what decisions are worth."""
    return is_a_project(project) or set(AMOUNTS[task]) <= set(given)


def is_about(project: Path, profile: Profile) -> bool:
    """Tell whether a project predicts the target of this data.

    Raises:
        ProjectError: the project's contract cannot be read.

    """
    file = project / CONTRACT
    if not file.is_file() or not is_a_project(project):
        return False
    target = next(c.source for c in profile.columns if c.name == profile.target)
    return load(file).target.source == target


def amounts(project: Path, given: Mapping[str, Any], answers: Mapping[str, Any]) -> Value:
    """Give what decisions are worth, by a project's files, or the answers.

    Raises:
        WrongInputError: there is no project, and not all that it takes is among what was given.
        ProjectError: a file of the project holds what it should not.

    """
    task = str(answers["task"])
    kind = KINDS[task]
    if is_a_project(project):
        return Settings(project)(kind)
    if lacking := [name for name in AMOUNTS[task] if name not in given]:
        raise WrongInputError(
            "what are decisions worth, and how many are there? Give "
            + " ".join(f"--data {name}=…" for name in lacking)
            + ", or the folder of a project"
        )
    found: dict[str, float] = {"monthly_volume": answers["value_monthly_volume"]}
    right, wrong = answers["value_right"], -answers["value_wrong"]
    if kind is NumberValue:
        found |= {"right": right, "wrong": wrong, "tolerance": answers["value_tolerance"]}
    elif kind is SearchValue:
        found |= {"found": right, "wrong": wrong, "reading": -answers["value_reading"]}
    else:
        found |= {"act_right": right, "act_wrong": wrong, "missed": 0.0, "left_alone": 0.0}
    return kind.model_validate({"currency": answers["value_currency"], **found})


def in_words(
    project: Path, given: Mapping[str, Any], engagement: Engagement
) -> tuple[dict[str, str], str]:
    """Give problem and owner, and the decision: as somebody said them, never by a default."""
    names = ("problem", "owner", "decision")
    said = {name: str(given.get(f"business_{name}", "")) for name in names}
    if is_a_project(project):
        business = Settings(project)(Business)
        said = {name: getattr(business, name) for name in names}
    words = {name: getattr(engagement, name) or said[name] for name in ("problem", "owner")}
    return words, said["decision"]


def rule_of(project: Path, typed: str | None) -> Today | None:
    """Give today's rule, as it was typed or as a project's file has it; none: nothing is said."""
    sql = (typed or "").strip()
    if not sql and is_a_project(project):
        sql = Settings(project)(Business).today.strip()
    if not sql:
        return None
    from fourhats_runtime.lifecycle.today import Today  # noqa: PLC0415 (it brings much along)

    return Today(sql)
