"""`fourhats new`: from the answers to a project, all of it or nothing."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fourhats import uv
from fourhats.ask import answers as answering
from fourhats.ask.questions import Questionnaire
from fourhats.client.profile import ClientData, check_source, client_data, profiled
from fourhats.client.sources import Place, client_source
from fourhats.errors import WrongInputError
from fourhats.interrupt import hold, release, stoppable
from fourhats.render.contents import dependencies, files_in, tree
from fourhats.render.destination import Destination
from fourhats.render.render import render
from fourhats.render.repository import first_commit, inside, note_first_commit
from fourhats.render.template import template_source
from fourhats.scratch import scratch_folder
from fourhats.terminal import fact, interactive, note, one_line, styled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourhats_runtime.profile import Profile

    from fourhats.ask.questions import Sheet
    from fourhats.ask.wizard import Preview
    from fourhats.render.template import TemplateSource


@dataclass(frozen=True)
class Request:
    """What was typed after `fourhats new`."""

    dest: str
    defaults: bool = False
    data: Sequence[str] = ()
    answers: str | None = None
    client_data: str | None = None
    table: str | None = None
    query: str | None = None
    sheet: str | None = None
    columns: str | None = None
    header: bool = True
    encoding: str | None = None
    target: str | None = None
    positive: str | None = None
    dry_run: bool = False
    run: bool = False
    git: bool = True
    source: str | None = None


def new_command(request: Request) -> int:
    """Run `fourhats new`."""
    with stoppable():
        destination = Destination.checked(request.dest)
        program = _uv() if request.run else ""
        answers = _make(request, destination)
        if request.dry_run:
            return 0
        answering = False
        if request.run:
            from fourhats.render.first_run import first_run  # noqa: PLC0415

            release()
            answering = first_run(program, destination.path, answers)
        _next_steps(request, answers, answering=answering)
    return 0


def _make(request: Request, destination: Destination) -> Mapping[str, Any]:
    """Gather the answers and put the project in its place; return the answers."""
    with ExitStack() as stack:
        scratch = stack.enter_context(scratch_folder())
        source = stack.enter_context(template_source(request.source))
        questionnaire = _questionnaire(source)
        given = answering.given_answers(questionnaire, request.answers, request.data)
        asking = _asking(request)
        client = _client(request, questionnaire, given, asking=asking)
        if client is None:
            _note_paths(questionnaire, given)
        if client is not None:
            given |= {name: value for name, value in client.settled.items() if name not in given}
            questionnaire.suggested |= client.suggested
        name = answering.suggested_name(questionnaire, destination.path)
        if name is not None:
            questionnaire.suggested["project_name"] = name
        project = _Project(source, client)
        project.folder = (
            scratch / "project" if request.dry_run else stack.enter_context(destination.staging())
        )
        if asking:
            sheet = _conversation(request, questionnaire, given, client, project)
        else:
            sheet = answering.complete(questionnaire, given)
            for unused in answering.unused(sheet, given):
                note(f"{unused} is not used: the other answers leave it out")
            project.render(sheet)
        answers = sheet.answers
        files = files_in(project.folder)
        if request.dry_run:
            print("\n".join([f"{request.dest.rstrip('/')}/", *tree(files)]))
            fact(f"{len(files)} files; nothing was written")
            return answers
        committed = _commit(request, destination, project.folder, answers)
        hold()
        destination.install(project.folder)
    fact(f"Wrote {styled(one_line(request.dest), 'bold')}: {len(files)} files")
    fact(one_line(committed))
    # What was found in a file that was typed stood above the review.
    for line in client.lines if client else ():
        fact(line)
    return answers


class _Project:
    """The project while it is made: rendered once for each set of answers, never twice."""

    folder: Path

    def __init__(self, source: TemplateSource, client: ClientData | None) -> None:
        self._source = source
        self.client = client
        self._rendered: tuple[Mapping[str, Any], ClientData | None] | None = None

    def render(self, sheet: Sheet) -> None:
        """Fill the folder, unless it already holds what these answers give."""
        if self._rendered == (sheet.answers, self.client):
            return
        if self._rendered is not None:
            for entry in self.folder.iterdir():
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        render(self._source, sheet.data, self.folder)
        self._rendered = sheet.answers, self.client
        if self.client is not None:
            contract = self.folder / "config" / "contract.toml"
            contract.parent.mkdir(exist_ok=True)
            contract.write_text(self.client.contract, encoding="utf-8")
            self._keep_secrets(self.client.source.secrets)
            self._keep_settings(self.client.source.settings)

    def _keep_secrets(self, secrets: Mapping[str, str]) -> None:
        """Write .env, which git ignores and nobody else may read."""
        if secrets:
            file = self.folder / ".env"
            file.touch(mode=0o600)
            lines = (f"{name}={_in_quotes(value)}\n" for name, value in secrets.items())
            file.write_text("".join(lines), encoding="utf-8")

    def _keep_settings(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        """Write into config/sources.toml what no answer says, where the template has its key."""
        file = self.folder / "config" / "sources.toml"
        for table, values in settings.items():
            for key, value in values.items():
                line = re.compile(
                    rf"(^\[{table}\]$(?:\n(?!\[).*)*?\n{key} = )[^#\n]*?(?= #|$)", re.MULTILINE
                )
                before = file.read_text(encoding="utf-8")
                found = line.search(before)
                if found is None:
                    raise WrongInputError(f"the template's [{table}] does not know {key}")
                written = json.dumps(value, ensure_ascii=False)
                text = f"{found[1]}{written}".join([before[: found.start()], before[found.end() :]])
                file.write_text(text, encoding="utf-8")

    def preview(self, sheet: Sheet) -> Preview:
        """Render, and tell what there would be."""
        from fourhats.ask.wizard import Preview  # noqa: PLC0415

        self.render(sheet)
        files = files_in(self.folder)
        return Preview(tree(files, depth=1), tree(files), dependencies(self.folder))


def _in_quotes(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _conversation(
    request: Request,
    questionnaire: Questionnaire,
    given: dict[str, Any],
    client: ClientData | None,
    project: _Project,
) -> Sheet:
    from fourhats.ask.wizard import Wizard, introduce, terminal_restored  # noqa: PLC0415

    def look(path: str, answers: Mapping[str, Any]) -> ClientData | None:
        project.client = None
        if not path or answers.get("task") == "search":  # of which nothing is predicted
            return None
        known = questionnaire.sheet(answers).entries
        right = {e.name: e.value for e in known if e.name in answers and not e.problem}
        project.client = _looked_at(path, Path(request.dest), right)
        return project.client

    with terminal_restored():
        introduce(request.dest)
        wizard = Wizard(
            questionnaire, given, client.settled if client else (), None if client else look
        )
        if request.dry_run:
            sheet = wizard.ask()
            project.render(sheet)
            return sheet
        return wizard.run(request.dest.rstrip("/"), project.preview)


def _questionnaire(source: TemplateSource) -> Questionnaire:
    """Read the questions, with the defaults of the person's own copier settings."""
    from copier import load_settings  # noqa: PLC0415
    from copier.errors import CopierError  # noqa: PLC0415

    questionnaire = Questionnaire.read(source.folder)
    try:
        defaults = load_settings().defaults
    except (CopierError, OSError) as error:
        raise WrongInputError(f"copier's settings cannot be read: {error}") from error
    for name, value in defaults.items():
        if name in questionnaire.questions:
            question = questionnaire.questions[name]
            questionnaire.questions[name] = replace(question, default=value)
    return questionnaire


