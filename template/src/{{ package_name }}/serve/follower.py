"""The bucket's champion is taken over; while the bucket is away, the one that is here serves on."""

import logging
import time
from threading import Thread

from ..bucket import Bucket
from ..errors import ProjectError
from ..registry import CARD_FILE, CONTRACT_FILE, GRAPH_FILE, Registry
from ..settings import Settings
from ..shared_registry import STATE, State, fetch, parse, seen

SERVED = {GRAPH_FILE, CARD_FILE, CONTRACT_FILE}

logger = logging.getLogger(__name__)


def follow(settings: Settings) -> None:
    """Keep champion and challenger those of the bucket: now, and every few seconds from now on."""
    if settings.storage.url:
        follower = Follower(settings)
        follower.look()
        Thread(target=follower.run, name="follower", daemon=True).start()


class Follower:
    """Takes over what is served from the bucket, and goes on with what is here while it is away."""

    def __init__(self, settings: Settings) -> None:
        """Follow the bucket of `storage.url`.

        Raises:
            ProjectError: its address is none, or credentials are missing.

        """
        self._bucket = Bucket(settings)
        self._root = settings.artifacts / "registry"
        self._every = settings.storage.every
        # A step that is at work in this folder has seen the same: it is not to be disturbed.
        self._seen = seen(self._root, self._bucket)
        self._away = False

    def run(self) -> None:
        """Look again and again."""
        while True:
            time.sleep(self._every)
            try:
                self.look()
            except Exception:
                logger.exception("the bucket cannot be followed")

    def look(self) -> None:
        """Take over what changed; where that fails, say so once."""
        try:
            found = self._bucket.read(STATE)
            if found and found.stamp != self._seen:
                self._take(parse(self._bucket, found))
                self._seen = found.stamp
        except (ProjectError, OSError) as error:
            if not self._away:
                logger.warning("%s; the champion that is here goes on answering", error)
            self._away = True
            return
        if self._away:
            logger.warning("%s answers again", self._bucket.url)
        self._away = False

    def _take(self, state: State) -> None:
        served = {
            version: {name: digest for name, digest in files.items() if name in SERVED}
            for version, files in state.versions.items()
            if version in state.pointers.values()
        }
        fetch(self._bucket, self._root, served)
        for pointer, version in state.pointers.items():
            if version:
                Registry(self._root).point(pointer, version)
