"""The request model, made from the contract: what a record may hold."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec.structs import astuple

from ..contract import Column, Contract
from ..privacy import Pseudonyms

MOST_RECORDS = 10_000

Record = msgspec.Struct


class RecordError(ValueError):
    """A record that the contract forbids; `loc` is the path to what is wrong."""

    def __init__(self, message: str, loc: tuple[str | int, ...]) -> None:
        """Keep the path beside the message."""
        super().__init__(message)
        self.loc = loc


class Records:
    """Decodes lists of records; unknown fields and forbidden values are refused by name."""

    def __init__(self, contract: Contract) -> None:
        """Make the record type of a contract: its features, and its id where it has one."""
        self.contract = contract
        self.columns_taken = [c for c in contract.columns if c.role in ("id", "feature")]
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
        self._decoder = msgspec.json.Decoder(self.list_type)
        self._names = [column.name for column in contract.features]

    def decode(self, body: bytes) -> list[Record]:
        """Decode a JSON list of records.

        Raises:
            RecordError: the body is no such list; the error says which field of which record.

        """
        try:
            records: list[Record] = self._decoder.decode(body)
        except msgspec.DecodeError as error:
            raise explained(error, self._by_name) from None
        return records

    def convert(self, texts: dict[str, str]) -> Record:
        """Make one record from the texts of a form; an empty text is a missing value.

        Raises:
            RecordError: a field does not hold what the contract says.

        """
        given = {name: text.strip() for name, text in texts.items() if text.strip()}
        try:
            record: Record = msgspec.convert(given, self.type, strict=False)
        except msgspec.ValidationError as error:
            raise explained(error, self._by_name) from None
        return record

    def columns(self, records: Sequence[Record]) -> dict[str, tuple[Any, ...]]:
        """Turn records into the columns of the model's features."""
        taken = zip(*map(astuple, records), strict=True)
        by_name = dict(zip(self.type.__struct_fields__, taken, strict=True))
        return {name: by_name[name] for name in self._names}

    def pseudonymous(self, records: Sequence[Record], pseudonyms: Pseudonyms) -> list[Record]:
        """Give copies whose id is its pseudonym."""
        if self.contract.id is None:
            return list(records)
        key, hidden = self.contract.id.name, []
        for record in records:
            value = getattr(record, key)
            made = None if value is None else pseudonyms.of(value)
            hidden.append(msgspec.structs.replace(record, **{key: made}))
        return hidden


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


def _is_optional(column: Column) -> bool:
    return column.nullable or column.role == "id"


def _field(column: Column) -> tuple[str, Any] | tuple[str, Any, None]:
    """Give name, type and, where the value may be missing, the default of a column's field."""
    described: Any = Annotated[kind(column), msgspec.Meta(description=column.source)]
    if _is_optional(column):
        return (column.name, described | None, None)
    return (column.name, described)


def kind(column: Column) -> Any:  # noqa: ANN401 (a type)
    """Give the type of what a column may hold."""
    if column.role == "id":
        return str | int
    if column.categories:
        return Literal[column.categories]
    if column.type == "boolean":
        return Literal[0, 1] | bool
    if column.type == "integer":
        return Annotated[float, msgspec.Meta(ge=column.min, le=column.max, multiple_of=1)]
    if column.type == "number":
        return Annotated[float, msgspec.Meta(ge=column.min, le=column.max)]
    return str