def _asking(request: Request) -> bool:
    if request.defaults:
        return False
    if not interactive():
        note("no terminal to ask on: what is not given takes its default")
        return False
    return True


def _client(
    request: Request, questionnaire: Questionnaire, given: dict[str, Any], *, asking: bool
) -> ClientData | None:
    if request.client_data is None:
        for name in ("target", "positive", "table", "query", "sheet", "columns", "encoding"):
            if getattr(request, name) is not None:
                raise WrongInputError(f"--{name} names a part of --client-data: give both")
        if not request.header:
            raise WrongInputError("--no-header says how to read --client-data: give both")
        return None
    place = Place(
        request.client_data,
        request.table,
        request.query,
        request.sheet,
        request.columns,
        request.header,
        request.encoding,
    )
    source, target = client_source(place, Path(request.dest)), request.target
    if target is None and asking:
        from fourhats.ask.wizard import terminal_restored  # noqa: PLC0415

        with terminal_restored():
            target = _chosen_target(profiled(source, None))
    for name in ("task", "data_sources"):
        if name in given:
            question = questionnaire.questions[name]
            try:
                given[name] = questionnaire.parse(question, given[name], given)
            except ValueError as error:
                raise WrongInputError(f"{name}: {error}") from error
    if given.get("task") == "search":
        raise WrongInputError(
            "--client-data finds out what can be predicted, which a search does not: leave it out, "
            "say `--data files_path=…`, and name the columns in config/contract.toml"
        )
    check_source(source, given)
    return client_data(source, target, given, request.positive)


