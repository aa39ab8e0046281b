"""Our template as two released versions, for updates of real projects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.services.releases import Repository, repository

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = "v0.1.0", "v0.2.0"
PACKAGE = "template/src/{{ package_name }}"
RUNTIME = "template/runtime/fourhats_runtime"


@dataclass(frozen=True)
class TemplateVersions:
    """A repository of the template with two releases; the older one is checked out."""

    ours: Repository

    @property
    def folder(self) -> Path:
        """The repository."""
        return self.ours.folder

    def show(self, version: str) -> None:
        """Check a version out, so that `fourhats new` takes it."""
        self.ours.git("checkout", "--quiet", version)


def template_versions(folder: Path) -> TemplateVersions:
    """Release the template as it stands, and a next version of it.

    The next one changes the head of train.py, renames a module of the runtime (leakage.py), changes
    a threshold in a file that is the user's own, and brings a new file.
    """
    ours = repository(folder)
    ours.git("tag", OLD)
    train = folder / PACKAGE / "train.py"
    train.write_text(train.read_text().replace('"""The experiment', '"""The whole experiment'))
    old, new = folder / RUNTIME / "profile/leakage.py", folder / RUNTIME / "profile/leaks.py"
    old.rename(new)
    for file in (folder / "template").rglob("*.py*"):
        text = file.read_text(encoding="utf-8")
        if ".leakage import" in text:
            file.write_text(text.replace(".leakage import", ".leaks import"), encoding="utf-8")
    monitoring = folder / "includes/prediction/monitoring.toml"
    monitoring.write_text(monitoring.read_text().replace("warn_at = 0.2 ", "warn_at = 0.25 "))
    (folder / "template/docs/decisions.md").write_text(
        "# Decisions\n\nWhat was decided, and why.\n"
    )
    ours.has_news("Leaks are looked for in `leaks.py`.")
    changelog = folder / "CHANGELOG.md"
    text = changelog.read_text()
    changelog.write_text(text.replace("## [Unreleased]", "## [0.2.0] - 2026-12-01", 1))
    ours.commit("Version 0.2.0")
    ours.git("tag", NEW)
    ours.git("checkout", "--quiet", OLD)
    return TemplateVersions(ours)
