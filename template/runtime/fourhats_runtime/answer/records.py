"""The request model, made from the contract: what a record may hold."""

import re
from abc import ABC
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec.structs import astuple

from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.contract.written import plain_text
from fourhats_runtime.data.privacy import Pseudonyms
from fourhats_runtime.model.features import in_utc

MOST_RECORDS = 10_000
MOST = float(np.finfo(np.float32).max)
"""The greatest number that a model can be given: beyond it is infinity."""
TOKENS = re.compile(rb'\{|"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""What begins an object in JSON, and texts, in which the same sign begins none."""
TOO_DEEP = "JSON is nested too deeply"

Record = msgspec.Struct


class Moment(ABC):  # noqa: B024 (it is never derived from)
    """A point in time, as a `datetime` in UTC without a time zone, as the tables have it.

    A type of our own, as msgspec's takes no date without a time, and no blank between the two.
    """


Moment.register(datetime)


class RecordError(ValueError):
    """A record that the contract forbids; `loc` is the path to what is wrong."""

    def __init__(self, message: str, loc: tuple[str | int, ...]) -> None:
        """Keep the path beside the message."""
        super().__init__(message)
        self.loc = loc


class Records:
    """Decodes lists of records; unknown fields and forbidden values are refused by name."""

    def __init__(self, contract: Contract) -> None:
        """Make the record type of a contract: its features, id and entity."""
        self.contract = contract
        self.columns_taken = [c for c in contract.columns if c.is_identifier or c.is_known]
        self._by_name = {column.name: column for column in self.columns_taken}
        fields = [_field(column) for column in self.columns_taken]
        # gc: what holds texts and numbers alone is in no cycle.
        self.type = msgspec.defstruct(
            "Record", fields, kw_only=True, forbid_unknown_fields=True, gc=False
        )
        self.list_type = Annotated[
            list[self.type],  # type: ignore[name-defined]
            msgspec.Meta(min_length=1, max_length=MOST_RECORDS),
        ]
        self._decoder = msgspec.json.Decoder(self.list_type, dec_hook=custom)
        self._decoder_of_one = msgspec.json.Decoder(self.type, dec_hook=custom)
        self._names = [column.name for column in contract.features]

    def decode(self, body: bytes, most: int = MOST_RECORDS) -> list[Record]:
        """Decode a JSON list of records, of which there may be so many.

        Raises:
            RecordError: the body is no such list; the error says which field of which record.

        """
        see_that_they_are_few(body, most)
        records: list[Record] = decoded(body, self._decoder, self._by_name)
        return records

    def decode_one(self, body: bytes) -> Record:
        """Decode a JSON object: one record.

        Raises:
            RecordError: the body is no record; the error says which field is wrong.

        """
        record: Record = decoded(body, self._decoder_of_one, self._by_name)
        return record

    def convert(self, texts: dict[str, str]) -> Record:
        """Make one record from the texts of a form or a file, as the data's are written, or plain.

        An empty text is a missing value, as every mark is that means one in the data.

        Raises:
            RecordError: a field does not hold what the contract says.

        """
        given = {}
        for name, text in texts.items():
            column = self._by_name.get(name)
            if (value := text.strip() if column is None else plain_text(text, column)) is not None:
                given[name] = value
        try:
            record: Record = msgspec.convert(given, self.type, strict=False, dec_hook=custom)
        except msgspec.ValidationError as error:
            raise explained(error, self._by_name) from None
        return record

    def columns(self, records: Sequence[Record]) -> dict[str, tuple[Any, ...]]:
        """Turn records into the columns of the model's features."""
        taken = zip(*map(astuple, records), strict=True)
        by_name = dict(zip(self.type.__struct_fields__, taken, strict=True))
        return {name: by_name[name] for name in self._names}

    def pseudonymous(self, records: Sequence[Record], pseudonyms: Pseudonyms) -> list[Record]:
        """Give copies whose identifiers that are personal data are pseudonyms."""
        keys = [column.name for column in self.contract.identifiers if column.pii]
        hidden = []
        for record in records:
            known = {key: getattr(record, key) for key in keys}
            made = {k: None if v is None else pseudonyms.of(v) for k, v in known.items()}
            hidden.append(msgspec.structs.replace(record, **made))
        return hidden


def see_that_they_are_few(body: bytes, most: int) -> None:
    """Count the objects of a JSON text, before any of them takes room.

    Raises:
        RecordError: there are more than `most`.

    """
    if body.count(b"{") <= most:
        return
    objects = (token for token in TOKENS.finditer(body) if token[0] == b"{")
    if next(islice(objects, most, None), None):
        raise RecordError(f"at most {most:,} of them are taken at once", ("body",))


def decoded(
    body: bytes,
    decoder: msgspec.json.Decoder[Any],
    columns: Mapping[str, Column],
) -> Any:  # noqa: ANN401 (the decoder's)
    """Decode JSON.

    Raises:
        RecordError: it is not what the decoder takes; the error says which field of which record.

    """
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        raise explained(error, columns) from None
    except UnicodeDecodeError as error:
        raise RecordError(f"the text is not UTF-8: {error.reason}", ("body",)) from None
    except RecursionError:
        raise RecordError(TOO_DEEP, ("body",)) from None


def explained(error: msgspec.DecodeError, columns: Mapping[str, Column]) -> RecordError:
    """Say which field of which record is wrong, and what it may hold by the contract."""
    text = str(error)
    message, _, path = text.partition(" - at `$")
    loc: list[str | int] = [
        int(index) if index else name for index, name in re.findall(r"\[(\d+)\]|\.(\w+)", path)
    ]
    named = re.search(r"(?:unknown|required) field `(.+?)`", message)
    if named:
        loc.append(named[1])
    column = columns.get(str(loc[-1])) if loc else None
    if column is not None and column.categories:
        message += f"; known are: {', '.join(column.categories)}"
    return RecordError(message, ("body", *loc))


def custom(wanted: type, given: object) -> object:
    """Decode what msgspec does not know: a moment, by ISO 8601; without a time zone it is UTC.

    Raises:
        ValueError: it is none.

    """
    if wanted is not Moment:
        raise NotImplementedError
    try:
        return in_utc(datetime.fromisoformat(given if isinstance(given, str) else ""))
    except ValueError:
        raise ValueError(
            "Expected a date or a time by ISO 8601, such as 2026-01-31T12:00:00"
        ) from None


def described(wanted: type) -> dict[str, Any]:
    """Give the JSON schema of what msgspec does not know."""
    if wanted is not Moment:
        raise NotImplementedError
    return {"type": "string", "format": "date-time"}


def _is_optional(column: Column) -> bool:
    return column.nullable or column.is_identifier


def _field(column: Column) -> tuple[str, Any] | tuple[str, Any, None]:
    """Give name, type and, where the value may be missing, the default of a column's field."""
    explained_type: Any = Annotated[kind(column), msgspec.Meta(description=column.source)]
    if _is_optional(column):
        return (column.name, explained_type | None, None)
    return (column.name, explained_type)


def kind(column: Column) -> Any:  # noqa: ANN401 (a type)
    """Give the type of what a column may hold."""
    if column.is_identifier:
        return str | int
    if column.categories:
        return Literal[column.categories]
    if column.type == "boolean":
        return Literal[0, 1] | bool
    if column.is_number:
        low = -MOST if column.min is None else max(column.min, -MOST)
        high = MOST if column.max is None else min(column.max, MOST)
        whole = 1 if column.type == "integer" else None
        return Annotated[float, msgspec.Meta(ge=low, le=high, multiple_of=whole)]
    return Moment if column.is_time else str
