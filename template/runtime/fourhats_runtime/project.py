"""A project: its folder, what it was answered, and what its own modules hand over.

The runtime never imports a project. What one engagement decides stands in the project's modules;
its `project.py` puts them together as one `Project`, which every step is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, cast

from fourhats_runtime import contract as contract_file
from fourhats_runtime.business import ActionValue, NumberValue, SearchValue, Value
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.settings import Settings, find_folder
from fourhats_runtime.training import Training

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fourhats_runtime.contract import Contract
    from fourhats_runtime.data.quality import Check
    from fourhats_runtime.data.sources import Source
    from fourhats_runtime.data.warehouse import Connection
    from fourhats_runtime.model.candidates import Candidate
    from fourhats_runtime.model.features import Columns
    from fourhats_runtime.monitor.channels import Channel

Task = Literal["classification", "regression", "search"]
Warehouse = Literal["duckdb", "postgres", "bigquery", "snowflake"]
Progress = Callable[[int, int], None]
"""Called with how much of a step is done, and how much there is."""


class Train(Protocol):
    """An experiment: from the table `clean` to a registered challenger."""

    def __call__(self, project: Project, connection: Connection, progress: Progress) -> str:
        """Train a challenger and register it; gives its version."""


class Baselines(Protocol):
    """What a model has to beat."""

    def __call__(self, seed: int, /) -> Sequence[Candidate]:
        """Give candidates that are not tuned."""


class Metrics(Protocol):
    """Figures of the report beside money."""

    def __call__(
        self, outputs: NDArray[np.float64], actual: NDArray[np.float64], contract: Contract, /
    ) -> dict[str, float]:
        """Judge outputs, of shape (rows, classes) or (rows,), by what came, of shape (rows,)."""


def unpaid(*_about: object) -> NDArray[np.float64]:
    """Stand in where a task has no payoff of its own."""
    raise ProjectError("project.py: hand over payoff, what a decision earns")


@dataclass(frozen=True, kw_only=True)
class Project:
    """What the steps need to know of a project, and what its own modules do."""

    name: str
    """As its command is called."""
    task: Task
    train: Train | str
    """The experiment. It, baselines and metrics may be named, as `package.module:function`: where
    a model is only served, the libraries that they import are not installed."""
    baselines: Baselines | str = ""
    """What a model has to beat, by seed: candidates that are not tuned. Search brings its own, and
    figures and payoffs, too: it needs none of the three."""
    metrics: Metrics | str = ""
    payoff: Callable[..., NDArray[np.float64]] = unpaid
    """What decisions earn: of `(acted, right, value)` for classes, `(error, value)` for numbers."""
    sources: Sequence[Source] = ()
    """Where rows come from; a sample stands in while none of them is set up."""
    checks: Sequence[Check] = ()
    """Checks of one's own, beside the contract's."""
    transform: str = "SELECT * FROM valid"
    """The SQL (of DuckDB) of the rows worth learning from, out of `valid`: those that passed."""
    features: Callable[[Columns], Columns] | None = None
    """Derives features from a row's own columns, many rows at once."""
    today: Callable[[Columns], NDArray[Any]] | None = None
    """What is decided today, without a model, where SQL does not say it: of the same columns."""
    channels: Mapping[str, Channel] | None = None
    """Where alerts go, by name; the log alone if None."""
    serving: Sequence[Literal["api", "batch", "stream"]] = ("api", "batch")
    service: str = ""
    """Where the API is, as uvicorn imports it: `package.service:app`."""
    warehouse: Warehouse = "duckdb"
    engine: Literal["local", "spark"] = "local"
    dataframe: Literal["polars", "pandas"] = "polars"
    broker: Literal["redis", "kafka"] = "redis"
    root: Path | None = None
    """The folder, where it is not the one that the process was started in, or one above."""

    def at(self, root: Path) -> Project:
        """Give the same project in another folder, with that folder's settings."""
        return replace(self, root=root)

    @cached_property
    def folder(self) -> Path:
        """The folder, which holds config/.

        Raises:
            ProjectError: there is none around here.

        """
        return (self.root or find_folder(Path.cwd())).resolve()

    @cached_property
    def settings(self) -> Settings:
        """The settings, which are read table by table."""
        return Settings(self.folder)

    @property
    def seed(self) -> int:
        """What random draws start from: the variable `TRAINING__SEED`."""
        return self.settings(Training).seed

    @property
    def value(self) -> Value:
        """What decisions are worth: an `ActionValue`, `NumberValue` or `SearchValue`, by the task.

        Raises:
            ProjectError: config/business.toml lacks something, or says what the task does not know.

        """
        sections: dict[str, type[Value]] = {
            "classification": ActionValue,
            "regression": NumberValue,
            "search": SearchValue,
        }
        return self.settings(sections[self.task])

    @property
    def contract_file(self) -> Path:
        """The contract, which is the user's."""
        return self.folder / "config" / "contract.toml"

    @property
    def contract(self) -> Contract:
        """The contract as it is now.

        Raises:
            ProjectError: it is missing or malformed.

        """
        return contract_file.load(self.contract_file)

    @property
    def artifacts(self) -> Path:
        """Everything that a run writes."""
        return self.folder / "artifacts"


F = TypeVar("F")


def named(function: F | str) -> F:
    """Give a function that a project hands over, or names."""
    return cast("F", resolve_name(function)) if isinstance(function, str) else function
