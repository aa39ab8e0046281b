"""What a client's data holds, and what follows from it for a project."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fourhats.client.wording import stake, wording
from fourhats.errors import WrongInputError
from fourhats.terminal import one_line, styled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourhats_runtime.profile import Column, Profile

    from fourhats.client.sources import ClientSource, Rows

LISTED = 12
"""Columns that are left out, of which the reasons are shown."""


@dataclass(frozen=True)
class ClientData:
    """A client's data, profiled for one target."""

    source: ClientSource
    profile: Profile
    given: Mapping[str, Any]

    @property
    def settled(self) -> dict[str, Any]:
        """Return the answers that the data leaves no choice about."""
        return {"task": self.profile.task, "worked_example": False, **self.source.answers}

    @property
    def suggested(self) -> dict[str, Any]:
        """Return the defaults that the data knows better than the questions."""
        profile = self.profile
        table = re.sub(r"[\W_]+", " ", Path(self.source.label).stem).strip()
        suggested: dict[str, Any] = {**wording(profile, table), **self._stake}
        if profile.task == "regression" and profile.tolerance:
            suggested["value_tolerance"] = float(profile.tolerance)
        return suggested

    @property
    def _stake(self) -> dict[str, float]:
        return stake(self.profile, self.given)

    @property
    def contract(self) -> str:
        """Return the text of config/contract.toml."""
        from fourhats_runtime.profile import to_toml  # noqa: PLC0415 (it brings DuckDB)

        return to_toml(self.profile)

    @property
    def facts(self) -> list[str]:
        """Say in a few lines what was inferred."""
        columns = self.profile.columns
        features = sum(column.role == "feature" or bool(column.parts) for column in columns)
        inferred = (
            f"Contract inferred from {Path(self.source.label).name}: {self.profile.rows:,} rows, "
            f"{len(columns)} columns, {features} feature{'s' * (features != 1)}, "
            f"target {self.profile.target} "
            f"({self.profile.task})"
        )
        if self.profile.positive is not None:
            inferred += f", positive class {self.profile.positive}"
        lines = [inferred]
        names = [f"{column.source} ({column.role})" for column in columns if _names(column)]
        if names:
            lines.append(f"Names rows, and is not learnt from: {', '.join(names)}")
        # What a warning says already is not said twice.
        warned = {warning.partition(": ")[0] for warning in self.profile.warnings}
        left_out = [
            column
            for column in columns
            if column.role == "ignore" and not column.pii and column.source not in warned
        ]
        lines += [
            f"Left out: {column.source}: {column.note}; to use it: {column.switch}"
            for column in left_out[:LISTED]
        ]
        if more := left_out[LISTED:]:
            lines.append(f"{len(more):,} more are left out: config/contract.toml says why")
        if personal := [c for c in columns if c.pii and c.source not in warned]:
            sources = ", ".join(column.source for column in personal)
            lines.append(
                f"Looks like personal data: {sources}: left out; to use one: {personal[0].switch}"
            )
        for cost in self._stake.values():
            lines.append(
                f"A wrong decision to act is taken to cost {cost:,.10g}, so that acting on "
                "everybody is worth as little as acting on nobody: put your own figures into "
                "config/business.toml"
            )
        return lines

    @property
    def lines(self) -> list[str]:
        """Return what was inferred and what a person should look at, for a terminal."""
        mark = styled("warning:", "yellow")
        warnings = [f"{mark} {one_line(warning)}" for warning in self.profile.warnings]
        return [*map(one_line, self.facts), *warnings]


def profiled(
    source: ClientSource,
    target: str | None,
    task: str | None = None,
    positive: str | None = None,
) -> Profile:
    """Profile a client's data; `positive` is the class that calls for action, else it is found.

    Raises:
        WrongInputError: it is no table, cannot be read, or the target does not do.

    """
    with opened(source, target, task, positive) as (_, profile):
        return profile


@contextmanager
def opened(
    source: ClientSource,
    target: str | None,
    task: str | None = None,
    positive: str | None = None,
) -> Rows:
    """Give a client's rows beside their profile, while they can be read.

    Raises:
        WrongInputError: as `profiled`.

    """
    from fourhats_runtime.profile import TableFileError, TargetError  # noqa: PLC0415

    label = source.label
    try:
        with source.rows(target, task) as (rows, profile):
            yield rows, profile if positive is None else profile.acting_on(positive)
    except (TableFileError, TargetError) as error:
        raise WrongInputError(_with_file(label, str(error))) from error
    except OSError as error:
        raise WrongInputError(f"{label} cannot be read: {error.strerror or error}") from error


def client_data(
    source: ClientSource,
    target: str | None,
    given: Mapping[str, Any],
    positive: str | None = None,
) -> ClientData:
    """Profile a client's data for the target that its project is to predict.

    Raises:
        WrongInputError: as `profiled`; no target; an answer that contradicts the data.

    """
    task = given.get("task")
    profile = profiled(source, target, task if isinstance(task, str) else None, positive)
    return of_profile(source, profile, given)


def of_profile(source: ClientSource, profile: Profile, given: Mapping[str, Any]) -> ClientData:
    """Put a client's data beside the answers.

    Raises:
        WrongInputError: no target; an answer that contradicts the data.

    """
    task = given.get("task")
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
    return ClientData(source, profile, given)


def check_source(source: ClientSource, given: Mapping[str, Any]) -> None:
    """Refuse sources that are given and do not hold this one.

    Raises:
        WrongInputError: they do not.

    """
    (needed,), sources = source.answers["data_sources"], given.get("data_sources")
    if sources is not None and needed not in sources:
        raise WrongInputError(f"data_sources: with this --client-data it has to hold '{needed}'")


def _names(column: Column) -> bool:
    return column.role in {"id", "entity"}


def _with_file(file: str, message: str) -> str:
    return message if file in message or Path(file).name in message else f"{file}: {message}"
