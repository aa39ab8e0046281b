"""Every list of the pages follows its source."""

from __future__ import annotations

import platform
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from email.message import Message
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal, cast

import pytest
from fourhats_runtime.cli import Commands
from fourhats_runtime.data import Files, Postgres
from fourhats_runtime.engagement import accept
from fourhats_runtime.handover import dates, hand_over
from fourhats_runtime.handover.accounts import accounts
from fourhats_runtime.handover.costs import costs
from fourhats_runtime.handover.dates import calendar
from fourhats_runtime.handover.git import Sources
from fourhats_runtime.handover.inventory import kept, origins
from fourhats_runtime.handover.licences import UNKNOWN, Package, _licence, packages
from fourhats_runtime.handover.risks import open_risks
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.monitor import Event, incident_log

if TYPE_CHECKING:
    from importlib.metadata import Distribution

    from fourhats_runtime import Project

WORKFLOW = "env:\n  KEY: ${{ secrets.REGISTRY_KEY }}\n  REGION: ${{ vars.REGION }}\n"


class Declared:
    """A distribution that says of itself what a test has it say."""

    def __init__(self, *facts: tuple[str, str]) -> None:
        """Take names and values as PKG-INFO has them."""
        self.metadata = Message()
        for name, value in facts:
            self.metadata[name] = value


def read(*facts: tuple[str, str]) -> Package:
    return Package("x", "1", _licence(cast("Distribution", Declared(*facts))))


@pytest.mark.parametrize(
    ("facts", "licence", "to_know"),
    [
        ([("License-Expression", "Apache-2.0"), ("License", "GPL")], "Apache-2.0", False),
        ([("Classifier", "License :: OSI Approved :: MIT License")], "MIT License", False),
        ([("License", "BSD")], "BSD", False),
        ([("License-Expression", "LGPL-3.0-or-later")], "LGPL-3.0-or-later", True),
        ([("License-Expression", "MIT OR AGPL-3.0-only")], "MIT OR AGPL-3.0-only", True),
        (
            [("Classifier", "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)")],
            "Mozilla Public License 2.0 (MPL 2.0)",
            True,
        ),
        ([("License", "Eclipse Public License 2.0")], "Eclipse Public License 2.0", True),
        ([("License", "Permission is hereby granted " * 9)], UNKNOWN, True),
        ([("License", "UNKNOWN")], UNKNOWN, True),
        ([], UNKNOWN, True),
    ],
)
def test_a_licence_is_read_where_it_stands(
    facts: list[tuple[str, str]], licence: str, *, to_know: bool
) -> None:
    package = read(*facts)
    assert (package.licence, package.to_know) == (licence, to_know)


def test_packages_are_those_that_are_installed() -> None:
    found = {package.name.lower(): package for package in packages("fourhats")}
    assert found["pydantic"].licence == "MIT"
    assert not found["pydantic"].to_know
    assert len(found) > 50
    assert "fourhats" not in found


def test_accounts_are_named_with_the_places_of_their_names(ready: Project) -> None:
    workflows = ready.folder / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (workflows / "ci.yml").write_text(WORKFLOW, encoding="utf-8")
    (ready.folder / ".gitlab-ci.yml").write_text("x: $CI_JOB_TOKEN $PUSH_TOKEN", encoding="utf-8")
    (ready.folder / ".env").write_text("WAREHOUSE_URL=a\nCRM_TOKEN=b\n", encoding="utf-8")
    project = replace(ready, sources=[Postgres("shop")])
    assert accounts(project) == {
        "WAREHOUSE_URL": [".env.example", ".env"],
        "PSEUDONYM_KEY": [".env.example"],
        "CRM_TOKEN": [".env"],
        "SHOP_URL": ["the source shop"],
        "REGISTRY_KEY": [".github/workflows/ci.yml"],
        "REGION": [".github/workflows/ci.yml"],
        "PUSH_TOKEN": [".gitlab-ci.yml"],
    }


def test_sources_are_those_of_the_project(ready: Project) -> None:
    (sample,) = origins(ready)
    assert (sample.name, sample.in_use) == ("sample", True)
    settings = ready.folder / "config" / "sources.toml"
    settings.write_text('[files]\npath = "data/rows.csv"\n', encoding="utf-8")
    (ready.folder / "data").mkdir()
    (ready.folder / "data" / "rows.csv").write_text("a\n1\n", encoding="utf-8")
    (origin,) = origins(replace(ready.at(ready.folder), sources=[Files()]))
    assert (origin.kind, origin.where, origin.in_use) == ("Files", "path = data/rows.csv", True)


