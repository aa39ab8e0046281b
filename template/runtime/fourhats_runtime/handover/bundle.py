"""One folder and one zip: written aside, searched for secrets, and only then put in their place."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from fourhats_runtime.errors import ProjectError
from fourhats_runtime.files import unfinished
from fourhats_runtime.handover import git
from fourhats_runtime.handover.bill import write_bill
from fourhats_runtime.handover.pages import write_pages
from fourhats_runtime.handover.scan import Scan
from fourhats_runtime.handover.signing import CHECKSUMS, Signer, write_checksums
from fourhats_runtime.lifecycle.registry import Registry, model_files
from fourhats_runtime.project import Project

REGISTRY = Path("artifacts") / "registry"
WRITTEN = ("model_card.md", "lineage.md")
"""Pages of docs/ that a run writes, and git does not have."""
SIGNED = ("acceptance", "exit_report")
"""Documents of docs/ that lie on top, where they were written."""


@dataclass(frozen=True)
class Handover:
    """What was handed over."""

    folder: Path
    zip: Path
    files: int
    champion: str
    uncommitted: tuple[str, ...]
    signed: bool
    unsearched: tuple[str, ...]
    """Variables whose values are too short to be searched for."""


def hand_over(project: Project, folder: Path) -> Handover:
    """Write all that the project's next owner needs into a folder, and beside it as a zip.

    Raises:
        ProjectError: something is missing, a file holds a secret, or the folder holds something
            else; nothing was written then.

    """
    archive = folder.with_name(f"{folder.name}.zip")
    _refuse_another(folder, archive)
    registry = Registry(project.artifacts / "registry")
    version = registry.require("champion")
    registry.check(version)
    for name in WRITTEN:
        _require_page(project.folder / "docs" / name, version)
    scan, signer = Scan.of(project), Signer.of(project.folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(unfinished())
    made = aside / f"{project.name}-handover"
    try:
        made.mkdir(parents=True)
        sources = git.take(project.folder, made / "project", (folder, archive))
        _add_champion(project, registry, version, made)
        components = write_bill(project.folder, made / "sbom.json")
        documents = _add_documents(project, made)
        write_pages(project, made, version, sources, signer, components, documents)
        files = scan.prove(made)
        checksums = write_checksums(made)
        if signer:
            signer.sign(checksums)
        zipped = shutil.make_archive(str(aside / "all"), "zip", root_dir=aside, base_dir=made.name)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
        Path(zipped).replace(archive)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Handover(
        folder, archive, files, version, sources.uncommitted, signer is not None, scan.too_short
    )


def _refuse_another(folder: Path, archive: Path) -> None:
    """Refuse to put the folder in the place of anything but a hand-over of before."""
    if (folder / CHECKSUMS).is_file() and (folder / "START.md").is_file():
        return
    if archive.exists():
        raise ProjectError(f"{archive} exists, and is no hand-over of before: give another --out")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise ProjectError(f"{folder} exists, and is no hand-over of before: give another --out")


def _require_page(page: Path, version: str) -> None:
    """See that a page is there, and that the model card is the champion's."""
    if not page.is_file():
        raise ProjectError(f"{page} is not there: run the step `report` first")
    if page.name == WRITTEN[0] and f"`{version}`" not in page.read_text(encoding="utf-8"):
        raise ProjectError(f"{page} is not about the champion {version}: run the step `report`")


def _add_documents(project: Project, made: Path) -> list[str]:
    """Add what both sides sign, as it is today; gives the names of the files."""
    names = [f"{name}{suffix}" for name in SIGNED for suffix in (".md", ".pdf")]
    found = [name for name in names if (project.folder / "docs" / name).is_file()]
    for name in found:
        shutil.copyfile(project.folder / "docs" / name, made / name)
    return found


def _add_champion(project: Project, registry: Registry, version: str, made: Path) -> None:
    """Add what `serve` needs to answer without training, and the pages that a run writes."""
    target = Registry(made / "project" / REGISTRY)
    shutil.copytree(
        registry.folder(version),
        target.folder(version),
        ignore=shutil.ignore_patterns("unfinished-*"),
    )
    card = registry.card(version)
    for digest in model_files(card):
        target.model(digest).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(registry.model(digest), target.model(digest))
    target.point("champion", version)
    docs = made / "project" / "docs"
    docs.mkdir(exist_ok=True)
    for name in WRITTEN:
        shutil.copyfile(project.folder / "docs" / name, docs / name)
    example = {"questions": [card["example"]]} if project.task == "search" else [card["example"]]
    (made / "example.json").write_text(json.dumps(example, indent=2) + "\n", encoding="utf-8")
