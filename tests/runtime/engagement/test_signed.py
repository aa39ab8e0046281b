"""What both sides sign, for every task, in every language, as Markdown and on paper."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from gettext import NullTranslations
from typing import TYPE_CHECKING

import pytest
from fourhats_runtime.documents import language
from fourhats_runtime.documents.language import LOCALES, Language
from fourhats_runtime.documents.paper import COMMENT
from fourhats_runtime.engagement import accept, write_exit_report, write_status
from fourhats_runtime.engagement.acceptance import noted
from fourhats_runtime.engagement.criteria import Criterion
from fourhats_runtime.engagement.parties import head
from fourhats_runtime.engagement.phrases import FIGURES, POLICIES, measure, policy
from fourhats_runtime.engagement.protocol import protocol
from fourhats_runtime.engagement.sections import language as of_project
from fourhats_runtime.engagement.sections import write
from fourhats_runtime.engagement.terms import read_terms
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.registry import Registry

from release.texts import texts
from tests.cli.documented import ink_beyond, words_of
from tests.runtime.engagement.test_documents import on_real_rows, serve
from tests.runtime.sample_project import SEVERAL

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime import Project

NAMES = ("acceptance", "status", "exit_report")
TASKS = pytest.mark.parametrize("task", ["classification", SEVERAL, "regression"], indirect=True)
MARGIN = 44  # points; the narrowest margin is the one at the top
HOURS = "Task,Hours\nFirst model,12\nLunch,2\n"


def agreed(project: Project, name: str = "en", client: str = "Müller & Söhne") -> Project:
    """Say what was agreed, for whom, and in which language."""
    path = project.folder / "config" / "business.toml"
    text = re.sub(r"(?m)^(language|client) = .*\n", "", path.read_text(encoding="utf-8"))
    own = f'client = "{client}"\nlanguage = "{name}"\nowner = '
    path.write_text(text.replace("owner = ", own, 1), encoding="utf-8")
    (project.folder / "config" / "engagement.toml").write_text(
        '[engagement]\ndone = "The list is on the desk"\ndeadline = 2027-06-30\nbudget = 20000\n'
        "[estimate]\nday_rate = 812.5\n[acceptance]\nreproducible = false\nexplained = true\n"
        "requests = 500\n"
    )
    return project.at(project.folder)


def written(project: Project, hours: Path) -> dict[str, Path]:
    """Write all three documents anew, of what was measured; gives each by its name."""
    registry = Registry(project.artifacts / "registry")
    found = noted(project, registry.version("champion"))
    assert found is not None
    page = protocol(project, head(project), found, read_terms(project))
    write(project, page, overwrite=False)
    write_status(project, None, hours)
    write_exit_report(project, hours)
    return {name: project.folder / "docs" / f"{name}.md" for name in NAMES}


def without_marks(path: Path) -> str:
    return COMMENT.sub("", path.read_text(encoding="utf-8"))


@TASKS
def test_each_document_is_whole_on_paper_in_each_language(ran: Project, tmp_path: Path) -> None:
    hours = tmp_path / "hours.csv"
    hours.write_text(HOURS, encoding="utf-8")
    on_real_rows(ran)
    accept(agreed(ran), serve)
    before = dict.fromkeys(NAMES, "")
    for name in LOCALES:
        for document, path in written(agreed(ran, name), hours).items():
            text = without_marks(path)
            assert text != before[document], "it is as in the language before"
            before[document] = text
            words = words_of(path.with_suffix(".pdf"))
            assert ink_beyond(path.with_suffix(".pdf"), MARGIN) == []
            assert "\ufffd" not in words
            for word in re.sub(r"[*|`#\\]|-{3,}:?|^- ", " ", text, flags=re.MULTILINE).split():
                assert re.sub(r"\W", "", word) in re.sub(r"\W", "", words), word
            if document != "status":  # at the head, and where it is signed
                assert words.count("Müller & Söhne") >= 2


@TASKS
def test_no_text_of_a_document_passes_the_catalogues_by(
    ran: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Heard(NullTranslations):
        """Notes what it is asked for, and gives it marked."""

        def gettext(self, message: str) -> str:
            heard.add(message)
            return f"†{message}"

    heard = set[str]()
    monkeypatch.setattr(language, "_texts", lambda *_: Heard())
    hours = tmp_path / "hours.csv"
    hours.write_text(HOURS, encoding="utf-8")
    accept(agreed(ran), serve)
    known = {text for catalogue in texts().values() for text in catalogue}
    for path in written(agreed(ran), hours).values():
        for line in without_marks(path).splitlines():
            found = re.sub(r"^(#+|[-*]+)\s*", "", line.strip("| "))
            if found and set(found) - set("-:| "):
                assert "†" in line, line
    assert heard <= known


@TASKS
def test_what_is_measured_of_a_task_is_accepted_by_its_own_figures(ran: Project) -> None:
    on_real_rows(ran)
    agreed(ran)
    terms = ran.folder / "config" / "engagement.toml"
    text = terms.read_text(encoding="utf-8").replace("reproducible = false", "reproducible = true")
    terms.write_text(text.replace("\nexplained", "\nlatency_ms = 5000\nexplained"))
    project = ran.at(ran.folder)
    found, (page, _) = accept(project, serve)
    assert {each.name: each.state for each in found.criteria} == dict.fromkeys(
        ("value", "latency", "available", "explained", "rows", "age", "retraced"), "met"
    )
    assert all(Criterion.of(json.loads(json.dumps(e.as_data()))) == e for e in found.criteria)
    registry = Registry(ran.artifacts / "registry")
    evaluation = registry.noted(found.version, "evaluation")
    assert evaluation is not None
    worth = evaluation["gain"]["gain"] * evaluation["monthly_volume"]
    assert found.criteria[0].figure == pytest.approx(worth)
    say = Language()
    assert say.gain(worth, "EUR") in without_marks(page)
    write_exit_report(project, None)
    text = without_marks(ran.folder / "docs" / "exit_report.md")
    for name in evaluation["figures"]:
        assert measure(name) in FIGURES, name
        assert f"| {name} | " in text


@TASKS
def test_each_policy_and_figure_has_words_of_its_own(ran: Project) -> None:
    """Of the rules' own names, so that a new one is not left in English."""
    registry = Registry(ran.artifacts / "registry")
    evaluation = registry.noted(registry.require("champion"), "evaluation")
    assert evaluation is not None
    for name in evaluation["policies"]:
        assert policy(name).text in {each.text for each in POLICIES}, name
        assert str(policy(name)).replace("'", "") == name.replace("'", "")


