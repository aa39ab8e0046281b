"""What a source of the runtime is given to read before there is a project: what was typed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from fourhats_runtime.settings import Section, Settings
from pydantic import SecretStr

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fourhats_runtime import Project

S = TypeVar("S", bound=Section)


class Surroundings(Settings):
    """Settings out of no file: tables and secrets that are given, else the environment's."""

    def __init__(
        self, folder: Path, tables: Mapping[str, Mapping[str, Any]], secrets: Mapping[str, str]
    ) -> None:
        """Take what was typed."""
        super().__init__(folder)
        self._given = tables
        self._secrets = secrets

    def __call__(self, section: type[S], table: str | None = None) -> S:
        """Give a table that was typed."""
        name = section.table if table is None else table
        return section.model_validate(self._given.get(name, {}))

    def has(self, table: str) -> bool:
        """Tell whether the table was typed."""
        return table in self._given

    def secret(self, variable: str) -> SecretStr | None:
        """Give a secret that was typed, or the environment's."""
        typed = self._secrets.get(variable)
        return SecretStr(typed) if typed else super().secret(variable)

    @property
    def project(self) -> Project:
        """What sources take for a project: they ask for its folder and its settings."""
        return cast("Project", SimpleNamespace(folder=self.folder, settings=self))
