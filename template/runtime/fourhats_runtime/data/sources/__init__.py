"""Where the rows come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from fourhats_runtime.data.sources.loaded import Loaded

if TYPE_CHECKING:
    import duckdb

    from fourhats_runtime.project import Project

__all__ = ["Loaded", "Source"]


class Source(Protocol):
    """Where rows come from: one of `sources.kinds`, or a class of one's own."""

    @property
    def name(self) -> str:
        """What its table in the warehouse is called, behind `raw_`; each source has its own."""

    def configured(self, project: Project) -> bool:
        """Tell whether the settings say where its rows are."""

    def load(
        self,
        connection: duckdb.DuckDBPyConnection,
        project: Project,
        table: str,
        bookmark: str | None,
    ) -> Loaded:
        """Write its rows into the table: all of them, or what is new since the bookmark.

        Raises:
            ProjectError: it cannot be read.

        """
