"""The commands of the contract: write it from what there is, compare it, check rows against it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer

from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project


class ContractCommands:
    """Commands below `contract`. Their names, options and docstrings are what `--help` shows."""

    def __init__(self, project: Callable[[], Project]) -> None:
        """Run nothing yet; `project` gives it once its settings are known to be sound."""
        self._project = project

    def infer(  # noqa: PLR0913 (an option each)
        self,
        file: Annotated[
            str | None,
            typer.Argument(
                help="A CSV, JSON or Parquet file, or a pattern; without it, all your sources."
            ),
        ] = None,
        *,
        target: Annotated[
            str, typer.Option(help="The column to predict; with --merge, the contract says it.")
        ] = "",
        positive: Annotated[
            str, typer.Option(help="The class that calls for action; else it is found.")
        ] = "",
        force: Annotated[bool, typer.Option(help="Overwrite config/contract.toml.")] = False,
        merge: Annotated[
            bool, typer.Option(help="Keep what stands in it, and add the columns that are new.")
        ] = False,
        columns: Annotated[
            str, typer.Option(help="What the columns of a file without a header are called: a,b,c.")
        ] = "",
        header: Annotated[bool, typer.Option(help="The file names its columns.")] = True,
    ) -> None:
        """Write config/contract.toml from the sources, or from a file."""
        from fourhats_runtime import contract as contract_file
        from fourhats_runtime.data.extraction import glimpse
        from fourhats_runtime.data.table_file import Reading, TableFileError
        from fourhats_runtime.files import write_atomically
        from fourhats_runtime.profile import (
            TargetError,
            merged,
            profile_file,
            profile_relation,
            to_toml,
        )

        project = self._project()
        path = project.contract_file
        if merge and positive:
            raise ProjectError("with --merge, the contract says it: change its line `positive`")
        of_documents = project.task == "search"
        if of_documents and (target or positive):
            raise ProjectError("nothing of documents is predicted: leave out --target, --positive")
        if merge and not of_documents:
            target = target or project.contract.target.source
        elif path.exists() and not (force or merge):
            raise ProjectError(
                f"{path} exists: add --merge to keep it and add what is new, or --force to "
                "overwrite it"
            )
        if not (target or of_documents):
            raise ProjectError("which column is to be predicted? Say it with --target")
        said: list[str] = []
        joins = contract_file.load(path).joins if path.exists() and file is None else ()
        try:
            if file is not None:
                names = tuple(name.strip() for name in columns.split(",") if name.strip())
                reading = Reading(names, header)
                profile = profile_file(file, target or None, project.task, reading)
            else:
                with glimpse(joins, project) as (rows, said):
                    profile = profile_relation(rows, target or None, project.task)
            profile = profile.acting_on(positive) if positive else profile
        except (TableFileError, TargetError) as error:
            raise ProjectError(str(error)) from None
        if merge:
            text, new = merged(path.read_text(encoding="utf-8"), project.contract, profile)
            write_atomically(path, text)
            came = ", ".join(new) or "nothing"
            print(f"{path}: added {came}; `contract diff` says what else is different")
            return
        write_atomically(path, to_toml(profile, {join.source: join.on for join in joins}))
        for words in (*said, *profile.warnings):
            print(f"  {words}")
        print(f"{path} describes {len(profile.columns)} columns, {profile.rows:,} rows")

    def diff(self) -> None:
        """Show what your sources give and config/contract.toml does not expect."""
        from fourhats_runtime.data.extraction import read_aside
        from fourhats_runtime.data.warehouse import connect
        from fourhats_runtime.profile.differences import differences

        project = self._project()
        contract = project.contract
        with read_aside(contract.joins, project) as (aside, said), connect(project) as warehouse:
            found = differences(aside, contract, warehouse)
        for words in (*said, *found):
            print(f"  {words}")
        print(f"{len(found)} differences" if len(found) != 1 else "1 difference")

    def holidays(
        self,
        place: Annotated[str, typer.Argument(help="A country, or a region of it: DE, DE-BY.")],
        *,
        years: Annotated[
            str, typer.Option(help="The first and the last year; else from ten ago to five ahead.")
        ] = "",
    ) -> None:
        """List a country's holidays in config/contract.toml, for the part "holiday" of dates."""
        from fourhats_runtime.contract.holidays import listed, public
        from fourhats_runtime.files import write_atomically

        path = self._project().contract_file
        this = datetime.now(UTC).year
        first, _, last = (years or f"{this - 10}-{this + 5}").partition("-")
        if not (first.isdecimal() and (last or first).isdecimal()):
            raise ProjectError(f"--years {years}: two years are written as in 2020-2030")
        days = public(place, range(int(first), int(last or first) + 1))
        write_atomically(path, listed(path.read_text(encoding="utf-8"), place, days))
        print(
            f'{path} lists {len(days)} holidays of {place}: add "holiday" to the parts of a date,'
            " and train"
        )

    def check(self) -> None:
        """Check config/contract.toml, and the extracted rows against it."""
        from fourhats_runtime.data import quality
        from fourhats_runtime.data.warehouse import connect, require

        project = self._project()
        contract = project.contract
        with connect(project) as connection:
            require(connection, "raw", "extract")
            for violation in quality.validate(connection, contract, project.checks):
                print(f"  {violation}")
        held = f"{len(contract.fields)} fields of documents"
        if not contract.fields:
            held = f"{len(contract.features)} features, target {contract.target.name}"
        print(f"{held}: the contract is sound")
