"""What may be asked, whichever way it comes: over HTTP, or by a stream."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, Field

from fourhats_runtime.answer.records import RecordError
from fourhats_runtime.contract import Contract

LONGEST = 1000
MOST_ANSWERS = 100

Text = Annotated[str, Field(min_length=1, max_length=LONGEST)]
Count = Annotated[int, Field(ge=1, le=MOST_ANSWERS)]


class Narrowed(BaseModel, extra="forbid"):
    """What of a question is not its text."""

    k: Count | None = None
    """How many answers; as many as the version's rule says where it is None."""
    filters: dict[str, str] = Field(default_factory=dict)


def see_that_they_are_filters(contract: Contract, filters: Mapping[str, str]) -> None:
    """See that documents have what a question is narrowed down by.

    Raises:
        RecordError: they have not; the text says what there is.

    """
    known = [column.name for column in contract.filters]
    if unknown := sorted(filters.keys() - set(known)):
        there_are = ", ".join(known) or "none"
        raise RecordError(f"there is no filter {unknown[0]!r}: there are {there_are}", ("filters",))
