"""Settings: the environment before `.env` before the tables of `config/*.toml`, typed a table.

A room declares the tables that it reads as classes of `Section`, beside what they configure. This
module alone reads the environment and the files.
"""

import os
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

from dotenv import dotenv_values
from pydantic import BaseModel, Field, SecretStr, ValidationError, create_model
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from fourhats_runtime.errors import ProjectError

NOT_SETTINGS = ("airflow.toml", "contract.toml", "engagement.toml")
"""Files in config/ with readers of their own."""


class Section(BaseModel, extra="forbid"):
    """A table of a file in config/: a key that nobody reads is a typing error.

    A key is also set by the environment, e.g. `TRAINING__TRIALS=5`. Where `table` is empty, the
    fields are variables by themselves, e.g. `API_KEY_HASHES`.
    """

    table: ClassVar[str] = ""


S = TypeVar("S", bound=Section)


class Settings:
    """The settings of the project in a folder; each table is read once, when it is first used."""

    def __init__(self, folder: Path) -> None:
        """Read nothing yet."""
        self.folder = folder
        self._read: dict[tuple[str, type[Section]], Section] = {}

    def __call__(self, section: type[S], table: str | None = None) -> S:
        """Give a table: the section's own, or one of another name.

        Raises:
            ProjectError: a key is missing, unknown or malformed; the text names it.

        """
        name = section.table if table is None else table
        if (name, section) not in self._read:
            self._read[name, section] = self._load(name, section)
        return cast("S", self._read[name, section])

    def hold(self, section: Section) -> None:
        """Have a table be as it is given, whatever files and environment say."""
        self._read[section.table, type(section)] = section

    def has(self, table: str) -> bool:
        """Tell whether a file in config/ has the table."""
        return table in self._tables

    def secret(self, variable: str) -> SecretStr | None:
        """Give a variable of the environment, or of `.env`; None where it is not set, or empty."""
        value = os.environ.get(variable, self._dotenv.get(variable))
        return SecretStr(value) if value else None

    def variable(self, name: str) -> str:
        """Give a variable of the environment, or of `.env`, that is no secret; empty: not set."""
        return os.environ.get(name, self._dotenv.get(name) or "")

    def names(self) -> tuple[str, ...]:
        """Give the names of the variables in `.env`."""
        return tuple(self._dotenv)

    @cached_property
    def _dotenv(self) -> dict[str, str | None]:
        try:
            return dict(dotenv_values(self.folder / ".env"))
        except UnicodeDecodeError:
            raise ProjectError(".env is no UTF-8 text: save it as UTF-8") from None

    @cached_property
    def _tables(self) -> dict[str, Any]:
        """Put the files of config/ together: a table may stand in several."""
        tables: dict[str, Any] = {}
        for file in sorted((self.folder / "config").glob("*.toml")):
            if file.name in NOT_SETTINGS:
                continue
            try:
                found = tomllib.loads(file.read_text(encoding="utf-8"))
            except (ValueError, OSError) as error:
                raise ProjectError(f"config/{file.name}: {error}") from None
            for name, value in found.items():
                known = tables.get(name)
                if isinstance(known, dict) and isinstance(value, dict):
                    value = known | value  # noqa: PLW2901 (one table, of two files)
                tables[name] = value
        return tables

    def _load(self, table: str, section: type[S]) -> S:
        tables, _ = self._tables, self._dotenv  # whose faults are said in their own words

        class Surroundings(BaseSettings):
            model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
                env_file=self.folder / ".env", env_nested_delimiter="__", extra="ignore"
            )

            @classmethod
            def settings_customise_sources(
                cls,
                settings_cls: type[BaseSettings],
                init_settings: PydanticBaseSettingsSource,
                env_settings: PydanticBaseSettingsSource,
                dotenv_settings: PydanticBaseSettingsSource,
                file_secret_settings: PydanticBaseSettingsSource,
            ) -> tuple[PydanticBaseSettingsSource, ...]:
                del init_settings, file_secret_settings
                return env_settings, dotenv_settings, InitSettingsSource(settings_cls, tables)

        try:
            if not table:
                # The latter's way with what is unknown counts: the tables are no fields of it.
                flat = create_model(section.__name__, __base__=(section, Surroundings))
                return cast("S", flat())
            field: Any = (section, Field(alias=table, default_factory=dict, validate_default=True))
            made: Any = create_model("Table", __base__=Surroundings, found=field)()
            return cast("S", made.found)
        except ValidationError as error:
            first = error.errors()[0]
            path = [str(part) for part in first["loc"]]
            where = ".".join(path if not table or path[0] == table else [table, *path[1:]])
            raise ProjectError(
                f"setting {where}: {first['msg']} (config/, .env or environment)"
            ) from None
        except ValueError as error:
            raise ProjectError(f"config/: {error}") from None


def find_folder(start: Path) -> Path:
    """Give the nearest folder at or above `start` that holds config/contract.toml.

    Raises:
        ProjectError: there is none.

    """
    for folder in (start, *start.parents):
        if (folder / "config" / "contract.toml").is_file():
            return folder
    raise ProjectError(f"no config/contract.toml in {start} or above: run this inside the project")
