"""What a client's data holds, and what follows from it for a project."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from fourhats.client_source import client_source
from fourhats.errors import WrongInputError
from fourhats.terminal import one_line, styled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from _typeshed import DataclassInstance

    from fourhats.client_source import ClientSource, Place


class Column(Protocol):
    """What is used of the template's `inference.Column`."""

    name: str
    source: str
    type: str
    role: str
    missing: int
    distinct: int
    pii: bool
    note: str


class Profile(Protocol):
    """What is used of the template's `inference.Profile`."""

    path: str
    rows: int
    columns: tuple[Column, ...]
    target: str | None
    task: str | None
    likely_targets: tuple[str, ...]
    warnings: tuple[str, ...]
    tolerance: float | None


@dataclass(frozen=True)
class ClientData:
    """A client's data, profiled for one target."""

    source: ClientSource
    profile: Profile

    @property
    def settled(self) -> dict[str, Any]:
        """Return the answers that the data leaves no choice about."""
        return {"task": self.profile.task, **self.source.answers}

    @property
    def suggested(self) -> dict[str, Any]:
        """Return the defaults that the data knows better than the questions."""
        tolerance = self.profile.tolerance
        if self.profile.task != "regression" or not tolerance:
            return {}
        return {"value_tolerance": float(tolerance)}

    @property
    def contract(self) -> str:
        """Return the text of config/contract.toml."""
        from fourhats.project import inference  # noqa: PLC0415

        return str(inference().to_toml(self.profile))

    @property
    def facts(self) -> list[str]:
        """Say in a few lines what was inferred."""
        columns = self.profile.columns
        features = sum(column.role == "feature" for column in columns)
        inferred = (
            f"Contract inferred from {Path(self.source.label).name}: {self.profile.rows:,} rows, "
            f"{len(columns)} columns, {features} features, target {self.profile.target} "
            f"({self.profile.task})"
        )
        lines = [inferred]
        left_out = [f"{column.source} ({column.role})" for column in columns if _left_out(column)]
        if left_out:
            lines.append(f"Left out of the features: {', '.join(left_out)}")
        # What a warning says already is not said twice.
        warned = " ".join(self.profile.warnings)
        personal = [
            column.source for column in columns if column.pii and column.source not in warned
        ]
        if personal:
            lines.append(f"Looks like personal data: {', '.join(personal)}")
        return lines

    @property
    def warnings(self) -> list[str]:
        """Return what a person should look at."""
        return list(self.profile.warnings)


def profiled(source: ClientSource, target: str | None, task: str | None = None) -> Profile:
    """Profile a client's data.

    Raises:
        WrongInputError: it is no table, cannot be read, or the target does not do.

    """
    from fourhats.project import inference, table_file  # noqa: PLC0415

    label = source.label
    try:
        return source.profile(target, task)
    except (table_file().TableFileError, inference().TargetError) as error:
        raise WrongInputError(_with_file(label, str(error))) from error
    except OSError as error:
        raise WrongInputError(f"{label} cannot be read: {error.strerror or error}") from error


def client_data(source: ClientSource, target: str | None, given: Mapping[str, Any]) -> ClientData:
    """Profile a client's data for the target that its project is to predict.

    Raises:
        WrongInputError: as `profiled`; no target; an answer that contradicts the data.

    """
    task = given.get("task")
    profile = profiled(source, target, task if isinstance(task, str) else None)
    if profile.target is None:
        raise WrongInputError(
            f"{source.label}: which column is to be predicted? Say it with --target; "
            f"likely: {', '.join(profile.likely_targets) or 'none stands out'}"
        )
    if task is not None and task != profile.task:
        raise WrongInputError(
            f"task: '{task}' does not fit the target {profile.target}, "
            f"which makes it a {profile.task}"
        )
    (needed,), sources = source.answers["data_sources"], given.get("data_sources")
    if sources is not None and needed not in sources:
        raise WrongInputError(f"data_sources: with this --client-data it has to hold '{needed}'")
    return ClientData(source, profile)


def profile_command(place: Place, target: str | None, *, as_json: bool) -> int:
    """Run `fourhats profile`."""
    profile = profiled(client_source(place), target)
    if as_json:
        print(
            json.dumps(
                _plain(asdict(cast("DataclassInstance", profile))), indent=2, ensure_ascii=False
            )
        )
    else:
        for line in _page(profile):
            print(line)
    return 0


def _page(profile: Profile) -> Iterable[str]:
    yield styled(f"{profile.path}: {profile.rows:,} rows, {len(profile.columns)} columns", "bold")
    yield ""
    header = ("column", "type", "role", "missing", "distinct", "note")
    rows = [header, *(_row(column) for column in profile.columns)]
    widths = [min(40, max(len(row[place]) for row in rows)) for place in range(len(header) - 1)]
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)]
        line = "  ".join([*cells, row[-1]]).rstrip()
        yield styled(line, "dim") if number == 0 else line
    yield ""
    if profile.target is None:
        yield f"Likely targets: {', '.join(profile.likely_targets) or 'none stands out'}"
    else:
        yield f"Target: {profile.target} ({profile.task})"
    for warning in profile.warnings:
        yield f"{styled('warning:', 'yellow')} {one_line(warning)}"


def _row(column: Column) -> tuple[str, ...]:
    name = column.name if column.name == column.source else f"{column.name} ({column.source})"
    personal = "personal data" if column.pii else ""
    remark = "; ".join(part for part in (column.note, personal) if part)
    missing = f"{column.missing:,}" if column.missing else ""
    cells = (name, column.type, column.role, missing, f"{column.distinct:,}", remark)
    return tuple(one_line(cell) for cell in cells)


def _left_out(column: Column) -> bool:
    return column.role in {"id", "ignore"}


def _with_file(file: str, message: str) -> str:
    return message if file in message or Path(file).name in message else f"{file}: {message}"


def _plain(value: object) -> object:
    """Make JSON of what a profile holds: dates as text, no NaN."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | bool) or value is None else str(value)
