"""Outcomes: what really came of a prediction, as the contract says that it may."""

from typing import Annotated, Any

import msgspec

from fourhats_runtime.answer.records import MOST_RECORDS, decoded, kind, see_that_they_are_few
from fourhats_runtime.contract import Contract

Outcome = msgspec.Struct

PREDICTION_ID = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=300,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="<request_id>-<place in the list of records, from 0>",
    ),
]


class Outcomes:
    """Decodes lists of outcomes of what a contract's target is."""

    def __init__(self, contract: Contract) -> None:
        """Make the type of an outcome."""
        self._target = contract.target
        fields = [("prediction_id", PREDICTION_ID), ("actual", kind(contract.target))]
        outcome = msgspec.defstruct("Outcome", fields, kw_only=True, forbid_unknown_fields=True)
        self.list_type = Annotated[
            list[outcome],  # type: ignore[valid-type]
            msgspec.Meta(min_length=1, max_length=MOST_RECORDS),
        ]
        self._decoder = msgspec.json.Decoder(self.list_type)

    def decode(self, body: bytes) -> list[dict[str, Any]]:
        """Decode a JSON list of outcomes.

        Raises:
            RecordError: the body is no such list; the error says which field of which outcome.

        """
        see_that_they_are_few(body, MOST_RECORDS)
        outcomes: list[Outcome] = decoded(body, self._decoder, {"actual": self._target})
        return [msgspec.structs.asdict(outcome) for outcome in outcomes]

    @property
    def example(self) -> dict[str, Any]:
        """An outcome as it may come in."""
        target = self._target
        limits = [limit for limit in (target.min, target.max) if limit is not None]
        actual = [*target.categories, *limits, 0][0]
        return {"prediction_id": "0f3c5a7799e1d2b4-0", "actual": actual}
