"""The champion of the moment: who answers, taken over between two requests, until it is closed."""

import logging
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from fourhats_runtime.answer.journal import Journal
from fourhats_runtime.data.storage import Storage
from fourhats_runtime.errors import DamagedError, ProjectError
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.project import Project

if TYPE_CHECKING:
    from fourhats_runtime.answer.follower import Follower
    from fourhats_runtime.answer.log_sender import LogSender

REFRESH_SECONDS = 1.0
NO_MODEL = "there is no champion yet: train and promote a model first"

logger = logging.getLogger(__name__)
L = TypeVar("L")


class Champion(ABC, Generic[L]):
    """Answers with the champion; `L` is what a version is once it is loaded."""

    def __init__(self, project: Project, log: Journal, *, with_page: bool = False) -> None:
        """Load the champion, if there is one yet; where it is damaged, the one before it.

        Where machines share a bucket, champion and challenger are those of the bucket, and the log
        goes there. `with_page` takes the page of monitoring over as well, for an API to show.

        Raises:
            ProjectError: the champion cannot be loaded as things are set up; the text says why.

        """
        self.project = project
        self.log = log
        self.registry = Registry(project.artifacts / "registry")
        self.loaded: L | None = None
        self.fault = ""
        """Why the champion itself does not answer; empty while it does."""
        self._follower: Follower | None = None
        self._sender: LogSender | None = None
        if project.settings(Storage).url:
            # Their library comes with the extra of the bucket.
            from fourhats_runtime.answer.follower import follow  # noqa: PLC0415
            from fourhats_runtime.answer.log_sender import send_logs  # noqa: PLC0415

            self._follower = follow(project, with_page=with_page)
            self._sender = send_logs(project)
        self.refresh()

    @property
    def version(self) -> str | None:
        """The version of the champion that answers; None where there is none yet."""
        return None if self.loaded is None else self._name(self.loaded)

    def close(self) -> None:
        """Close the log, and have the rest of it sent; nothing is answered any more."""
        if self._follower is not None:
            self._follower.close()
        self.log.close()
        if self._sender is not None:
            self._sender.close()

    def refresh(self) -> None:
        """Take over the champion where the pointer names another than before.

        Where the champion's files are damaged, who answers goes on, or else the one before it.
        """
        try:
            self._take_over()
        except DamagedError as error:
            if str(error) != self.fault:
                logger.error("%s", error)  # noqa: TRY400 (in one line, like a command's)
            self.fault = str(error)
            if self.loaded is None:
                self._fall_back()
        else:
            self.fault = ""

    def _take_over(self) -> None:
        champion = self.registry.version("champion")
        if champion is not None and champion != self.version:
            self.loaded = self._load(champion)

    def _fall_back(self) -> None:
        """Have the latest of the earlier champions answer that can be loaded."""
        for version in self.registry.to_fall_back_on():
            with suppress(ProjectError):
                self.loaded = self._load(version)
                logger.warning("%s answers in its place", version)
                return

    @abstractmethod
    def _load(self, version: str) -> L:
        """Load a version.

        Raises:
            DamagedError: a file is missing, or is not what was registered.

        """

    @abstractmethod
    def _name(self, loaded: L) -> str:
        """Give the version of what is loaded."""
