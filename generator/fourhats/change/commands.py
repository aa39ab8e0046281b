"""`fourhats update`, `set` and `adopt`: a project as its template or its answers now have it."""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fourhats.ask import answers as answering
from fourhats.change import plan
from fourhats.change.apply import cut_off, restore
from fourhats.change.history import template_history
from fourhats.change.review import review
from fourhats.change.subproject import Subproject
from fourhats.errors import WrongInputError
from fourhats.interrupt import stoppable
from fourhats.render.template import default_location
from fourhats.scratch import scratch_folder
from fourhats.terminal import fact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from fourhats.ask.questions import Questionnaire
    from fourhats.change.history import TemplateHistory


@dataclass(frozen=True)
class Wish:
    """What was typed after the command."""

    dest: str
    data: Sequence[str] = ()
    answers: str | None = None
    to: str | None = None
    source: str | None = None
    dry_run: bool = False
    yes: bool = False


def update_command(wish: Wish) -> int:
    """Run `fourhats update`."""
    with _opened(wish) as (project, history, scratch):
        target = history.commit(wish.to or history.newest_after(history.commit(project.version)))
        given = answering.given_answers(history.questionnaire(target), None, wish.data)
        change = plan.update(project, history, scratch, to=target, data=given)
        if change.empty:
            fact(f"{project.name} is up to date ({change.version})")
            return 0
        title = f"{project.path.name}: {project.version} → {change.version}"
        return review(change, title, dry_run=wish.dry_run, yes=wish.yes)


def set_command(wish: Wish) -> int:
    """Run `fourhats set`."""
    with _opened(wish) as (project, history, scratch):
        questionnaire = history.questionnaire(history.commit(project.version))
        given = _wanted(questionnaire, project.answers, wish.data)
        change = plan.change_answers(project, history, scratch, given)
        if change.empty:
            fact(f"{project.name} has these answers already")
            return 0
        title = f"{project.path.name}: other answers, still {change.version}"
        return review(change, title, dry_run=wish.dry_run, yes=wish.yes)


def adopt_command(wish: Wish) -> int:
    """Run `fourhats adopt`."""
    with stoppable(), scratch_folder() as scratch:
        project = Subproject.to_be(wish.dest)
        _mended(project)
        project.check_new()
        project.check_clean()
        with template_history(wish.source or default_location()) as history:
            commit = history.commit(next(reversed(history.releases), "HEAD"))
            questionnaire = history.questionnaire(commit)
            given = answering.given_answers(questionnaire, wish.answers, wish.data)
            name = answering.suggested_name(questionnaire, project.path)
            if name is not None:
                questionnaire.suggested["project_name"] = name
            sheet = answering.complete(questionnaire, given)
            change = plan.adopt(project, history, scratch, commit, sheet)
            title = f"{project.path.name}: becomes a project of {change.version}"
            return review(change, title, dry_run=wish.dry_run, yes=wish.yes)


@contextmanager
def _opened(wish: Wish) -> Iterator[tuple[Subproject, TemplateHistory, Path]]:
    """Open a project, its template's history and a scratch folder."""
    with ExitStack() as stack:
        stack.enter_context(stoppable())
        scratch = stack.enter_context(scratch_folder())
        project = _mended_project(wish.dest)
        project.check_clean()
        history = stack.enter_context(template_history(wish.source or project.source))
        yield project, history, scratch


def _mended_project(dest: str) -> Subproject:
    """Open a project as it was before an update that was cut off."""
    try:
        project = Subproject.opened(dest)
    except WrongInputError:
        # The answers may have been on their way at that moment.
        with suppress(WrongInputError):
            if _mended(Subproject.to_be(dest)):
                return Subproject.opened(dest)
        raise
    # What it read may be the answers of the update that was cut off.
    return Subproject.opened(dest) if _mended(project) else project


def _mended(project: Subproject) -> bool:
    """Undo an update that was cut off; tell whether there was one."""
    if not cut_off(project):
        return False
    restore(project)
    return True


def _wanted(
    questionnaire: Questionnaire, recorded: Mapping[str, Any], pairs: Sequence[str]
) -> dict[str, Any]:
    """Read `key=value`, and `key+=value` and `key-=value` of a question with several answers.

    Raises:
        WrongInputError: a question is not known, or has one answer only.

    """
    if not pairs:
        raise WrongInputError("say what to change: fourhats set [DEST] key=value …")
    plain: list[str] = []
    wanted: dict[str, Any] = {}
    for pair in pairs:
        match = re.match(r"\s*(\w+)\s*([+-])=(.*)", pair, re.DOTALL)
        if match is None:
            plain.append(pair)
            continue
        name, sign, text = match.groups()
        answering.check_name(questionnaire, name, "set")
        if not questionnaire.questions[name].multiselect:
            raise WrongInputError(f"{name} has one answer: {name}=value")
        present = wanted.get(name, recorded.get(name) or [])
        named = [item.strip() for item in text.split(",") if item.strip()]
        rest = [item for item in present if item not in named]
        wanted[name] = [*rest, *named] if sign == "+" else rest
    return {**wanted, **answering.given_answers(questionnaire, None, plain, "set")}
