"""Settings compared: each variant of a project is trained, and judged on the same validation rows.

A variant is a TOML file that says what is otherwise: columns of the contract, the training, the
split. Nothing is registered, and the holdout stays unseen: what wins is written into config/ by a
person, trained, and judged as any model is.
"""

import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
from pyarrow import parquet
from pydantic import BaseModel, Field, ValidationError

from fourhats_runtime.chance import TAIL, Floats, Groups, half_width, limit
from fourhats_runtime.contract import Contract
from fourhats_runtime.contract.writing import as_text
from fourhats_runtime.data.warehouse import connect, require
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.files import unfinished
from fourhats_runtime.lifecycle.aside import put_aside, train_aside
from fourhats_runtime.lifecycle.comparison import Comparison, compare
from fourhats_runtime.lifecycle.figures import Figure
from fourhats_runtime.lifecycle.origin import NOTE
from fourhats_runtime.lifecycle.reference import Validated, validated
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.lifecycle.sharing import shared
from fourhats_runtime.limits import Performance
from fourhats_runtime.project import Project
from fourhats_runtime.settings import Section
from fourhats_runtime.tasks import rule_of
from fourhats_runtime.training import Training

AS_IT_IS = "as it is"
FEWEST_ROWS = 50
"""With fewer validation rows in common, two variants are not compared."""

Shown = Callable[[str, int, int], None]
"""Called with a variant's name, how much of its training is done, and how much there is."""
S = TypeVar("S", bound=Section)


class Variant(BaseModel, extra="forbid"):
    """What is otherwise than in config/."""

    columns: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    """Of the contract, by name: what is said of a column."""
    training: Mapping[str, Any] = Field(default_factory=dict)
    performance: Mapping[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """A variant against the project as it is, on the validation rows that both have."""

    rows: int
    loss: float
    """What it loses more a row: below 0, it is better."""
    off: float
    """What the ends of the interval are away from it."""
    money: Comparison
    verdict: str
    """Better, worse or alike: beyond what chance does among so many variants."""


@dataclass(frozen=True)
class Trained:
    """A variant that was trained."""

    name: str
    model: str
    measure: str
    """What the figure is, such as AUC."""
    figure: Figure
    """On the validation rows."""
    seconds: float
    difference: Difference | None
    """None of the project as it is, and of one with other validation rows."""


def compare_variants(project: Project, files: Sequence[Path], shown: Shown) -> list[Trained]:
    """Train the project as it is and each variant of it; gives what came out, in this order.

    Raises:
        ProjectError: a file is none of a variant, two have the same name, a column that one wants
            is not in the table `clean`, or training fails.

    """
    variants = {AS_IT_IS: Variant()} | {file.stem: read(file) for file in files}
    if len(variants) <= len(files):
        raise ProjectError("two variants have the same name: files are told apart by theirs")
    with shared(project), TemporaryDirectory(dir=project.artifacts, prefix=unfinished()) as place:
        rows = Path(place) / "clean.parquet"
        with connect(project, read_only=True) as connection:
            require(connection, "clean", "transform")
            table = connection.arrow("SELECT * FROM clean")
        parquet.write_table(table, rows)
        # All of them are read before the first is trained: a typing error is said at once.
        asides = {
            name: _aside(project, Path(place) / str(number), name, variant, table.column_names)
            for number, (name, variant) in enumerate(variants.items())
        }
        found: list[Trained] = []
        basis: Validated | None = None
        for name, aside in asides.items():
            trained, judged = _trained(aside, name, rows, shown)
            if basis is None:
                basis = judged
            else:
                more = _difference(judged, basis, aside, len(files))
                trained = replace(trained, difference=more)
            found.append(trained)
    return found


def read(file: Path) -> Variant:
    """Read a variant.

    Raises:
        ProjectError: the file is missing, or says what no variant can.

    """
    try:
        return Variant.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise ProjectError(f"{file}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        known = "[columns.NAME], [training] and [performance]"
        raise ProjectError(f"{file}: {where}: {first['msg']} (a variant has {known})") from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise ProjectError(f"{file}: {error}") from None


def _aside(
    project: Project, folder: Path, name: str, variant: Variant, present: Sequence[str]
) -> Project:
    """Give the variant as a project in a folder of its own."""
    described = tomllib.loads(project.contract_file.read_text(encoding="utf-8"))
    columns = {column["name"]: column for column in described["columns"]}
    for column, said in variant.columns.items():
        if column not in columns:
            raise ProjectError(f"{name}: config/contract.toml has no column {column!r}")
        columns[column].update(said)
    sections = (
        _changed(project.settings(Training), variant.training, name, "training"),
        _changed(project.settings(Performance), variant.performance, name, "performance"),
    )
    aside = put_aside(project, folder, as_text(described).encode(), sections)
    try:
        contract: Contract = aside.contract
    except ProjectError as error:
        raise ProjectError(
            f"{name}: {str(error).replace(f'{aside.contract_file}: ', '')}"
        ) from None
    if lacking := [each.name for each in contract.used if each.name not in present]:
        raise ProjectError(
            f"{name}: {lacking[0]} is not in the table `clean`, as config/contract.toml leaves it "
            "out: take it in there, and run the step `transform`; what is to stay out is left out "
            "by the variants"
        )
    return aside


def _changed(section: S, said: Mapping[str, Any], name: str, table: str) -> S:
    try:
        return type(section).model_validate(section.model_dump() | dict(said))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, (table, *first["loc"])))
        raise ProjectError(f"{name}: {where}: {first['msg']}") from None


def _trained(project: Project, name: str, rows: Path, shown: Shown) -> tuple[Trained, Validated]:
    began = time.perf_counter()
    try:
        version = train_aside(project, rows, lambda done, of: shown(name, done, of))
    except ProjectError as error:
        raise ProjectError(f"{name}: {error}") from None
    registry = Registry(project.artifacts / "registry")
    origin = registry.noted(version, NOTE) or {}
    measure, figure = next(iter(origin["validation"].items()))
    model, seconds = registry.card(version)["model"], time.perf_counter() - began
    trained = Trained(name, model, measure, figure, seconds, None)
    return trained, validated(registry.folder(version))


def _difference(
    mine: Validated, basis: Validated, project: Project, variants: int
) -> Difference | None:
    """Compare what became of the rows that both were judged by; None where they are too few."""
    common = [row for row in basis.row if row in mine.row]
    if len(common) < FEWEST_ROWS:
        return None
    here = np.array([mine.row[row] for row in common])
    there = np.array([basis.row[row] for row in common])
    groups = None if basis.groups is None else basis.groups[there]
    lost: Floats = mine.lost[here] - basis.lost[there]
    money = compare(
        mine.earned[here],
        basis.earned[there],
        stake=rule_of(project, project.contract, {}).stake,
        groups=groups,
    )
    off = half_width(lost, groups)
    verdict = _verdict(float(lost.mean()), off, groups, variants)
    return Difference(len(common), float(lost.mean()), off, money, verdict)


def _verdict(loss: float, off: float, groups: Groups | None, variants: int) -> str:
    """Say which one loses less, at the level that is left to each of so many (Bonferroni)."""
    beyond = off * limit(TAIL / variants, groups) / limit(TAIL, groups)
    if abs(loss) <= beyond:
        return "alike"
    return "better" if loss < 0 else "worse"
