"""From a question to the answer, by the champion of the moment; each is in the log before."""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from typing import Self

from fourhats_runtime.answer.champion import NO_MODEL, Champion
from fourhats_runtime.answer.journal import Journal
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project
from fourhats_runtime.search.answers import Answer, Reply, reply
from fourhats_runtime.search.log import LOGS, Sign
from fourhats_runtime.search.version import Version, load_version


class Searcher(Champion[Version]):
    """Answers by the champion, and takes over a new one between two requests."""

    def __init__(self, project: Project, log: Journal, outcomes: Journal) -> None:
        """Load the champion, if there is one yet: see `Champion`."""
        self._outcomes = outcomes
        super().__init__(project, log)

    @classmethod
    def of(cls, project: Project) -> Self:
        """Open the logs, and load the champion.

        Raises:
            ProjectError: a log cannot be written, or the champion not be loaded.

        """
        with ExitStack() as stack:
            logs = [stack.enter_context(closing(Journal.of(project, log))) for log in LOGS]
            found = cls(project, *logs)
            stack.pop_all()
        return found

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
        version = self._answering()
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

    def shown(self, question: str, count: int) -> tuple[Answer, ...]:
        """Give the first documents of a question, however sure it is; nothing is logged.

        Raises:
            ProjectError: there is no champion yet.

        """
        (given,) = reply(self._answering(), [question], count, sure=False)
        return given.answers

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
        super().close()
        self._outcomes.close()

    def _answering(self) -> Version:
        if self.loaded is None:
            raise ProjectError(NO_MODEL)
        return self.loaded

    def _load(self, version: str) -> Version:
        return load_version(self.project, version)

    def _name(self, loaded: Version) -> str:
        return loaded.name
