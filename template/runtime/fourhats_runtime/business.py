"""config/business.toml: the problem in the owner's words, and what decisions are worth."""

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from fourhats_runtime.settings import Section


class Business(Section):
    """The problem and the decision, in the owner's words."""

    table: ClassVar[str] = "business"

    problem: str
    decision: str
    owner: str
    client: str = ""
    """For whom it is made, as the documents name them that are signed."""
    language: Literal["en", "fr", "de", "es"] = "en"
    """Of those documents."""
    today: str = ""
    """What is decided today, without a model, as SQL of the columns; empty: see `Project.today`."""
    live_since: date | None = None
    """The day (in UTC) from which people decide by the page; what they ask before is a trial."""

    def is_live(self, today: date) -> bool:
        """Tell whether people decide by the page."""
        return self.live_since is not None and self.live_since <= today


class Value(Section):
    """What decisions of any task have in common: their currency, and how many there are."""

    table: ClassVar[str] = "value"

    currency: str
    monthly_volume: int = Field(gt=0)
    """Decisions a month."""


class ActionValue(Value):
    """What each of the four outcomes of a decision to act is worth, in `currency`."""

    act_right: float
    act_wrong: float
    missed: float
    left_alone: float
    payoff: dict[str, dict[str, float]] = Field(default_factory=dict)
    """Of several classes, where it matters which is taken for which: what it earns to act as if of
    one, or to `leave`, where another came. A pair that is not named is worth what the four say."""


class NumberValue(Value):
    """What a predicted number is worth, in `currency`; `tolerance` is in the target's unit."""

    right: float = Field(gt=0)
    wrong: float = Field(le=0)
    tolerance: float = Field(gt=0)


class SearchValue(Value):
    """What a question is worth, in `currency`, by what it is answered."""

    found: float = Field(gt=0)
    """The right document is among the answers."""
    wrong: float = Field(le=0)
    """There are answers, and none is right."""
    none: float = 0.0
    """"Nothing fits" is said."""
    reading: float = Field(default=0.0, le=0)
    """Looking at one answer; who finds the right one looks no further."""