def _looked_at(path: str, project: Path, answers: Mapping[str, Any]) -> ClientData:
    """Look at the file that was typed, ask for the target, and show what was found.

    Raises:
        WrongInputError: it is no table, or it cannot be read.

    """
    # A terminal puts quotes around a file that is dropped on it, and only a shell knows ~.
    typed = path.strip()
    typed = typed[1:-1] if len(typed) > 1 and typed[0] == typed[-1] in "'\"" else typed
    source = client_source(Place(str(Path(typed).expanduser())), project)
    check_source(source, answers)
    profile = profiled(source, None)
    while True:
        try:
            client = client_data(source, _chosen_target(profile), answers)
        except WrongInputError as error:
            fact(styled(one_line(str(error)), "red"))
        else:
            for line in client.lines:
                fact(line)
            return client


def _chosen_target(profile: Profile) -> str:
    from fourhats.ask.wizard import choose_target  # noqa: PLC0415

    fact(styled("\nThe client's data", "bold"))
    fact(one_line(f"{profile.path}: {profile.rows:,} rows, {len(profile.columns)} columns"))
    likely = list(profile.likely_targets)
    return choose_target([*likely, *(c.name for c in profile.columns if c.name not in likely)])


def _note_paths(questionnaire: Questionnaire, given: Mapping[str, Any]) -> None:
    """Say that a path among the answers is only written down."""
    for name, value in given.items():
        if questionnaire.questions[name].type == "path" and value:
            note(
                f"{name} is written down as it is, and config/contract.toml is the sample's: "
                "--client-data looks at a file, and writes the contract for it"
            )


def _commit(
    request: Request, destination: Destination, folder: Path, answers: Mapping[str, Any]
) -> str:
    if not request.git:
        return "No git repository (--no-git): updates will need one"
    if destination.repository is not None:
        return inside(destination.repository, destination.path)
    if first_commit(folder, answers):
        note_first_commit(folder)
        return "Committed to a git repository of its own"
    return "No git repository, since git is not installed: updates will need one"


def _next_steps(request: Request, answers: Mapping[str, Any], *, answering: bool) -> None:
    slug = answers.get("project_slug", "PROJECT")
    run = f"{uv.typed()} run"
    made = "answers" if answers.get("task") == "search" else "a trained model"
    steps = [(f"{run} pytest", "the project's own tests")]
    if not request.run:
        steps.insert(0, (f"{run} {slug} run", f"from data to {made}"))
    elif answering and "api" in answers["serving"]:
        steps.insert(0, (f"{run} {slug} serve", "the API and its page"))
    elif answering and "stream" in answers["serving"]:
        steps.insert(0, (f"{run} {slug} stream", "the worker, once .env has the broker's address"))
    if Path(request.dest).expanduser().resolve() != Path.cwd():
        steps.insert(0, (f"cd {shlex.quote(request.dest)}", ""))
    width = max(len(step) for step, meaning in steps if meaning)
    if not uv.on_path():
        fact(f"\n{styled('warning:', 'yellow')} {_without_uv()}")
    fact("\nNext:")
    for step, meaning in steps:
        fact(f"  {styled(one_line(step).ljust(width), 'cyan')}  {meaning}".rstrip())


def _without_uv() -> str:
    """Say how to get the command that the project's commands start with."""
    install = f"{uv.INSTALL} (or: pip install uv)"
    if uv.found() is None:
        return f"the project's commands need uv, which is not on the PATH. Install it: {install}"
    return f"uv is not on the PATH, so its full path stands here. To type `uv` alone: {install}"


def _uv() -> str:
    found = uv.found()
    if found is None:
        raise WrongInputError(f"--run needs uv, which is not installed: {uv.INSTALL}")
    return found
