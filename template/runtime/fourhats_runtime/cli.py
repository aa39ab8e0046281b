"""The command line: each step of the line is one command."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from fourhats_runtime.business import Business
from fourhats_runtime.contract_commands import ContractCommands
from fourhats_runtime.engagement_commands import EngagementCommands
from fourhats_runtime.errors import ProjectError, ReportedError
from fourhats_runtime.files import refused
from fourhats_runtime.limits import (
    Comparing,
    Data,
    Drift,
    Performance,
    Quality,
    Report,
    Service,
    Statistics,
)
from fourhats_runtime.project import Project
from fourhats_runtime.training import Training

if TYPE_CHECKING:
    from fourhats_runtime.pipeline import Result

CHECKED = (
    Business,
    Comparing,
    Data,
    Drift,
    Performance,
    Quality,
    Report,
    Service,
    Statistics,
    Training,
)
"""Settings that are looked at before any step, so that none stops half-way for a typing error."""

INTERRUPTED = 130
"""What Typer makes of Ctrl-C, without a word."""
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def command_line(project: Project) -> Callable[[], None]:
    """Give the function behind a project's command."""
    app = typer.Typer(
        help="From raw data to decisions that are worth money.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    contract_app = typer.Typer(help="The contract: what every column is.", no_args_is_help=True)
    commands = Commands(project)
    of_contract = ContractCommands(commands.checked)
    for command in (*commands.line(), *EngagementCommands(commands.checked).all()):
        app.command()(command)
    app.add_typer(contract_app, name="contract")
    for command in (
        of_contract.infer,
        of_contract.diff,
        of_contract.check,
        of_contract.holidays,
    ):
        contract_app.command()(command)

    def main() -> None:
        """Run a command; what the person can mend is said in one line, with exit code 2."""
        logging.basicConfig(format="%(message)s", level=logging.WARNING)
        try:
            app()
        except ProjectError as error:
            print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
            sys.exit(2)
        except OSError as error:
            if not (words := refused(error)):
                raise
            print(f"{Path(sys.argv[0]).name}: {words}", file=sys.stderr)
            sys.exit(2)
        except SystemExit as end:
            if end.code == INTERRUPTED:
                print(f"{Path(sys.argv[0]).name}: stopped", file=sys.stderr)
            raise

    return main


class Commands:
    """The commands of a project. Their names, options and docstrings are what `--help` shows."""

    def __init__(self, project: Project) -> None:
        """Run nothing yet."""
        self._project = project

    def line(self) -> Iterable[Callable[..., None]]:
        """Give the commands that the project has, in the order of `--help`."""
        serving = self._project.serving
        yield from (self.run, self.extract, self.validate, self.transform, self.explore)
        yield from (self.train, self.evaluate, self.promote, self.experiments)
        if "batch" in serving:
            yield self.score
        yield from (self.monitor, self.rollback, self.report, self.retrace)
        if "api" in serving:
            yield from (self.serve, self.watch, self.api_key)
        if "stream" in serving:
            yield self.stream
        yield from (self.alert, self.handover)

    def run(self, *, as_json: Json = False) -> None:
        """Run the whole line, from the sources to the report."""
        from fourhats_runtime.lifecycle.comparison import MADE_UP, added
        from fourhats_runtime.monitor import alerts
        from fourhats_runtime.pipeline import steps

        for channel, variable in alerts.without_address(self.checked()).items():
            message = f"warning: {variable} is not set: alerts do not reach {channel}"
            print(message, file=sys.stderr)
        try:
            results = {step: self._run(step, quiet=as_json) for step in steps(self._project)}
        finally:
            for channel, incidents in alerts.untold(self._project).items():
                print(f"not sent to {channel}: {', '.join(incidents)}", file=sys.stderr)
        evaluation = results["evaluate"].facts
        if as_json:
            print(json.dumps({step: _data(result) for step, result in results.items()}))
            return
        name = self._project.name
        print()
        print(f"The model adds {added(evaluation)}.")
        if evaluation["made_up"]:
            print(MADE_UP)
        if evaluation.get("weak"):
            print("The questions are made of the documents: no figure here is a promise.")
        print()
        print("Report: artifacts/reports/report.html")
        if results["promote"].facts["champion"] is None:
            return  # what is refused decides nothing; the step has said why
        print()
        print("Next:")
        if "api" in self._project.serving:
            print(f"    uv run {name} serve   # the API, and its page on port 8000")
        if "stream" in self._project.serving:
            print(f"    uv run {name} stream  # the worker that answers the stream")
        print(f"    uv run pytest{' ' * (len(name) + 1)}  # the project's own tests")

    def extract(
        self,
        whole: Annotated[  # noqa: FBT002
            bool, typer.Option("--whole", help="Read everything anew, whatever columns come.")
        ] = False,
    ) -> None:
        """Bring the rows of every source into the warehouse."""
        self._run("extract", whole=whole)

    def validate(
        self,
        replay: Annotated[  # noqa: FBT002
            bool,
            typer.Option(
                "--replay", help="After a change of the contract: take in what passes now."
            ),
        ] = False,
    ) -> None:
        """Check every row against the contract."""
        self._run("validate", replay=replay)

    def transform(self) -> None:
        """Write the table the model learns from."""
        self._run("transform")

    def explore(
        self,
        *,
        markdown: Annotated[
            bool, typer.Option("--markdown", help="Print it as text; no page is written.")
        ] = False,
    ) -> None:
        """Say what the rows are like and what tells the outcome: a page worth sending."""
        from fourhats_runtime.explore.page import as_markdown, write
        from fourhats_runtime.lifecycle.sharing import shared

        if self._project.task == "search":
            from fourhats_runtime.search.explore import explore
        else:
            from fourhats_runtime.explore import explore
        project = self.checked()
        with shared(project):
            found = explore(project)
        if markdown:
            print(as_markdown(found), end="")
        else:
            print(f"Page: {write(project, found).relative_to(project.folder)}")

    def train(
        self,
        variants: Annotated[
            list[Path] | None,
            typer.Argument(metavar="[VARIANT.toml]...", help="With --compare: what is otherwise."),
        ] = None,
        *,
        note: Annotated[
            str, typer.Option(help="Why, for the ledger of `experiments`.", show_default=False)
        ] = "",
        compare: Annotated[
            bool,
            typer.Option("--compare", help="Compare variants with the project; register nothing."),
        ] = False,
    ) -> None:
        """Train a challenger and register it; or compare variants of the project."""
        if compare != bool(variants):
            raise ProjectError(
                "to compare variants: train --compare VARIANT.toml [VARIANT.toml]..."
            )
        if variants and self._project.task == "search":
            raise ProjectError("a search compares what config/search.toml names: run `train`")
        if variants:
            self._compare(variants)
        else:
            self._run("train", note=note)

    def experiments(self, *, as_json: Json = False) -> None:
        """Show what was trained, what was changed for it, and what it is worth; write the page."""
        from dataclasses import asdict

        from fourhats_runtime.lifecycle.ledger import experiments
        from fourhats_runtime.lifecycle.sharing import shared
        from fourhats_runtime.lifecycle.tracking import RUNS, track
        from fourhats_runtime.monitor.ledger_page import table, write

        project = self.checked()
        with shared(project):
            found = experiments(project)
            if (project.artifacts / RUNS).exists():  # which training began
                track(project)
        if as_json:
            print(json.dumps([asdict(each) for each in found]))
            return
        if not found:
            raise ProjectError("nothing has been trained yet: run the step `train` first")
        Console().print(table(found))
        print(f"Page: {write(project, found).relative_to(project.folder)}")

    def evaluate(self, *, as_json: Json = False) -> None:
        """Judge the challenger on the holdout, in money."""
        _show(self._run("evaluate", quiet=as_json), as_json=as_json)

    def promote(
        self,
        *,
        accept: Annotated[
            bool, typer.Option("--accept", help="Have it decide, whatever the champion earns.")
        ] = False,
    ) -> None:
        """Make the challenger champion if it earns more, beyond chance; a refusal is no failure."""
        self._run("promote", accept=accept)

    def score(
        self,
        since: Annotated[
            str | None, typer.Option(help="Score the rows from this day on, e.g. 2026-01-01, …")
        ] = None,
        until: Annotated[
            str | None, typer.Option(help="… to before this one, as that day's scores.")
        ] = None,
    ) -> None:
        """Score the rows that have no outcome yet, or those of a time of the past."""
        from fourhats_runtime.score.rows import Interval

        self._run("score", interval=Interval.of(since, until))

    def monitor(self, *, as_json: Json = False) -> None:
        """Look at data, drift and money; alert on what began or cleared."""
        result = self._run("monitor", quiet=as_json)
        if as_json:
            _show(result, as_json=True)
            return
        _show_findings(result.facts["findings"])

    def rollback(
        self,
        to: Annotated[
            str | None, typer.Option(metavar="VERSION", help="Go back to this version in any case.")
        ] = None,
        *,
        now: Annotated[
            bool, typer.Option("--now", help="Go back to the champion before in any case.")
        ] = False,
    ) -> None:
        """Take the champion back if it earns less than the one before it."""
        self._run("rollback", to="" if now and to is None else to)

    def report(
        self,
        month: Annotated[
            str | None,
            typer.Option(help="Write the page of an earlier month alone, such as 2026-10."),
        ] = None,
    ) -> None:
        """Write the reports, the month's page, the model card and the lineage."""
        self._run("report", month=month)

    def retrace(
        self,
        version: Annotated[str, typer.Argument(help="A model's version, such as v3-1f0c2ab9.")],
    ) -> None:
        """Build a version anew from the rows that it came of; it is the same, or it is said why."""
        from fourhats_runtime.engagement.criteria import retraced
        from fourhats_runtime.lifecycle.sharing import shared

        project = self.checked()
        with shared(project):
            print(retraced(project, version))

    def serve(
        self,
        host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
        port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
        *,
        to_everybody: Annotated[
            bool, typer.Option("--open", help="Let other machines ask without a key.")
        ] = False,
    ) -> None:
        """Serve the champion over HTTP, with a page for people."""
        from fourhats_runtime.serve.server import run

        run(self.checked(), host, port, to_everybody=to_everybody)

    def watch(
        self,
        url: Annotated[str, typer.Option(help="The API's address.")] = "http://127.0.0.1:8000",
        *,
        once: Annotated[
            bool, typer.Option("--once", help="Look once and end, as for cron.")
        ] = False,
    ) -> None:
        """Look after a running API; alert where it is down, slow, failing, or cannot log."""
        from fourhats_runtime.serve.watch import Watch, look_once, watch

        project = self.checked()
        if not once:
            print(f"looking at {url} every {project.settings(Watch).every:g} s", flush=True)
            watch(project, url)
        _show_findings(vars(finding) for finding in look_once(project, url))

    def api_key(self) -> None:
        """Make a key for the API; the service is given its hash alone."""
        from fourhats_runtime.serve.keys import make

        key, digest = make()
        print(f"key   {key}")
        print(f"hash  {digest}")
        print("Give the key to who asks: it is kept nowhere. The hash goes into API_KEY_HASHES,")
        print("after a comma where there are others.")

    def stream(self) -> None:
        """Answer the records of the stream, until SIGTERM."""
        from fourhats_runtime.stream.worker import run

        run(self.checked())

    def alert(
        self, message: str, incident: Annotated[str, typer.Option(help="What it is about.")]
    ) -> None:
        """Send an alert, once an incident; a whole run clears those named `step:` and something."""
        from fourhats_runtime.monitor import alerts
        from fourhats_runtime.monitor.findings import Finding
        from fourhats_runtime.monitor.shared_incidents import book

        project = self.checked()
        with book(project):
            alerts.update(project, [Finding(incident, "alert", message)])
        if any(incident in owed for owed in alerts.untold(project).values()):
            missing = ", ".join(alerts.without_address(project).values())
            raise ReportedError(f"{incident} could not be sent to all: {missing} is not set")

    def handover(
        self,
        out: Annotated[
            Path | None,
            typer.Option(
                metavar="FOLDER",
                help="Where to; without it, artifacts/handover.",
                show_default=False,
            ),
        ] = None,
    ) -> None:
        """Write all that the next owner needs: one folder and one zip, without any secret."""
        from fourhats_runtime.handover import hand_over
        from fourhats_runtime.lifecycle.sharing import shared

        project = self.checked()
        with shared(project):
            made = hand_over(project, (out or project.artifacts / "handover").resolve())
        if made.uncommitted:
            print(f"left out, not committed: {', '.join(made.uncommitted)}", file=sys.stderr)
        if made.unsearched:
            names = ", ".join(made.unsearched)
            print(f"too short to be searched for, look yourself: {names}", file=sys.stderr)
        print(f"{made.files} files with the champion {made.champion}; no secret is in them")
        print(
            f"Checksums: {'signed' if made.signed else 'not signed (git has no key to sign with)'}"
        )
        print(f"Folder: {made.folder}")
        print(f"Zip: {made.zip}")

    def checked(self) -> Project:
        """Give the project, once its settings are known to be sound."""
        for section in CHECKED:
            self._project.settings(section)
        _ = self._project.value
        return self._project

    def _compare(self, variants: Sequence[Path]) -> None:
        from fourhats_runtime.data.faults import plainly
        from fourhats_runtime.lifecycle.variants import compare_variants
        from fourhats_runtime.monitor.ledger_page import table_of_variants

        project = self.checked()
        with _progress() as shown, plainly(project):
            found = compare_variants(project, variants, shown)
        Console().print(table_of_variants(found, project))

    def _run(self, step: str, *, quiet: bool = False, **asked: Any) -> Result:  # noqa: ANN401
        from fourhats_runtime.pipeline import Asked, run_step

        with _progress(quiet=quiet) as shown:
            shown(step, 0, None)
            result = run_step(step, self.checked(), shown, Asked(**asked))
        if not quiet:
            rows = f"{result.rows_in:>9,} in {result.rows_out:>9,} out"
            print(f"{step:<10}{rows} {result.seconds:>6.1f} s  {result.words}")
        return result


@contextmanager
def _progress(*, quiet: bool = False) -> Iterator[Callable[[str, int, int | None], None]]:
    """Give what shows on a terminal how much of something is done, by its name."""
    console = Console(stderr=True, quiet=quiet)
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=None)

        def shown(name: str, done: int, total: int | None) -> None:
            bar.update(task, description=name, completed=done, total=total)

        yield shown


def _show(result: Result, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_data(result)))


def _show_findings(findings: Iterable[dict[str, Any]]) -> None:
    from fourhats_runtime.monitor.findings import IN_WORDS

    for finding in findings:
        state = IN_WORDS[finding["state"]]
        print(
            f"  {state.upper() if finding['state'] == 'alert' else state:<14}  {finding['message']}"
        )


def _data(result: Result) -> dict[str, object]:
    return {
        "rows_in": result.rows_in,
        "rows_out": result.rows_out,
        "seconds": round(result.seconds, 3),
        **result.facts,
    }