def test_how_long_is_what_the_settings_say(ready: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ("requests and answers", "365 days", "serve.log_days") in list(kept(ready))
    monkeypatch.setenv("SERVE__LOG_DAYS", "30")
    monkeypatch.setenv("TRAINING__KEEP_ROWS", "false")
    changed = list(kept(ready.at(ready.folder)))
    assert ("requests and answers", "30 days", "serve.log_days") in changed
    assert ("rows that a version came of", "not at all", "training.keep_rows") in changed
    assert len(list(kept(replace(ready, serving=["batch"])))) == len(changed) - 1


def test_the_calendar_follows_python_the_schedule_and_the_limits(
    ready: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "python_version_tuple", lambda: ("3", "12", "1"))
    python, training, *_ = calendar(ready)
    assert (python.when, python.source) == ("2028-10", "PEP 693")
    assert training.when == "by hand"
    airflow = ready.folder / "config" / "airflow.toml"
    airflow.write_text('schedule = "@weekly" # cron\n', encoding="utf-8")
    monkeypatch.setattr(dates, "END_OF_SUPPORT", {})
    monkeypatch.setenv("DATA__MAX_AGE_DAYS", "12")
    python, training, age, *_ = calendar(ready.at(ready.folder))
    assert python.when == "not known"
    assert (training.when, training.source) == ("`@weekly`", "config/airflow.toml")
    assert age.when == "12 days after the last rows"


def test_the_calendar_names_the_versions_that_are_installed(
    ready: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies = {"numpy": ("two years", "the page"), "no-such-library": ("ever", "nowhere")}
    monkeypatch.setattr(dates, "SUPPORT", policies)
    *_, library, others = calendar(ready)
    assert (library.what, library.source) == (f"numpy {version('numpy')}: two years", "the page")
    assert others.what.startswith("other libraries")


def test_costs_are_those_of_the_clouds_page_and_of_the_terms(ready: Project) -> None:
    (local,) = costs(ready)
    assert local.words.startswith("No cloud: none.")
    page = ready.folder / "deploy" / "terraform" / "aws" / "README.md"
    page.parent.mkdir(parents=True)
    table = "US dollars a month (2026-10):\n\n| what | idle |\n|---|---|\n| **together** | **71** |"
    page.write_text(f"# On AWS\n\n## What it costs\n\n{table}\n\n## Being told\n\nby mail\n")
    assert list(costs(ready)) == [(table, "deploy/terraform/aws/README.md")]
    terms = ready.folder / "config" / "engagement.toml"
    terms.write_text('[estimate]\nrunning_cost = 90\ncurrency = "CHF"\n', encoding="utf-8")
    agreed, cloud, elsewhere = costs(replace(ready, warehouse="snowflake"))
    assert agreed.words == "90.00 CHF a month, as was agreed on."
    assert cloud.words == table
    assert "(Snowflake)" in elsewhere.words


def test_open_risks_are_what_the_run_and_the_hand_over_left_open(ready: Project) -> None:
    none = Sources("0" * 40)

    def found(sources: Sources = none, day: date = date(2026, 1, 1), *extra: Package) -> set[str]:
        listed = open_risks(ready.at(ready.folder), sources, extra, day, is_signed=True)
        return {risk.what for risk in listed}

    champion = Registry(ready.artifacts / "registry").require("champion")
    made_up, not_accepted = (
        "The champion was judged on made-up rows",
        f"The champion {champion} was not accepted",
    )
    assert found() == {made_up, not_accepted}
    (ready.folder / "config" / "engagement.toml").write_text("[acceptance]\nreproducible = false\n")
    accept(replace(ready, serving=["batch"]))
    (value,) = found() - {made_up}
    assert value.startswith("Not measured: Value")
    incident_log.note(
        ready, [Event(incident="data:keys", message="2 keys twice", began=datetime.now(UTC))]
    )
    audit = '[tool.uv.audit]\nignore-until-fixed = ["GHSA-1"]\n'
    (ready.folder / "pyproject.toml").write_text(audit, encoding="utf-8")
    expected = {made_up, value, "Not so: Every id is unique", "A known flaw is let pass: GHSA-1"}
    assert found() == expected
    expected |= {
        "The code is in no git repository",
        "Licences to look into: x",
        f"The support of Python {dates.python_version()} ends",
    }
    assert found(Sources(None), date(2030, 5, 1), Package("x", "1", "GPL-3.0")) == expected
    left_out = open_risks(
        ready, Sources("0" * 40, ("a.txt",)), (), date(2026, 1, 1), is_signed=False
    )
    assert {("Work that was not committed is left out", "a.txt", "git")} <= set(left_out)
    assert left_out[-1].what == "The checksums are not signed"


@pytest.mark.usefixtures("without_tool")
def test_what_both_sides_sign_lies_on_top(ready: Project) -> None:
    made = hand_over(ready, ready.artifacts / "handover")
    start = (made.folder / "START.md").read_text(encoding="utf-8")
    assert "| not there | acceptance protocol: what was measured: it was never written |" in start
    docs = ready.folder / "docs"
    for name in ("acceptance.md", "acceptance.pdf", "exit_report.md"):
        (docs / name).write_text(name, encoding="utf-8")
    made = hand_over(ready, ready.artifacts / "handover")
    start = (made.folder / "START.md").read_text(encoding="utf-8")
    assert "| [acceptance.md](acceptance.md), [acceptance.pdf](acceptance.pdf) | accept" in start
    assert (made.folder / "acceptance.pdf").read_text(encoding="utf-8") == "acceptance.pdf"
    assert "| [exit_report.md](exit_report.md) | exit report" in start
    rows = (made.folder / "risks.md").read_text(encoding="utf-8").count("\n| ") - 1
    assert f"what is open: {rows} risks" in start


@pytest.mark.usefixtures("without_tool")
def test_the_pages_say_what_a_person_has_to_fill_in(ready: Project) -> None:
    text = ready.contract_file.read_text(encoding="utf-8")
    column = '[[columns]]\nname = "phone"\nsource = "Phone | no"\ntype = "text"\n'
    personal = f'{text}\n{column}role = "ignore"\npii = true\n'
    ready.contract_file.write_text(personal, encoding="utf-8")
    author = '{ name = "Ann", email = "ann@example.com" }'
    (ready.folder / "pyproject.toml").write_text(f"[project]\nauthors = [{author}]\n")
    made = hand_over(ready, ready.artifacts / "handover")
    data = (made.folder / "data.md").read_text(encoding="utf-8")
    assert "| `phone` | `Phone \\| no` | text | ignore | yes |" in data
    assert "- `phone`: left out of what is learnt from. Legal basis: to be filled in." in data
    assert data.count("| no |") + data.count("| yes |") >= len(ready.contract.columns)
    picture = (made.folder / "architecture.md").read_text(encoding="utf-8")
    assert f'registry[("registry: {made.champion}")]' in picture
    assert "extract --> validate --> transform --> train" in picture
    assert 'source_1[/"sample (made up from the contract)"/] --> extract' in picture
    assert "| Trained by | Ann, on 2" in (made.folder / "licences.md").read_text(encoding="utf-8")
    start = (made.folder / "START.md").read_text(encoding="utf-8")
    assert "Made for a client to be filled in by Ann (ann@example.com)." in start
    for page in made.folder.glob("*.md"):
        assert "\n\n\n" not in page.read_text(encoding="utf-8"), page


@pytest.mark.usefixtures("without_tool")
@pytest.mark.parametrize("serving", [["api"], ["batch"], ["stream"]])
def test_start_names_commands_that_the_project_has(
    ready: Project, serving: list[Literal["api", "batch", "stream"]]
) -> None:
    project = replace(ready, serving=serving)
    made = hand_over(project, ready.artifacts / "handover")
    start = (made.folder / "START.md").read_text(encoding="utf-8")
    named = set(re.findall(r"uv run sample (\w+)", start))
    assert named & {"serve", "score", "stream"} == {
        {"api": "serve", "batch": "score", "stream": "stream"}[serving[0]]
    }
    assert named <= {command.__name__ for command in Commands(project).line()}
    links = re.findall(r"\]\((?!https?:)([^)]+)\)", start)
    runbook = "project/docs/runbook.md"  # which a rendered project has
    assert [link for link in links if not (made.folder / link).exists()] == [runbook]