def test_a_language_that_there_is_not_is_refused(ran: Project) -> None:
    with pytest.raises(ProjectError, match=r"^setting business\.language: Input should be 'en'"):
        of_project(agreed(ran, "it"))


def test_what_people_wrote_stays_when_the_language_changes(ran: Project) -> None:
    project = replace(agreed(ran), serving=["batch"])
    accept(project)
    page = ran.folder / "docs" / "acceptance.md"
    mine = page.read_text(encoding="utf-8") + "\nGilt ab Montag.\n"
    page.write_text(mine, encoding="utf-8")
    accept(replace(agreed(ran, "de"), serving=["batch"]))
    text = page.read_text(encoding="utf-8")
    assert text.endswith("\nGilt ab Montag.\n")
    assert "# Abnahmeprotokoll: sample" in text


def test_packages_of_work_are_named_in_the_clients_language(ran: Project, tmp_path: Path) -> None:
    hours = tmp_path / "hours.csv"
    hours.write_text("Task,Hours\nextract-postgres,8\nLegal,4\n", encoding="utf-8")
    packages = [
        {
            "name": "extract-postgres",
            "pattern": "Extract from {}",
            "title": "Extract from postgres",
        },
        {"name": "legal", "pattern": "Legal", "title": "Legal"},  # the user's own
    ]
    path = ran.folder / "docs" / "estimate" / "estimate.json"
    path.parent.mkdir(parents=True)
    estimate = {"effort_days": {"p50": 3, "p80": 4}, "end": {"p80": "2027-02-03"}}
    estimate["packages"] = [each | {"mean_days": 2.0} for each in packages]
    path.write_text(json.dumps(estimate), encoding="utf-8")
    write_status(agreed(ran, "de"), None, hours)
    text = without_marks(ran.folder / "docs" / "status.md")
    assert "| Daten abziehen: postgres | 1,0 | 2,0 |" in text
    assert "| Legal | 0,5 | 2,0 |" in text
    assert "In 4 von 5 Fällen ist es bis zum 3. Februar 2027 fertig." in text
