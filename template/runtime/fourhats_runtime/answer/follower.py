"""The bucket's champion is taken over; while the bucket is away, the one that is here serves on.

Where an API shows it, so is the page of monitoring.
"""

import logging
import os
from collections.abc import Container, Mapping
from contextlib import suppress
from threading import Event, Thread

from fourhats_runtime.data.bucket import Bucket, Stamp
from fourhats_runtime.data.storage import Storage
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.files import write_atomically
from fourhats_runtime.lifecycle.registry import (
    CARD_FILE,
    CONTRACT_FILE,
    GRAPH_FILE,
    Registry,
    model_files,
)
from fourhats_runtime.lifecycle.shared_registry import STATE, State, fetch, parse, seen
from fourhats_runtime.project import Project

SERVED = {GRAPH_FILE, CARD_FILE, CONTRACT_FILE}
PAGE = "reports/monitor.html"

logger = logging.getLogger(__name__)


def follow(project: Project, *, with_page: bool = False) -> "Follower":
    """Keep champion and challenger those of the bucket: now, and every few seconds from now on.

    Args:
        project: whose `storage.url` is set.
        with_page: whether the page of monitoring is taken over, too.

    """
    follower = Follower(project, with_page=with_page)
    follower.look()
    Thread(target=follower.run, name="follower", daemon=True).start()
    return follower


class Follower:
    """Takes over what is served from the bucket, and goes on with what is here while it is away."""

    def __init__(self, project: Project, *, with_page: bool = False) -> None:
        """Follow the bucket of `storage.url`.

        Raises:
            ProjectError: its address is none, or credentials are missing.

        """
        self._bucket = Bucket(project)
        self._root = project.artifacts / "registry"
        self._every = project.settings(Storage).every
        # A step that is at work in this folder has seen the same: it is not to be disturbed.
        self._seen = seen(self._root, self._bucket)
        self._away = False
        self._ended = Event()
        self._page = project.artifacts / PAGE
        self._seen_page: Stamp | None = None
        self._shows = False
        if with_page:
            with suppress(OSError):  # a container may not write there, and shows nothing
                self._page.parent.mkdir(parents=True, exist_ok=True)
                self._shows = os.access(self._page.parent, os.W_OK)

    def run(self) -> None:
        """Look again and again, until closed."""
        while not self._ended.wait(self._every):
            try:
                self.look()
            except Exception:
                logger.exception("the bucket cannot be followed")

    def close(self) -> None:
        """Look no more; a look that has begun is not waited for."""
        self._ended.set()

    def look(self) -> None:
        """Take over what changed; where that fails, say so once."""
        try:
            if found := self._bucket.read(STATE, self._seen):
                self._take(parse(self._bucket, found))
                self._seen = found.stamp
            if self._shows and (page := self._bucket.read(PAGE, self._seen_page)):
                write_atomically(self._page, page.content.decode())
                self._seen_page = page.stamp
        except (ProjectError, OSError) as error:
            if not self._away:
                logger.warning("%s; the champion that is here goes on answering", error)
            self._away = True
            return
        if self._away:
            logger.warning("%s answers again", self._bucket.url)
        self._away = False

    def _take(self, state: State) -> None:
        registry = Registry(self._root)
        versions = [version for version in state.pointers.values() if version]
        self._fetch(state, dict.fromkeys(versions, SERVED))
        # What else a version answers by, such as an index and its models, is named on its card.
        cards = {version: registry.card(version) for version in versions}
        self._fetch(state, {version: set(card.get("files", ())) for version, card in cards.items()})
        models = {digest for card in cards.values() for digest in model_files(card)}
        fetch(self._bucket, ((digest, registry.model(digest)) for digest in models))
        for pointer, version in state.pointers.items():
            if version:
                registry.point(pointer, version)

    def _fetch(self, state: State, wanted: Mapping[str, Container[str]]) -> None:
        fetch(
            self._bucket,
            (
                (digest, Registry(self._root).folder(version) / name)
                for version, names in wanted.items()
                for name, digest in state.versions.get(version, {}).items()
                if name in names
            ),
        )
