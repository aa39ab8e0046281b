"""From a question to the answer, by the champion of the moment; each is in the log before."""

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from fourhats_runtime.answer.journal import Journal
from fourhats_runtime.errors import DamagedError, ProjectError
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.project import Project
from fourhats_runtime.search.answers import Reply, reply
from fourhats_runtime.search.log import OUTCOMES, SEARCHES, Sign
from fourhats_runtime.search.version import Version, load_version

logger = logging.getLogger(__name__)


class Searcher:
    """Answers by the champion, and takes over a new one between two requests."""

    def __init__(self, project: Project) -> None:
        """Load the champion, if there is one yet; where it is damaged, the one before it.

        Raises:
            ProjectError: a log cannot be written, or the champion not be loaded.

        """
        self.project = project
        self.loaded: Version | None = None
        self.fault = ""
        self._registry = Registry(project.artifacts / "registry")
        self.log = Journal.of(project, SEARCHES)
        self._outcomes = Journal.of(project, OUTCOMES)
        self.refresh()

    @property
    def version(self) -> str | None:
        """The version that answers; None where there is none yet."""
        return self.loaded.name if self.loaded else None

    def refresh(self) -> None:
        """Take over another champion; where its files are damaged, who answers goes on."""
        try:
            champion = self._registry.version("champion")
            if champion is not None and champion != self.version:
                self.loaded = load_version(self.project, champion)
        except DamagedError as error:
            if str(error) != self.fault:
                logger.error("%s", error)  # noqa: TRY400 (in one line, like a command's)
            self.fault = str(error)
            if self.loaded is None:
                self._fall_back()
        else:
            self.fault = ""

    def search(
        self,
        request_id: str,
        questions: Sequence[str],
        count: int | None,
        filters: Mapping[str, str],
        *,
        trial: bool,
    ) -> tuple[str, list[Reply]]:
        """Answer questions; gives the version that does, and a reply to each.

        Raises:
            ProjectError: there is no champion yet.
            NotWrittenError: the log cannot be written.

        """
        version = self.loaded
        if version is None:
            raise ProjectError("there is no champion yet: run `train`, `evaluate` and `promote`")
        replies = reply(version, questions, count, filters)
        entries = [
            {
                "asked_at": datetime.now(UTC).isoformat(),
                "search_id": f"{request_id}-{place}",
                "version": version.name,
                "question": question,
                "filters": dict(filters),
                "certainty": given.certainty,
                "answers": [answer.id for answer in given.answers],
                "trial": trial,
            }
            for place, (question, given) in enumerate(zip(questions, replies, strict=True))
        ]
        self.log.append("\n".join(map(json.dumps, entries)).encode())
        return version.name, replies

    def take(self, signs: Sequence[tuple[str, str, Sign]]) -> None:
        """Note what people made of answers: the search, the document, and the sign.

        Raises:
            NotWrittenError: the log cannot be written.

        """
        entries = [
            {"search_id": search, "document": document, "sign": sign}
            for search, document, sign in signs
        ]
        self._outcomes.append("\n".join(map(json.dumps, entries)).encode(), sync=True)

    def close(self) -> None:
        """Close the logs; nothing is answered any more."""
        self.log.close()
        self._outcomes.close()

    def _fall_back(self) -> None:
        for version in self._registry.to_fall_back_on():
            with suppress(ProjectError):
                self.loaded = load_version(self.project, version)
                logger.warning("%s answers in its place", version)
                return
