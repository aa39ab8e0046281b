"""The one reader of config/contract.toml: what every column is."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, ValidationError, model_validator

from .column_names import OWN_NAMES
from .errors import ProjectError

MISSING = "__NA__"
"""Stands for a missing category: raw missing values convert to ONNX wrongly, without a word."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class Column(BaseModel, extra="forbid"):
    """One column: its safe `name`, its `source` name in the client's data, and what it holds."""

    name: Name
    source: str
    type: Literal["integer", "number", "boolean", "category", "datetime", "text"]
    role: Literal["id", "target", "feature", "time", "ignore"] = "feature"
    nullable: bool = False
    min: float | None = None
    max: float | None = None
    categories: tuple[str, ...] = ()
    decimal: Literal[".", ","] = "."
    pii: bool = False
    note: str = ""

    @property
    def is_number(self) -> bool:
        """Whether the model is given the column as a number."""
        return self.type in ("integer", "number", "boolean")

    @model_validator(mode="after")
    def _features_are_usable(self) -> Self:
        if self.role == "feature" and self.type in ("datetime", "text"):
            message = (
                f"column {self.name!r} is a feature of type {self.type}, which no model here "
                "takes: set role = 'ignore', or let the source make numbers or categories of it"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _personal_data_stays_out(self) -> Self:
        if self.pii and self.role not in ("id", "ignore"):
            message = (
                f"column {self.name!r} is personal data (pii) with the role {self.role}: set role ="
                " 'ignore' to leave it out, or pii = false if decisions may rest on it"
            )
            raise ValueError(message)
        if self.pii and self.role == "id" and self.type != "text":
            message = (
                f"column {self.name!r} is personal data (pii): its pseudonyms are of type 'text'"
            )
            raise ValueError(message)
        return self


class Join(BaseModel, extra="forbid"):
    """A source whose columns are added to the rows of the others, by columns that both have."""

    source: str
    on: tuple[str, ...] = Field(min_length=1)


class Contract(BaseModel, extra="forbid"):
    """All columns, and what is predicted."""

    table: str = "table"
    positive: str | None = None
    time_parts: tuple[Name, ...] = ()
    joins: tuple[Join, ...] = ()
    columns: tuple[Column, ...] = Field(min_length=2)

    @property
    def target(self) -> Column:
        """The column that is predicted."""
        return next(column for column in self.columns if column.role == "target")

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of a classification, in the order of the model's probabilities."""
        return self.target.categories

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns that the model is given, in order."""
        return tuple(column for column in self.columns if column.role == "feature")

    @property
    def id(self) -> Column | None:
        """The column that names a row, if there is one."""
        return next((column for column in self.columns if column.role == "id"), None)

    @property
    def used(self) -> tuple[Column, ...]:
        """Every column but the ignored ones."""
        return tuple(column for column in self.columns if column.role != "ignore")

    @property
    def time_order(self) -> tuple[str, ...]:
        """The names of the columns that put the rows in time, empty where there are none."""
        times = tuple(column.name for column in self.columns if column.role == "time")
        return times or self.time_parts

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        names = [column.name for column in self.columns]
        features = {column.name for column in self.features}
        if own := sorted(OWN_NAMES & set(names) | {"id"} & features):
            raise ValueError(f"{own[0]!r} is a column of the project's own: give another name")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two columns have the name {twice[0]!r}")
        for role, allowed in (("target", (1,)), ("id", (0, 1)), ("time", (0, 1))):
            found = [column.name for column in self.columns if column.role == role]
            if len(found) not in allowed:
                raise ValueError(f"{len(found)} columns have the role {role!r}: {found}")
        if not self.features:
            raise ValueError("no column has the role 'feature'")
        if unknown := sorted(set(self.time_parts) - set(names)):
            raise ValueError(f"time_parts names {unknown[0]!r}, which is no column")
        if self.positive is not None and self.positive not in self.classes:
            raise ValueError(f"positive = {self.positive!r} is no class of the target")
        return self


def load(path: Path) -> Contract:
    """Read a contract.

    Raises:
        ProjectError: the file is missing or malformed; the text says where.

    """
    try:
        return Contract.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ProjectError(f"{path} is missing: write it with `contract infer`") from None
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"{path}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise ProjectError(f"{path}: {where + ': ' if where else ''}{reason}") from None
