"""What is asked before anything is built: `[engagement]` of config/engagement.toml, the user's own.

What a decision is worth stands in config/business.toml, who works at which rate in `[estimate]`.
"""

from __future__ import annotations

from datetime import date  # noqa: TC003 (pydantic reads it)
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from fourhats.errors import WrongInputError
from fourhats.estimate.engagement import FILE, read_toml

if TYPE_CHECKING:
    from pathlib import Path

HORIZON = 24
"""Months within which an engagement has to pay back, where nobody has said."""
ASSUMED = "assumed"
Text = Annotated[str, StringConstraints(max_length=300, strip_whitespace=True)]
Said = Annotated[Text, StringConstraints(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Why(_Strict):
    """A step to the root cause, and how that is known."""

    because: Said
    evidence: Said = ASSUMED


class Stakeholder(_Strict):
    """Somebody who wins, loses, pays or decides."""

    name: Said
    stake: Said


class Constraints(_Strict):
    """What a solution has to keep to."""

    explainable: bool | None = None
    latency_ms: Annotated[int, Field(gt=0)] | None = None
    personal_data: Text = ""
    on_clients_machines: bool | None = None
    others: tuple[Said, ...] = ()

    @property
    def words(self) -> list[str]:
        """Put them in words; none where nobody has said anything."""
        said = []
        if self.explainable is not None:
            said.append(
                "each decision has to be explained"
                if self.explainable
                else "decisions need no explanation"
            )
        if self.latency_ms is not None:
            said.append(f"an answer within {self.latency_ms:,} ms")
        if self.personal_data:
            said.append(f"personal data: {self.personal_data}")
        if self.on_clients_machines is not None:
            said.append(
                "on the client's own machines"
                if self.on_clients_machines
                else "may run outside the client's house"
            )
        return [*said, *self.others]


class Engagement(_Strict):
    """The problem and its limits; what is not said is empty."""

    problem: Text = ""
    """Empty: as config/business.toml, or an answer, says."""
    owner: Text = ""
    """The same."""
    costs_today: Text = ""
    """How the problem shows in money today."""
    whys: Annotated[tuple[Why, ...], Field(max_length=5)] = ()
    """From the problem to its root, five at most."""
    today: Text = ""
    """What is done today, in words; as a rule, in SQL, it is `today` of config/business.toml."""
    alternatives: Annotated[tuple[Said, ...], Field(max_length=5)] = ()
    """What could be done without a model."""
    stakeholders: Annotated[tuple[Stakeholder, ...], Field(max_length=8)] = ()
    deadline: date | None = None
    budget: Annotated[float, Field(gt=0)] | None = None
    """In the currency of the values."""
    payback_months: Annotated[int, Field(ge=1, le=120)] = HORIZON
    constraints: Constraints = Constraints()
    done: Text = ""
    """What has to be true for the work to be done."""


def read_engagement(project: Path) -> Engagement:
    """Read the table; none is one in which nothing is said.

    Raises:
        WrongInputError: the file is no TOML, or a key of it is unknown or wrong.

    """
    content = read_toml(project / FILE).get("engagement", {})
    try:
        return Engagement.model_validate(content)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(("engagement", *map(str, first["loc"])))
        raise WrongInputError(f"{project / FILE}: {where}: {first['msg']}") from problem
