"""The one reader of config/contract.toml: what every column is."""

import tomllib
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, ValidationError, model_validator

from fourhats_runtime.contract.names import NO_FEATURES, OWN_NAMES
from fourhats_runtime.contract.written import Form, form, marks
from fourhats_runtime.errors import ProjectError

MISSING = "__NA__"
"""Stands for a missing category: raw missing values convert to ONNX wrongly, without a word."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class Column(BaseModel, extra="forbid"):
    """One column: its safe `name`, its `source` name in the client's data, and what it holds."""

    name: Name
    source: str
    type: Literal["integer", "number", "boolean", "category", "datetime", "text"]
    role: Literal[
        "id", "entity", "target", "feature", "time", "ignore", "field", "filter", "link"
    ] = "feature"
    """Of documents that are searched: a field holds texts that are looked through, a filter what
    answers may be narrowed down by, a link where the document is found."""
    nullable: bool = False
    min: float | None = None
    max: float | None = None
    categories: tuple[str, ...] = ()
    spellings: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Other texts that stand for a class of the target, by its name."""
    set_aside: tuple[str, ...] = ()
    """Classes of the target whose rows are set aside."""
    blank: str = ""
    """The class that an empty outcome stands for; empty where the case is open."""
    leak: Literal["", "suspected", "accepted"] = ""
    written: str = ""
    """How its numbers or moments are written, by an example: `1.234,50 €`, `DD.MM.YYYY`."""
    missing: tuple[str, ...] | None = None
    """The texts that mean "no value" here, in place of the usual ones."""
    pii: bool = False
    note: str = ""

    parts: tuple[Literal["year", "month", "day", "weekday", "hour", "holiday"], ...] = ()
    """Of a moment: what of it a model is given, beside the days to other such moments."""
    words: bool = False
    """Of a text: whether a model is given its words."""
    vectors: str = Field(default="", pattern=r"^(\w[\w-]*)?$")
    """Of a text: the pre-trained model of config/pretrained.toml that makes a vector of each."""
    monotone: Literal[-1, 0, 1] = 0
    """Of a number: whether what is predicted never falls (1), or never rises (-1), as it grows."""

    @property
    def is_number(self) -> bool:
        """Whether it holds numbers, as which truths count, too."""
        return self.type in ("integer", "number", "boolean")

    @property
    def is_time(self) -> bool:
        """Whether it holds moments."""
        return self.type == "datetime"

    @property
    def is_identifier(self) -> bool:
        """Whether it says which row, or whose: asked for beside the features, never learnt from."""
        return self.role in ("id", "entity")

    @property
    def form(self) -> Form | None:
        """How its texts are read, where that has to be said."""
        return form(self.written, self.type) if self.written else None

    @property
    def missing_marks(self) -> tuple[str, ...]:
        """The texts that mean "no value", in small letters and without blanks around them."""
        return _marks(self.type, self.missing, self.categories)

    @property
    def is_model_input(self) -> bool:
        """Whether a model can be given it as it is: of moments and texts, something is made."""
        return self.is_number or self.type == "category"

    @property
    def reaches_model(self) -> bool:
        """Whether a model is given it, or something that is made of it by the contract."""
        made = bool(self.parts) or self.words or bool(self.vectors)
        return self.is_known and (self.is_model_input or made)

    @property
    def is_known(self) -> bool:
        """Whether it is asked for where a prediction is: a feature, or a time that gives parts."""
        return self.role == "feature" or (self.role == "time" and bool(self.parts))

    @model_validator(mode="after")
    def _fields_are_texts(self) -> Self:
        if self.role in ("field", "link") and self.type != "text":
            raise ValueError(f"column {self.name!r}: a {self.role} is of type 'text'")
        return self

    @model_validator(mode="after")
    def _leaks_stay_out(self) -> Self:
        if self.leak == "accepted" and self.role == "ignore":
            self.role = "feature"
        if self.leak == "suspected" and self.role == "feature":
            message = (
                f"column {self.name!r} is suspected to give the target away (leak): set leak = "
                "'accepted' to learn from it all the same, or role = 'ignore' to leave it out"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _has_what_is_made_of_it(self) -> Self:
        if self.parts and not (self.is_time and self.role in ("feature", "time")):
            raise ValueError(
                f"column {self.name!r}: parts are of a datetime with the role feature or time"
            )
        if self.words and not (self.type == "text" and self.role == "feature"):
            raise ValueError(f"column {self.name!r}: words are of a feature of the type text")
        if self.vectors and not (self.type == "text" and self.role == "feature"):
            raise ValueError(f"column {self.name!r}: vectors are of a feature of the type text")
        if self.monotone and not (self.is_number and self.role == "feature"):
            raise ValueError(f"column {self.name!r}: monotone is of a feature that is a number")
        return self

    @model_validator(mode="after")
    def _classes_are_known(self) -> Self:
        if self.role != "target" and (self.spellings or self.set_aside or self.blank):
            message = f"column {self.name!r}: spellings, set_aside and blank are the target's"
            raise ValueError(message)
        named = {*self.spellings, *([self.blank] if self.blank else [])}
        if unknown := sorted(named - set(self.categories)):
            raise ValueError(f"column {self.name!r}: {unknown[0]!r} is none of its categories")
        if both := sorted(set(self.set_aside) & set(self.categories)):
            raise ValueError(f"column {self.name!r}: {both[0]!r} is a category and set aside")
        return self

    @model_validator(mode="after")
    def _is_written_so_that_it_can_be_read(self) -> Self:
        if self.written and self.type not in ("integer", "number", "datetime"):
            raise ValueError(
                f"column {self.name!r} is of type {self.type!r}, which is read as it stands: "
                "remove written, or change the type to number or datetime"
            )
        try:
            _ = self.form
        except ValueError as error:
            raise ValueError(
                f"column {self.name!r}: written = {self.written!r} can't be understood: {error}"
            ) from None
        return self

    @model_validator(mode="after")
    def _personal_data_stays_out(self) -> Self:
        if self.pii and not self.is_identifier and self.role != "ignore":
            message = (
                f"column {self.name!r} is personal data (pii) with the role {self.role}: set role ="
                " 'ignore' to leave it out, or pii = false if decisions may rest on it"
            )
            raise ValueError(message)
        if self.pii and self.is_identifier and self.type != "text":
            message = (
                f"column {self.name!r} is personal data (pii): its pseudonyms are of type 'text'"
            )
            raise ValueError(message)
        return self


class Join(BaseModel, extra="forbid"):
    """A source whose columns are added to the rows of the others, by columns that both have."""

    source: str
    on: tuple[str, ...] = Field(min_length=1)


class Questions(BaseModel, extra="forbid"):
    """The second table of documents: questions, and the ids of what answers them."""

    path: str = "data/queries.csv"
    """A CSV in the project's folder. It may be missing: then questions are made of the documents.
    """
    text: str = "text"
    """Its column of questions."""
    id: str = "id"
    """Its column of ids; empty where no document answers the question."""


class Contract(BaseModel, extra="forbid"):
    """All columns, and what is predicted; or what is searched."""

    table: str = "table"
    positive: str | None = None
    time_parts: tuple[Name, ...] = ()
    holidays: tuple[date, ...] = ()
    """Days off: what the part "holiday" of a moment tells. `contract holidays DE` lists them."""
    joins: tuple[Join, ...] = ()
    questions: Questions = Questions()
    columns: tuple[Column, ...] = Field(min_length=2)

    def __copy__(self) -> Self:
        """Leave behind what was found out of the columns: the copy may have others."""
        copied = super().__copy__()
        for name in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[name]
        return copied

    @cached_property
    def target(self) -> Column:
        """The column that is predicted."""
        return next(column for column in self.columns if column.role == "target")

    @cached_property
    def fields(self) -> tuple[Column, ...]:
        """The texts that are searched, where the rows are documents; else none."""
        return tuple(column for column in self.columns if column.role == "field")

    @cached_property
    def filters(self) -> tuple[Column, ...]:
        """What found documents may be narrowed down by."""
        return tuple(column for column in self.columns if column.role == "filter")

    @cached_property
    def link(self) -> Column | None:
        """The column that says where a document is found, if there is one."""
        return next((column for column in self.columns if column.role == "link"), None)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes of a classification, in the order of the model's probabilities."""
        return () if self.fields else self.target.categories

    @cached_property
    def features(self) -> tuple[Column, ...]:
        """The columns that are known when a prediction is asked for, in order."""
        return tuple(column for column in self.columns if column.is_known)

    @cached_property
    def model_inputs(self) -> tuple[Column, ...]:
        """The features that a model is given as they are; of the others, something is made."""
        return tuple(column for column in self.features if column.is_model_input)

    @cached_property
    def directions(self) -> dict[str, int]:
        """Which way the model's output goes with a number, by its name: 1 or -1, where it is said.

        The output is the number that is predicted, or the probability of the second class.
        """
        turned = -1 if self.classes and self.positive == self.classes[0] else 1
        return {each.name: turned * each.monotone for each in self.features if each.monotone}

    @cached_property
    def id(self) -> Column | None:
        """The column that names a row, if there is one."""
        return next((column for column in self.columns if column.role == "id"), None)

    @cached_property
    def entity(self) -> Column | None:
        """The column whose equal values name the same customer, machine or shop, if there is one.

        Its rows belong together: they are all learnt from, or all judged by.
        """
        return next((column for column in self.columns if column.role == "entity"), None)

    @cached_property
    def identifiers(self) -> tuple[Column, ...]:
        """The columns that say which row, or whose: the id and the entity."""
        return tuple(column for column in self.columns if column.is_identifier)

    @cached_property
    def key(self) -> tuple[Column, ...]:
        """The columns that no two rows share: the id, or the entity and its time; else none."""
        if self.id is not None:
            return (self.id,)
        if self.entity is None or not self.time_order:
            return ()
        by_name = {column.name: column for column in self.columns}
        return (self.entity, *(by_name[name] for name in self.time_order))

    @cached_property
    def used(self) -> tuple[Column, ...]:
        """Every column but the ignored ones."""
        return tuple(column for column in self.columns if column.role != "ignore")

    @property
    def time_order(self) -> tuple[str, ...]:
        """The names of the columns that put the rows in time, empty where there are none."""
        times = tuple(column.name for column in self.columns if column.role == "time")
        return times or self.time_parts

    @model_validator(mode="after")
    def _lists_holidays_where_they_tell(self) -> Self:
        for column in self.columns:
            if "holiday" in column.parts and not self.holidays:
                raise ValueError(
                    f"column {column.name!r} has the part holiday, and no holidays are listed: "
                    "`contract holidays DE` lists those of a country"
                )
        return self

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        names = [column.name for column in self.columns]
        features = {column.name for column in self.features}
        if own := sorted(OWN_NAMES & set(names) | NO_FEATURES & features):
            raise ValueError(f"{own[0]!r} is a column of the project's own: give another name")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two columns have the name {twice[0]!r}")
        for role, allowed in self._roles().items():
            found = [column.name for column in self.columns if column.role == role]
            if len(found) not in allowed:
                raise ValueError(f"{len(found)} columns have the role {role!r}: {found}")
        if not self.features and not self.fields:
            raise ValueError("no column has the role 'feature'")
        if self.directions and len(self.classes) > 2:  # noqa: PLR2004
            raise ValueError("monotone takes a number to predict, or two classes")
        if unknown := sorted(set(self.time_parts) - set(names)):
            raise ValueError(f"time_parts names {unknown[0]!r}, which is no column")
        if self.positive is not None and self.positive not in self.classes:
            raise ValueError(f"positive = {self.positive!r} is no class of the target")
        return self

    def _roles(self) -> dict[str, tuple[int, ...]]:
        """Give how many columns may have a role, where it is not any number."""
        none, one = (0,), (0, 1)
        if self.fields:  # documents, which nothing is predicted of
            by_id = {"id": (1,), "time": one, "link": one}
            return by_id | dict.fromkeys(("target", "entity", "feature"), none)
        known = {"target": (1,), "id": one, "entity": one, "time": one}
        return known | dict.fromkeys(("filter", "link"), none)


@cache
def _marks(
    kind: str, missing: tuple[str, ...] | None, categories: tuple[str, ...]
) -> tuple[str, ...]:
    values = {category.lower() for category in categories}
    return tuple(mark for mark in marks(kind, missing) if mark not in values)


def load(path: Path) -> Contract:
    """Read a contract.

    Raises:
        ProjectError: the file is missing or malformed; the text says where.

    """
    try:
        return Contract.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ProjectError(f"{path} is missing: write it with `contract infer`") from None
    except UnicodeDecodeError:
        raise ProjectError(f"{path} is no UTF-8 text: save it as UTF-8, or write it anew") from None
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"{path}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise ProjectError(f"{path}: {where + ': ' if where else ''}{reason}") from None
