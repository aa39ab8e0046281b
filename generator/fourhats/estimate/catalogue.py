"""The work packages and risks of an engagement: ours, the user's own, and the project's."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from fourhats.errors import WrongInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


def _rising(three: tuple[float, float, float]) -> tuple[float, float, float]:
    if list(three) != sorted(three):
        raise ValueError("write optimistic, likely, pessimistic: from the least to the most")
    return three


Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Three = Annotated[tuple[Amount, Amount, Amount], AfterValidator(_rising)]
"""Optimistic, likely, pessimistic."""

Hat = Literal["project manager", "data engineer", "data scientist", "ML engineer"]
NOTHING: Three = (0.0, 0.0, 0.0)
UNCHANGED: Three = (1.0, 1.0, 1.0)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Entry(_Strict):
    """A work package as a catalogue describes it; `catalogue.toml` says what its keys mean."""

    title: str
    hat: Hat
    days: Three
    waits: Three = NOTHING
    needs: str = ""
    after: tuple[str, ...] = ()
    wanted_by: dict[str, tuple[str, ...]] = Field(default_factory=dict, alias="for")
    each: str = ""


class Risk(_Strict):
    """What may happen, how likely, and by how much it multiplies the days and the waits."""

    title: str
    likelihood: Annotated[float, Field(ge=0, le=1)]
    affects: tuple[str, ...]
    days: Three = UNCHANGED
    waits: Three = UNCHANGED
    hat: Hat = "project manager"
    """Who watches it."""
    watch: str = ""
    """The question of the project's monitoring that sees it come, such as `data:freshness`."""


class Catalogue(_Strict):
    """Entries and risks by name."""

    packages: dict[str, Entry]
    risks: dict[str, Risk] = Field(default_factory=dict)


@dataclass(frozen=True)
class Package:
    """A work package of one engagement; those that it waits for stand before it."""

    name: str
    kind: str
    """Its entry in the catalogue: of two sources it is the same."""
    pattern: str
    """The title as the catalogue has it, with {} in place of the answer."""
    title: str
    hat: Hat
    days: Three
    waits: Three
    needs: str
    after: tuple[str, ...]


def read_catalogue(*own: tuple[Path, Mapping[str, Any]]) -> Catalogue:
    """Read our catalogue, each key of which a later one may replace; each comes with its file.

    Raises:
        WrongInputError: one holds what no catalogue holds.

    """
    text = files(__package__).joinpath("catalogue.toml").read_text(encoding="utf-8")
    merged = tomllib.loads(text)
    catalogue = Catalogue.model_validate(merged)
    for path, content in own:
        merged = _over(merged, content)
        try:
            catalogue = Catalogue.model_validate(merged)
        except ValidationError as problem:
            first = problem.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise WrongInputError(f"{path}: {where}: {first['msg']}") from problem
        _check_names(catalogue, path)
    return catalogue


def packages(catalogue: Catalogue, answers: Mapping[str, Any]) -> list[Package]:
    """Give the packages that the answers ask for, each after those that it waits for."""
    chosen = {
        name: list(_of_entry(name, entry, answers)) for name, entry in catalogue.packages.items()
    }
    order = TopologicalSorter({name: e.after for name, e in catalogue.packages.items()})
    return [
        Package(
            name=each,
            kind=name,
            pattern=entry.title,
            title=title,
            hat=entry.hat,
            days=entry.days,
            waits=entry.waits,
            needs=entry.needs,
            after=tuple(dict.fromkeys(_before(entry.after, chosen, catalogue))),
        )
        for name in order.static_order()
        for entry in (catalogue.packages[name],)
        for each, title in chosen[name]
    ]


def _before(
    after: Sequence[str], chosen: Mapping[str, list[tuple[str, str]]], catalogue: Catalogue
) -> Iterator[str]:
    """Name what has to be done before; for what nobody asked for, what comes before that."""
    for name in after:
        if chosen[name]:
            yield from (each for each, _ in chosen[name])
        else:
            yield from _before(catalogue.packages[name].after, chosen, catalogue)


def _of_entry(name: str, entry: Entry, answers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give name and title of what an entry comes to: nothing, one package, or one an answer."""
    for question, values in entry.wanted_by.items():
        if not set(_listed(answers.get(question))) & set(values):
            return
    if not entry.each:
        yield name, entry.title
        return
    for value in _listed(answers.get(entry.each)):
        yield f"{name}-{value}", entry.title.replace("{}", value.replace("_", " "))


def _listed(answer: object) -> list[str]:
    if answer is None:
        return []
    return [str(each) for each in answer] if isinstance(answer, list) else [str(answer)]


def _over(under: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in above.items():
        known = merged.get(key)
        both = isinstance(known, dict) and isinstance(value, dict) and key != "for"
        merged[key] = _over(known, value) if both and known is not None else value
    return merged


def _check_names(catalogue: Catalogue, path: Path) -> None:
    known = catalogue.packages
    named = [
        *((f"packages.{name}.after", each) for name, e in known.items() for each in e.after),
        *(
            (f"risks.{name}.affects", each)
            for name, r in catalogue.risks.items()
            for each in r.affects
        ),
    ]
    for where, name in named:
        if name not in known:
            raise WrongInputError(f"{path}: {where}: there is no package '{name}'")
    try:
        TopologicalSorter({name: entry.after for name, entry in known.items()}).prepare()
    except CycleError as circle:
        names = " after ".join(circle.args[1])
        raise WrongInputError(f"{path}: packages wait for each other: {names}") from circle
