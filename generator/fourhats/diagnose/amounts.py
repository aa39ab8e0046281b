"""What decisions are worth and what is said of them: a project's files, or the answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fourhats_runtime.business import ActionValue, Business, NumberValue, SearchValue, Value
from fourhats_runtime.settings import Settings

from fourhats.errors import WrongInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourhats_runtime.lifecycle.today import Today

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


def amounts(project: Path, given: Mapping[str, Any], answers: Mapping[str, Any]) -> Value:
    """Give what decisions are worth, by a project's files, or the answers.

    Raises:
        WrongInputError: there is no project, and not all that it takes is among what was given.
        ProjectError: a file of the project holds what it should not.

    """
    task = str(answers["task"])
    kind = KINDS[task]
    if (project / BUSINESS).is_file():
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
    if (project / BUSINESS).is_file():
        business = Settings(project)(Business)
        said = {name: getattr(business, name) for name in names}
    words = {name: getattr(engagement, name) or said[name] for name in ("problem", "owner")}
    return words, said["decision"]


def rule_of(project: Path, typed: str | None) -> Today | None:
    """Give today's rule, as it was typed or as a project's file has it; none: nothing is said."""
    sql = (typed or "").strip()
    if not sql and (project / BUSINESS).is_file():
        sql = Settings(project)(Business).today.strip()
    if not sql:
        return None
    from fourhats_runtime.lifecycle.today import Today  # noqa: PLC0415 (it brings much along)

    return Today(sql)
