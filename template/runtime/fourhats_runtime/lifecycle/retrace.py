"""A registered model is built anew from what it came of, and gives the same graph."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from fourhats_runtime.business import ActionValue, NumberValue, Value
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.files import read_json, unfinished
from fourhats_runtime.lifecycle import snapshots
from fourhats_runtime.lifecycle.aside import put_aside, train_aside
from fourhats_runtime.lifecycle.origin import NOTE, commit, in_git, versions
from fourhats_runtime.lifecycle.reference import training_rows
from fourhats_runtime.lifecycle.registered import Model, open_graph
from fourhats_runtime.lifecycle.registry import CARD_FILE, CONTRACT_FILE, GRAPH_FILE, Card, Registry
from fourhats_runtime.limits import Performance
from fourhats_runtime.pretrained.models import PretrainedModels
from fourhats_runtime.project import Project
from fourhats_runtime.training import Training


class AnotherModelError(ProjectError):
    """Another model comes out."""


@dataclass(frozen=True)
class Retraced:
    """What came of building a version anew."""

    version: str
    rows: int
    digest: str
    difference: float | None
    """The largest one between the answers of both; None: they are the same, byte by byte."""
    what: str = "graph"

    @property
    def same(self) -> str:
        """Say how much the same it is."""
        if self.difference is None:
            return f"the same {self.what}, byte by byte"
        return f"{self.what} whose answers differ by at most {self.difference:.1g}"

    def __str__(self) -> str:
        """Say it to people."""
        return f"{self.version}: {self.same}, from {self.rows:,} rows (SHA-256 {self.digest})"


def retrace(project: Project, version: str) -> Retraced:
    """Train a version anew, on the rows and with the settings that it came of, and compare.

    The code is that of today; nothing in the project is changed.

    Raises:
        ProjectError: there is no such version, its rows were not kept, or another model comes out;
            the text says what is different today.

    """
    registry = Registry(project.artifacts / "registry")
    if version not in registry.versions():
        known = ", ".join(registry.versions()) or "none yet"
        raise ProjectError(f"there is no version {version!r} (there are: {known})")
    origin = registry.noted(version, NOTE)
    if origin is None or not origin["data"]:
        raise ProjectError(f"{version} cannot be retraced: what it came of was not noted")
    Model.load(project, version)  # other features would make another model: that is said first
    digest = origin["data"]["sha256"]
    rows = snapshots.kept(project, digest)
    before = (registry.folder(version) / GRAPH_FILE).read_bytes()
    with TemporaryDirectory(dir=project.artifacts, prefix=unfinished()) as folder:
        again = _as_it_was(project, Path(folder), registry.folder(version), origin)
        after = _trained(again, rows)
    found = Retraced(version, origin["data"]["rows"], digest, None)
    if after == before:
        return found
    difference = _difference(before, after, registry.folder(version))
    if difference > project.settings(Training).parity_tolerance:
        raise AnotherModelError(
            f"another model than {version} comes out: answers differ by up to {difference:.2g}; "
            f"{_changed(project, origin)}"
        )
    return replace(found, difference=difference)


def _as_it_was(project: Project, folder: Path, home: Path, origin: Card) -> Project:
    """Give the project in an empty folder, with the contract and the settings of back then."""
    value: type[Value] = ActionValue if project.task == "classification" else NumberValue
    performance, models = project.settings(Performance), project.settings(PretrainedModels)
    pretrained = read_json(home / CARD_FILE, dict, "train anew").get("pretrained", {})
    # However the search ended: as many trials again find the same.
    tried = Counter(attempt["candidate"] for attempt in origin["attempts"])
    sections = (
        Training(**origin["training"] | {"tried": tried}),
        value(**origin["value"]),
        performance.model_copy(update={"outcome_days": origin["outcome_days"]}),
        PretrainedModels(models=pretrained, accepted_licences=models.accepted_licences),
    )
    return put_aside(project, folder, (home / CONTRACT_FILE).read_bytes(), sections)


def _trained(project: Project, rows: Path) -> bytes:
    """Train on the rows of a snapshot; gives the graph."""
    version = train_aside(project, rows)
    return (Registry(project.artifacts / "registry").folder(version) / GRAPH_FILE).read_bytes()


def _difference(before: bytes, after: bytes, home: Path) -> float:
    """Compare the answers of two graphs to rows that the version learnt from."""
    inputs = training_rows(home).inputs
    ours, theirs = (
        np.asarray(open_graph(graph).run(None, dict(inputs))[-1], dtype=np.float64)
        for graph in (before, after)
    )
    return float((np.abs(ours - theirs) / np.maximum(1.0, np.abs(ours))).max())


def _changed(project: Project, origin: Card) -> str:
    """Say what is different today."""
    now, then = versions(), origin["versions"]
    said = [
        f"{name} was {then.get(name, 'missing')}, is {now.get(name, 'missing')}"
        for name in now | then
        if now.get(name) != then.get(name)
    ]
    git, git_then = commit(project.folder), origin["git"]
    if git != git_then or git is None or not git["clean"]:
        said.append(f"the code was {in_git(git_then)}, is {in_git(git)}")
    return "; ".join(said) or "libraries and code are the same: the experiment is left to chance"
