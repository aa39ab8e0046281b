"""What a project about a client's data says of itself, before anybody has put it better."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourhats_runtime.profile import Profile

ACT_RIGHT = 100.0
"""What a right decision to act is worth, where nobody has said it: the question's default."""
LEAVING = re.compile(
    r"churn|attrit|exited|left|leav|cancel|kuendig|gekuendig|abwander|resili|disdett|abbandon|baja"
)
"""What a target is called that is about customers who leave: the questions' own words fit it."""


def wording(profile: Profile, table: str) -> dict[str, str]:
    """Propose problem, decision and owner; nothing where the questions' own words fit.

    `table` is what the client calls the data, in words.
    """
    target = next(column for column in profile.columns if column.role == "target")
    if profile.task == "classification" and LEAVING.search(target.name):
        return {}
    what = _words(target.source) or _words(target.name)
    of = f" ({table})" if table else ""
    if profile.task == "regression":
        return {
            "business_problem": f"What {what} will be is estimated by rule of thumb{of}.",
            "business_decision": f"Plan with the predicted {what}",
            "business_owner": "Head of planning",
        }
    owner = {"business_owner": "Who decides on each case"}
    if profile.positive is None:
        return owner | {
            "business_problem": f"Which {what} a case is of is found out late, or by hand{of}.",
            "business_decision": f"Treat each case by its predicted {what}",
        }
    case = f"{what} = {_words(profile.positive)}"
    return owner | {
        "business_problem": f"Cases of {case} are noticed too late to act on them{of}.",
        "business_decision": f"Look first at the cases that are likely to be {case}",
    }


def stake(profile: Profile, given: Mapping[str, Any]) -> dict[str, float]:
    """Propose what a wrong decision to act costs, where nobody has said it.

    By how rare the positive class is, acting on everybody is worth as little as acting on nobody:
    whatever a model adds comes from telling cases apart.
    """
    share, right = profile.positive_share, given.get("value_right", ACT_RIGHT)
    if share is None or "value_wrong" in given or not isinstance(right, int | float):
        return {}
    return {"value_wrong": float(f"{right * share / (1 - share):.2g}")}


def _words(name: str) -> str:
    return " ".join(re.sub(r"[\x00-\x1f\x7f_]+", " ", name).split())[:60]
