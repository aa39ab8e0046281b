"""Engagements to write documents of, and looks at what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pypdfium2
import yaml
from fourhats.ask.answers import complete
from fourhats.ask.questions import Questionnaire
from fourhats.documents.charter import charter
from fourhats.documents.decisions import decision_log
from fourhats.documents.facts import Facts, read_facts
from fourhats.documents.language import language as in_language
from fourhats.documents.proposal import proposal
from fourhats.documents.risks import risk_register
from fourhats_runtime.documents.parts import markdown

from tests.services.rendered import ROOT

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("proposal", "charter", "risk-register", "decision-log")
ANSWERS: dict[str, Any] = {
    "project_name": "Abwanderung",
    "project_slug": "abwanderung",
    "client_name": "Müller & Söhne",
    "user_name": "Žofia Ćirić",
    "user_email": "zofia@example.com",
    "data_sources": ["files", "postgres"],
    "serving": ["api", "stream"],
    "cloud": "gcp",
}
ENGAGEMENT = """\
[engagement]
costs_today = "41,000 a year"
today = "Whoever is new gets a call"
alternatives = ["Call everybody"]
done = "The list is on the desk"
deadline = 2027-06-30
budget = 50_000.0
[[engagement.whys]]
because = "they are called by the alphabet"
evidence = "call log"
[[engagement.whys]]
because = "nobody knows better"
[[engagement.stakeholders]]
name = "Call centre"
stake = "calls whom the list names"
[engagement.constraints]
personal_data = "pseudonyms alone leave the house"
explainable = true
latency_ms = 200
on_clients_machines = true
others = ["the works council agrees"]
[estimate]
day_rate = 900.0
start = 2027-01-11
country = "DE"
region = "BY"
value_a_month = [1_000, 4_000, 9_000]
running_cost = 60
"""
MONITORING = "[quality]\nmax_invalid_share = 0.05\n[data]\nmax_age_days = 35.0\n"
SERVE = "[watch]\nmax_p99_seconds = 0.5\nmax_error_share = 0.01\n"
AMOUNTS = {
    "classification": "act_right = 100.0\nact_wrong = -20.0\nmissed = 0.0\nleft_alone = 0.0\n",
    "regression": "right = 10.0\nwrong = -12.0\ntolerance = 20.0\n",
    "search": "found = 5.0\nwrong = -2.0\nnone = 0.0\nreading = -0.1\n",
}
SEARCHED = {"serving": ["api", "batch"], "cloud": "none"}
DOCUMENTS = """\
[[columns]]
name = "page"
source = "page"
type = "text"
role = "id"
[[columns]]
name = "body"
source = "body"
type = "text"
role = "field"
"""
CONTRACT = """\
positive = "yes"
[[columns]]
name = "mail"
source = "E-Mail"
type = "text"
role = "ignore"
pii = true
[[columns]]
name = "refund"
source = "Refund"
type = "number"
role = "ignore"
leak = "suspected"
[[columns]]
name = "age"
source = "Age"
type = "integer"
[[columns]]
name = "churned"
source = "Churned"
type = "category"
role = "target"
categories = ["no", "yes"]
"""
NUMBER = """
[[columns]]
name = "churned"
source = "Churned"
type = "number"
role = "target"
"""


def engagement(folder: Path, task: str = "classification", **answers: object) -> Path:
    """Write what a project holds of its engagement."""
    config = folder / "config"
    config.mkdir(parents=True)
    given = ANSWERS | {"task": task} | (SEARCHED if task == "search" else {}) | answers
    (folder / ".copier-answers.yml").write_text(yaml.safe_dump(given, allow_unicode=True))
    (config / "engagement.toml").write_text(ENGAGEMENT, encoding="utf-8")
    (config / "business.toml").write_text(
        '[business]\nproblem = "Customers leave"\ndecision = "Offer more"\nowner = "Ana"\n'
        f'language = "{given.get("client_language", "en")}"\n'
        f'[value]\ncurrency = "EUR"\nmonthly_volume = 1234\n{AMOUNTS[task]}'
    )
    (config / "monitoring.toml").write_text(MONITORING)
    (config / "serve.toml").write_text(SERVE)
    contract = CONTRACT
    if task == "regression":
        columns = CONTRACT.split("\n", 1)[1].partition('[[columns]]\nname = "churned"')[0]
        contract = columns + NUMBER
    if task == "search":
        contract = DOCUMENTS
    (config / "contract.toml").write_text(contract)
    return folder


def facts_of(folder: Path, **answers: object) -> Facts:
    """Read a project's facts."""
    given = yaml.safe_load((folder / ".copier-answers.yml").read_text(encoding="utf-8")) | answers
    questionnaire = Questionnaire.read(ROOT)
    return read_facts(folder, given, complete(questionnaire, given).answers, "7")


def texts_of(folder: Path, language: str = "en", **answers: object) -> dict[str, str]:
    """Give the documents of a project as Markdown, without marks, by their names."""
    facts, say = facts_of(folder, **answers), in_language(language)
    made = [make(facts, say) for make in (proposal, charter, risk_register, decision_log)]
    return {
        each.name: "\n\n".join(markdown(section, filled=False) for section in each.sections)
        for each in made
    }


def words_of(path: Path) -> str:
    """Give the text of a PDF on one line."""
    with pypdfium2.PdfDocument(path) as document:
        found = [page.get_textpage().get_text_range() for page in document]
    return " ".join(" ".join(found).split())


def ink_beyond(path: Path, margin: float) -> list[str]:
    """Name the sides of the pages of a PDF on which something is nearer than `margin` points."""
    found = []
    with pypdfium2.PdfDocument(path) as document:
        for number, page in enumerate(document, start=1):
            dark = page.render(scale=1, grayscale=True).to_numpy().squeeze() < 200
            edge = int(margin)
            sides = {
                "left": dark[:, :edge],
                "right": dark[:, -edge:],
                "top": dark[:edge],
                "bottom": dark[-edge // 2 :],
            }
            found += [f"page {number}: {side}" for side, part in sides.items() if part.any()]
            assert dark.any(), f"page {number} is empty"
    return found
