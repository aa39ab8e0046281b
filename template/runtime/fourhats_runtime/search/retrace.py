"""A version's vectors are made anew of its documents by its models, and are the same."""

import numpy as np

from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.lifecycle.retrace import AnotherModelError, Retraced
from fourhats_runtime.project import Project
from fourhats_runtime.search.rankers import KEYWORDS
from fourhats_runtime.search.version import DOCUMENTS, held_passages, load_version, models_of
from fourhats_runtime.training import Training


def retrace(project: Project, version: str) -> Retraced:
    """Part the documents of a version, and embed them anew, by its own models; compare.

    Which questions chose the recipe is not asked again: they may be others today.

    Raises:
        ProjectError: there is no such version, or other passages or vectors come out.

    """
    registry = Registry(project.artifacts / "registry")
    if version not in registry.versions():
        known = ", ".join(registry.versions()) or "none yet"
        raise ProjectError(f"there is no version {version!r} (there are: {known})")
    loaded = load_version(project, version)
    embedders = models_of(project, version)
    largest = 0.0
    for place, member in enumerate(loaded.recipe.members):
        if member.model == KEYWORDS:
            continue
        held = held_passages(registry.folder(version), place)
        texts = [text for each in loaded.documents.all for text in each.passages(member.fields)]
        if texts != held.texts:
            raise AnotherModelError(
                f"{version}: its documents are parted into other passages today: the runtime was "
                "another one"
            )
        anew = embedders[member.model](texts)
        lengths = np.linalg.norm(held.vectors, axis=1).max() or 1.0
        largest = max(largest, float(np.abs(anew - held.vectors).max() / lengths))
    if largest > project.settings(Training).parity_tolerance:
        raise AnotherModelError(
            f"{version}: its models give other vectors today, by up to {largest:.2g} of the longest"
        )
    digest = registry.card(version)["files"][DOCUMENTS]
    return Retraced(version, len(loaded.documents), digest, largest or None, "vectors")
