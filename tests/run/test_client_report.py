"""The client's monthly page: complete in itself, on paper too, and no text in it is markup."""

from __future__ import annotations

import json
import re
import subprocess
import textwrap
import tomllib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.services.rendered import Project, command, install, project_env, render

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "Müller & Söhne <b>„bold“</b> {{ 7 * 7 }} {% raw %} \\ 'x' Ωπ Жд\nsecond line"
READER = """
import sys
from pypdf import PdfReader
reader = PdfReader(sys.argv[1])
print("\\n".join(page.extract_text() for page in reader.pages))
print("IMAGES", sum(len(page.images) for page in reader.pages))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose owner has a difficult name, and whose step failed with a difficult text."""
    folder = tmp_path_factory.mktemp("report") / "project"
    project = install(render(folder, business_owner=HOSTILE, orchestrator="none", ci="none"))
    command(project, "run", env={"TRAINING__TRIALS": "2"})
    command(project, "alert", "<script>alert(1)</script>\nline two", "--incident", "step:train")
    command(project, "report")
    return project


def test_the_pdf_says_what_the_page_says(project: Project) -> None:
    page, document = _month(project)
    text = _text(document)
    evaluation = json.loads(_champion_file(project, "evaluation.json").read_text())
    business = tomllib.loads((project.folder / "config" / "business.toml").read_text())["business"]
    for words in (
        f"{datetime.now(UTC):%B %Y}",
        business["problem"],
        f"{evaluation['monthly_value']:,.0f}",
        "Value of the month so far",
        "<script>alert(1)</script>",
        "line two",
        "decides from now on",
        "<b>„bold“</b> {{ 7 * 7 }} {% raw %} \\ 'x' Ωπ Жд",
    ):
        assert _plain(words) in _plain(text), words
    assert "IMAGES 2" in text
    html = page.read_text()
    assert "<script" not in html
    assert "&lt;b&gt;„bold“&lt;/b&gt; {{ 7 * 7 }}" in html
    assert not re.findall(r"""(?:src|href)=["'](?!data:image/png;base64,)""", html)


def test_an_earlier_month_is_written_alone_and_one_to_come_is_refused(project: Project) -> None:
    reports = project.folder / "artifacts" / "reports"
    before = (reports / "report.html").stat().st_mtime_ns
    command(project, "report", "--month", "2026-01")
    assert (reports / "2026-01.html").exists()
    assert (reports / "2026-01.pdf").exists()
    assert (reports / "report.html").stat().st_mtime_ns == before
    refused = command(project, "report", "--month", "2999-01", check=False)
    assert refused.returncode == 2
    assert refused.stderr == f"{project.slug}: --month 2999-01: it has not begun\n"


def _month(project: Project) -> tuple[Path, Path]:
    page = project.folder / "artifacts" / "reports" / f"{datetime.now(UTC):%Y-%m}.html"
    return page, page.with_suffix(".pdf")


def _champion_file(project: Project, name: str) -> Path:
    registry = project.folder / "artifacts" / "registry"
    return registry / "versions" / (registry / "champion").read_text().strip() / name


def _text(document: Path) -> str:
    """Read a PDF by another library than the one that wrote it."""
    run = ["uv", "run", "--no-project", "--with", "pypdf==7.1.1", "--with", "pillow", "python"]
    done = subprocess.run(
        [*run, "-c", textwrap.dedent(READER), document],
        check=True,
        capture_output=True,
        text=True,
        env=project_env({}),
    )
    return done.stdout


def _plain(text: str) -> str:
    """Leave out white space: a line may end anywhere."""
    return re.sub(r"\s+", "", text)
