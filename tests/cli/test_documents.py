"""`fourhats documents`: each figure has a source, and no word of the user's is lost."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from fourhats.documents.command import LIBRARIES
from fourhats.documents.facts import FOLDER
from fourhats.documents.risks import days_more
from fourhats.documents.stages import led, stages
from fourhats.estimate.result import estimate
from fourhats_runtime.documents import Section, Table
from fourhats_runtime.documents.language import LOCALES
from fourhats_runtime.documents.paper import COMMENT
from fourhats_runtime.documents.written import begun, renewed
from fourhats_runtime.errors import ProjectError

from tests.cli.documented import (
    NAMES,
    engagement,
    facts_of,
    ink_beyond,
    texts_of,
    words_of,
)
from tests.services.rendered import ROOT
from tests.update.commands import fourhats

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = "charter.md"
SECTIONS = (
    Section("one", "One", ["First.", Table(("a", "b"), [("1", "2")], (1,))]),
    Section("two", "Two", ["Second."], asks="To be filled in"),
)
MARGIN = 44  # points; the narrowest margin is the one at the top


@pytest.fixture(autouse=True)
def _nobodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return engagement(tmp_path / "acme")


def written(project: Path, *arguments: str) -> Path:
    """Write the documents, and give their folder."""
    done = fourhats("documents", project, *arguments)
    assert (done.code, done.err) == (0, "")
    return project / "docs" / "engagement"


def refused(project: Path, *arguments: str | Path) -> str:
    """Expect one clear line, and nothing written."""
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    done = fourhats("documents", project, *arguments)
    assert (done.code, done.out) == (2, "")
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before
    (line,) = done.err.splitlines()
    return line


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("language", LOCALES)
@pytest.mark.parametrize("task", ["classification", "regression", "search"])
def test_each_document_is_whole_on_paper(tmp_path: Path, task: str, language: str) -> None:
    project = engagement(tmp_path / "acme", task, client_language=language)
    folder = written(project, "--revision", "7")
    assert {path.name for path in folder.iterdir()} == {
        f"{name}.{kind}" for name in NAMES for kind in ("md", "pdf")
    }
    for name in NAMES:
        words = words_of(folder / f"{name}.pdf")
        assert ink_beyond(folder / f"{name}.pdf", MARGIN) == []
        assert "\ufffd" not in words
        said = COMMENT.sub("", (folder / f"{name}.md").read_text(encoding="utf-8"))
        for word in re.sub(r"[*|`#\\]|-{3,}:?|^- ", " ", said, flags=re.MULTILINE).split():
            assert re.sub(r"\W", "", word) in re.sub(r"\W", "", words), word
    proposal = words_of(folder / "proposal.pdf")
    assert proposal.count("Žofia Ćirić") >= 2  # at the head, and where it is signed
    assert proposal.count("Müller & Söhne") >= 2


def test_of_a_search_is_said_what_answers_are_worth(tmp_path: Path) -> None:
    said = texts_of(engagement(tmp_path / "acme", "search"))
    words = ("A right document among the answers is worth €5", "1,234 questions a month")
    for text in words:
        assert text in said["charter"]
        assert text in said["decision-log"]
    assert "| What is found | documents that answer a question |" in said["decision-log"]
    assert "A search that finds the documents" in said["proposal"]
    assert "People ask for something else than before" in said["risk-register"]


def test_figures_and_dates_are_written_as_in_the_country(project: Path) -> None:
    rate, safe = 900.0, round(facts_of(project).estimate.effort[80], 1)
    cost = f"{rate * safe:,.0f}"
    expected = {
        "en": (f"€{cost}", "11 January 2027"),
        "de": (f"{cost.replace(',', '.')}\xa0€", "11. Januar 2027"),
        "fr": (cost.replace(",", "\u202f") + "\xa0€", "11 janvier 2027"),
        "es": (f"{cost.replace(',', '.')}\xa0€", "11 de enero de 2027"),
    }
    for language, figures in expected.items():
        text = texts_of(project, language)["proposal"]
        for figure in figures:
            assert figure in text, language


ENGAGEMENT, BUSINESS = "config/engagement.toml", "config/business.toml"


CHANGES = (
    (
        ENGAGEMENT,
        ("day_rate = 900.0", "day_rate = 1111.0"),
        ("€900", "€1,111"),
        "proposal charter",
    ),
    (ENGAGEMENT, ("budget = 50_000.0", "budget = 51_000.0"), ("€50,000", "€51,000"), "charter"),
    (ENGAGEMENT, ("2027-06-30", "2028-07-31"), ("30 June 2027", "31 July 2028"), "charter"),
    (
        ENGAGEMENT,
        ("2027-01-11", "2027-02-08"),
        ("11 January", "8 February"),
        "proposal charter",
    ),
    (ENGAGEMENT, ("= 60", "= 61"), ("€60", "€61"), "proposal charter"),
    (ENGAGEMENT, ("[1_000, 4", "[1_000, 5"), ("€4,000", "€5,000"), "proposal charter"),
    (ENGAGEMENT, ("ms = 200", "ms = 150"), ("at most 200 ms", "at most 150 ms"), "charter"),
    (ENGAGEMENT, ('"call log"', '"a survey"'), ("call log", "a survey"), "charter"),
    (ENGAGEMENT, ("41,000", "43,000"), ("41,000 a year", "43,000 a year"), "proposal charter"),
    (BUSINESS, ("= 100.0", "= 101.0"), ("€100\n", "€101\n"), "charter decision-log"),
    (BUSINESS, ("= 1234", "= 4321"), ("1,234", "4,321"), "proposal charter decision-log"),
    (BUSINESS, ('"Ana"', '"Eva"'), ("Ana", "Eva"), "proposal charter risk-register"),
    ("config/monitoring.toml", ("0.05", "0.02"), ("at least 95%", "at least 98%"), "proposal"),
    ("config/monitoring.toml", ("35.0", "7.0"), ("at most 35", "at most 7"), "charter"),
    ("config/serve.toml", ("0.01", "0.001"), ("at least 99%", "at least 99.9%"), "charter"),
    (
        "config/contract.toml",
        ('"E-Mail"', '"Phone"'),
        ("E-Mail", "Phone"),
        "charter risk-register",
    ),
    ("config/contract.toml", ('"Refund"', '"Notice"'), ("Refund", "Notice"), "risk-register"),
)
"""A file, what is changed in it, what is gone then and what has come, and in which documents."""


def test_what_changes_at_the_source_changes_in_the_documents(project: Path) -> None:
    before = texts_of(project)
    for file, edited, _, _ in CHANGES:
        edit(project / file, *edited)
    after = texts_of(project)
    for _, edited, (gone, come), where in CHANGES:
        for name in where.split():
            assert gone in before[name], edited
            assert come not in before[name], edited
            assert gone not in after[name], edited
            assert come in after[name], edited


def test_amounts_are_in_the_currency_of_the_values(project: Path) -> None:
    edit(project / BUSINESS, '"EUR"', '"CHF"')
    text = texts_of(project, value_currency="CHF")["charter"]
    assert "CHF" in text
    assert "€" not in text


def test_acceptance_is_what_was_agreed_on_before_what_alerts_are_sent_at(project: Path) -> None:
    with (project / ENGAGEMENT).open("a", encoding="utf-8") as file:
        file.write(
            "[acceptance]\nvalue_a_month = 2500.0\nlatency_ms = 80\navailable = 0.995\n"
            "rows_passed = 0.97\ndata_age_days = 3\nreproducible = false\nrequests = 900\n"
        )
    text = texts_of(project)["charter"]
    for limit in ("€2,500", "at most 80 ms", "at least 99.5%", "at least 97%", "at most 3"):
        assert limit in text
    assert "Reproducibility" not in text


def test_days_dates_and_months_are_those_of_the_estimate(project: Path) -> None:
    done = fourhats("estimate", project, "--json")
    found = json.loads(done.out)
    text = texts_of(project)["proposal"]
    for p in ("p50", "p80"):
        days = round(found["effort_days"][p], 1)
        assert f"({p.upper()}): {days} days, €{900 * days:,.0f}" in text
    year, month, day = found["end"]["p80"].split("-")
    assert re.search(rf"simulated engagements\): {int(day)} \w+ {year}", text)
    assert month in ("05", "06", "07")
    likely, late = (f"{round(found['months_to_pay_back'][p], 1):g}" for p in ("p50", "p80"))
    assert f"after {likely} months in the likely case (P50), {late} months" in text


def test_the_stages_are_all_of_the_work_each_part_once(project: Path) -> None:
    found = estimate(project, facts_of(project).answers)
    parts = [*stages(found), led(found)]
    names = [each.name for part in parts if part for each in part.packages]
    assert sorted(names) == sorted(each.name for each in found.plan.packages)
    assert [stage.packages[-1].name for stage in stages(found)] == [
        "review",
        "monitoring",
        "handover",
    ]
    assert stages(found)[-1].end == {p: found.ends[p] for p in (50, 80)}
    # What is reckoned with one rate is each stage's days at that rate.
    for stage in stages(found):
        assert f"€{900 * stage.days[80]:,.0f}" in texts_of(project)["proposal"]


def test_what_a_risk_costs_is_what_the_draws_say(project: Path) -> None:
    found = estimate(project, facts_of(project).answers)
    total = found.draws.total
    for name, comes in found.draws.happened.items():
        drawn = total[comes].mean() - total[~comes].mean()
        off = 4 * total.std() * (1 / comes.sum() + 1 / (~comes).sum()) ** 0.5
        assert days_more(name, found.plan) == pytest.approx(drawn, abs=off), name
    assert days_more("absent_client", found.plan) == 0
    dirty = 900 * days_more("dirty_data", found.plan)
    row = next(line for line in texts_of(project)["risk-register"].splitlines() if "worse" in line)
    assert f"| 35% | €{dirty:,.0f} | €{0.35 * dirty:,.0f} |" in row


def test_own_risks_name_who_watches_them_and_by_which_question(project: Path) -> None:
    with (project / ENGAGEMENT).open("a", encoding="utf-8") as file:
        file.write(
            '[estimate.risks.union]\ntitle = "The union objects"\nlikelihood = 0.25\n'
            'affects = ["trial"]\ndays = [2, 2, 2]\nhat = "ML engineer"\nwatch = "service:volume"\n'
        )
    text = texts_of(project)["risk-register"]
    row = next(line for line in text.splitlines() if "The union objects" in line)
    assert "| 25% |" in row
    assert row.endswith("| ML engineer | As many predictions as usual |")


def test_the_diagnosis_and_the_registry_are_read(project: Path) -> None:
    before = texts_of(project)
    assert "No model decides yet." in before["decision-log"]
    (project / "docs").mkdir()
    diagnosis = {
        "verdict": {"answer": "first stage", "by": "signal", "reason": "…"},
        "currency": "EUR",
        "a_month": {"headroom": 7654.3},
        "first_point": {"gain_a_month": {"value": 800.0, "low": -120.0, "high": 1700.0}},
    }
    (project / "docs" / "diagnosis.json").write_text(json.dumps(diagnosis))
    registry = project / "artifacts" / "registry"
    registry.mkdir(parents=True)
    promotion: dict[str, object] = {
        "at": "2027-03-04T05:06:07+00:00",
        "version": "v1-0a1b",
        "previous": None,
    }
    promotion |= {"how": "promoted", "reason": "it earns more", "announced": True}
    (registry / "champions.json").write_text(json.dumps([promotion]))
    (registry / "champion").write_text("v1-0a1b")
    (registry / "versions" / "v1-0a1b").mkdir(parents=True)
    after = texts_of(project)
    for name in ("proposal", "charter"):
        assert "would add €7,654 a month" in after[name]
        assert "adds €800 a month (95% interval: -€120 to €1,700)" in after[name]
        assert "first stage only" in after[name]
    assert "a model may add nothing" in after["risk-register"]
    assert "| 4 Mar 2027 | v1-0a1b | promoted | it earns more |" in after["decision-log"]


def test_no_word_of_the_users_is_lost_wherever_it_stands(project: Path) -> None:
    folder = written(project)
    path = folder / "charter.md"
    lines, own = list[str](), list[str]()
    for line in path.read_text(encoding="utf-8").splitlines():
        begins, ends = (f"<!-- fourhats:{kind} " in line for kind in ("begin", "end"))
        if begins:
            own.append(f"Mine, before {len(own)}: *a* | b \\ {{{{ c }}}}")
            lines += [own[-1], ""]
        lines.append(line)
        if ends:
            own.append(f"Mine, after {len(own)}")
            lines += ["", own[-1], ""]
    path.write_text("\n".join(lines), encoding="utf-8")
    edit(project / ENGAGEMENT, "day_rate = 900.0", "day_rate = 1234.0")
    written(project)
    text = path.read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("Mine")] == own
    assert "€1,234" in text
    assert "€900" not in text
    assert "To be filled in" not in text  # as something is written beneath each
    words = words_of(path.with_suffix(".pdf"))
    assert all(f"Mine, after {number}" in words for number in range(1, len(own), 2))
    written(project)
    assert path.read_text(encoding="utf-8") == text


def test_no_file_of_the_templates_stands_where_documents_do() -> None:
    # An update merges what the template has: here it has nothing to merge with.
    assert not list((ROOT / "template").glob(f"{FOLDER.as_posix()}*"))


def test_the_line_ends_of_a_document_stay_as_they_are() -> None:
    text = "Mine.\n" + begun(SECTIONS).replace("\n", "\r\n")
    assert renewed(text, SECTIONS, DOCUMENT, overwrite=False) == (text, [])


def test_a_block_whose_marks_were_taken_off_is_the_users(project: Path) -> None:
    path = written(project) / "proposal.md"
    text = path.read_text(encoding="utf-8")
    mine = re.sub(r"<!-- fourhats:(begin|end) price -->\n", "", text)
    path.write_text(mine.replace("Day rate: €900", "Day rate: €899"), encoding="utf-8")
    done = fourhats("documents", project)
    assert "without price: their marks were taken off" in done.out
    assert "Day rate: €899" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<!-- fourhats:end one -->\n", "", "the begin of 'two' stands before the end of 'one'"),
        ("<!-- fourhats:begin one -->\n", "", "the end of 'one' stands without its beginning"),
        ("<!-- fourhats:end two -->\n", "", "the block 'two' has no end"),
        ("fourhats:begin one -->", "fourhats: begin one -->", "line 1: a damaged mark"),
        ("fourhats:end two -->", "fourhats:end two ->", "a damaged mark"),
        ("<!-- fourhats:begin one", "!-- fourhats:begin one", "line 1: a damaged mark"),
        ("begin two", "begin one", "a second block 'one'"),
        ("First.", "First. Mine.", "somebody wrote between the marks of 'one'"),
        ("<!-- fourhats:digest", "<!-- digest", "somebody wrote between the marks of 'one'"),
    ],
)
def test_a_damaged_document_is_refused(old: str, new: str, said: str) -> None:
    text = begun(SECTIONS)
    assert old in text
    with pytest.raises(ProjectError, match=rf"^{DOCUMENT}.*{re.escape(said)}"):
        renewed(text.replace(old, new, 1), SECTIONS, DOCUMENT, overwrite=False)


def test_no_document_is_written_where_one_is_damaged(project: Path) -> None:
    path = written(project) / "decision-log.md"
    edit(path, "<!-- fourhats:end head -->", "")
    edit(project / ENGAGEMENT, "day_rate = 900.0", "day_rate = 1234.0")
    assert refused(project).startswith(f"fourhats: {path}")


def test_words_between_marks_are_discarded_when_asked_to() -> None:
    text = begun(SECTIONS)
    changed = text.replace("First.", "Mine.")
    assert renewed(changed, SECTIONS, DOCUMENT, overwrite=True) == (text, [])


def test_a_formatter_may_set_a_block_in_its_own_way() -> None:
    text = begun(SECTIONS)
    table = "| a | b |\n| --- | ---: |"
    assert table in text
    formatted = text.replace(table, "| a   |   b |\n|-----|----:|")
    assert renewed(formatted, SECTIONS, DOCUMENT, overwrite=False) == (text, [])


def test_what_nobody_said_is_to_be_filled_in_and_never_invented(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    (folder / "config").mkdir(parents=True)
    (folder / ENGAGEMENT).write_text("")
    done = fourhats("documents", folder, "-d", "project_name=Churn", "--out", folder)
    assert (done.code, done.err) == (0, "")
    for name in NAMES:
        text = COMMENT.sub("", (folder / f"{name}.md").read_text(encoding="utf-8"))
        assert re.search("to be filled in", text, re.IGNORECASE), name
        assert not re.search(r"^#+ .*\s+(#|\Z)", text, re.MULTILINE), "an empty heading"
        assert not re.search(r"[€$£][1-9]|[1-9] ?(EUR|USD)", text)
        assert "Customers leave before" not in text  # a default answer is nobody's word
    for asked in (
        "the day rate",
        "the problem",
        "the legal basis",
        "why it is so",
        "the open limits",
    ):
        assert asked in (folder / "charter.md").read_text(encoding="utf-8")
    for path in folder.glob("*.pdf"):
        assert ink_beyond(path, MARGIN) == []


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (ENGAGEMENT, "[engagement", "cannot be read"),
        (ENGAGEMENT, "[estimate]\nday_rate = 0", "estimate.day_rate"),
        (ENGAGEMENT, "[acceptance]\nlatency_ms = -1", "acceptance.latency_ms"),
        (BUSINESS, "[business]\nproblem = 3", "business"),
        ("config/contract.toml", "columns = 3", "contract.toml"),
        ("docs/diagnosis.json", "{}", "diagnosis.json: verdict: Field required: run `fourhats di"),
    ],
)
def test_a_file_that_does_not_do_is_named(project: Path, file: str, text: str, said: str) -> None:
    (project / file).parent.mkdir(exist_ok=True)
    (project / file).write_text(text)
    assert said in refused(project)


def test_a_folder_that_is_no_project_and_no_answers_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert "is no Fourhats project" in refused(tmp_path / "other")


def test_a_missing_library_is_named_with_its_extra(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIBRARIES, "no_such_module", "no-such-library")
    line = refused(project)
    assert "no-such-library: install fourhats with its extra `documents`" in line


def test_the_longest_words_stay_on_the_page(tmp_path: Path) -> None:
    word, name = "Donaudampfschifffahrt" * 14, "Kundenabwanderungsvorhersage " * 2
    project = engagement(tmp_path / "acme", client_name=word, project_name=name + "W" * 22)
    edit(project / ENGAGEMENT, '"41,000 a year"', f'"{word}"')
    edit(project / ENGAGEMENT, '"Call centre"', f'"{word}"')
    folder = written(project, "--revision", "1234567890 " * 3)
    (folder / "charter.md").open("a").write(f"\n1. Mine\n   - {word}\n\n> {word}\n\n    {word}\n")
    written(project, "--revision", "1234567890 " * 3)
    for each in NAMES:
        assert ink_beyond(folder / f"{each}.pdf", MARGIN) == []


def test_the_contract_of_the_sample_says_nothing_of_the_client(project: Path) -> None:
    assert "E-Mail" in texts_of(project)["charter"]
    sample = (ROOT / "includes" / "classification" / "contract.toml").read_text(encoding="utf-8")
    (project / "config" / "contract.toml").write_text(f"# Mine.\n{sample}", encoding="utf-8")
    text = texts_of(project)
    assert "which columns hold personal data (config/contract.toml)" in text["charter"]
    assert "The column that is predicted" not in text["decision-log"]


def test_what_people_type_is_shown_as_they_typed_it(tmp_path: Path) -> None:
    hostile = "<!-- fourhats:end head --> | *x* `y` [z](w) # 1. <b> &amp; {{ 7 * 7 }} $a$ 日本"
    project = engagement(tmp_path / "acme", client_name=hostile)
    edit(project / BUSINESS, '"Customers leave"', '"- # 1) _not_ <i>markup</i> | ~~at~~ all"')
    done = fourhats("documents", project)
    assert done.code == 0
    notes = done.err.splitlines()
    assert notes
    words = words_of(project / "docs" / "engagement" / "proposal.pdf")
    assert hostile.removesuffix(" 日本") in words
    assert "- # 1) _not_ <i>markup</i> | ~~at~~ all" in words
    assert all("the font has no sign for 日本" in line for line in notes)
