"""The book of incidents that machines share: whoever runs a step knows what was sent already."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from fourhats_runtime.data.storage import Storage
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.files import write_atomically
from fourhats_runtime.monitor.incidents import Incidents
from fourhats_runtime.project import Project

if TYPE_CHECKING:
    from fourhats_runtime.data.bucket import Bucket

BOOK, HISTORY = "incidents/line.json", "incidents/history.jsonl"
SEEN_FILE = "incidents/shared.json"
"""The book as it was when the folder and the bucket were last equal."""

Noted = TypeVar("Noted")

logger = logging.getLogger(__name__)


@contextmanager
def book(project: Project) -> Iterator[None]:
    """Go by the book in the bucket, and leave there what is sent inside.

    While the bucket is away, the one that is here counts; they are brought together later. Where
    `storage.url` is empty, there is no other.
    """
    if not project.settings(Storage).url:
        yield
        return
    away = False
    try:
        bring_together(project)
    except ProjectError:
        away = True  # the step itself says so
    try:
        yield
    finally:
        try:
            bring_together(project)
        except ProjectError as error:
            if not away:
                logger.warning("%s: what was sent is noted here alone", error)


def bring_together(project: Project) -> None:
    """Have folder and bucket hold the same: what changed on either side since they last did.

    Raises:
        ProjectError: the bucket does not answer, or a file holds no incidents.

    """
    from fourhats_runtime.data.bucket import Bucket  # noqa: PLC0415 (who has none lacks its library)

    bucket, root = Bucket(project), project.artifacts
    while not _book_is_shared(bucket, root):
        pass  # somebody else wrote it meanwhile
    while not _history_is_shared(bucket, root / HISTORY):
        pass


def _book_is_shared(bucket: Bucket, root: Path) -> bool:
    from fourhats_runtime.data.bucket import ChangedError  # noqa: PLC0415

    merged, found = Incidents.read(root / BOOK), bucket.read(BOOK)
    if found is not None:
        try:
            theirs = Incidents.model_validate_json(found.content)
        except ValidationError:
            raise ProjectError(f"{bucket.url}/{BOOK} does not hold incidents: delete it") from None
        base, ours = Incidents.read(root / SEEN_FILE), merged
        merged = Incidents(
            opened=_merged(base.opened, ours.opened, theirs.opened),
            unsent=_merged(base.unsent, ours.unsent, theirs.unsent),
        )
    content = (merged.model_dump_json(indent=2) + "\n").encode()
    if found is None or found.content != content:
        try:
            bucket.replace(BOOK, content, found.stamp if found else None)
        except ChangedError:
            return False
    merged.write(root / BOOK)
    merged.write(root / SEEN_FILE)
    return True


def _history_is_shared(bucket: Bucket, path: Path) -> bool:
    from fourhats_runtime.data.bucket import ChangedError  # noqa: PLC0415

    found = bucket.read(HISTORY)
    theirs = found.content.decode().splitlines() if found else []
    ours = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    known = set(theirs)
    merged = [*theirs, *(line for line in ours if line not in known)]
    text = "".join(f"{line}\n" for line in merged)
    if merged != theirs:
        try:
            bucket.replace(HISTORY, text.encode(), found.stamp if found else None)
        except ChangedError:
            return False
    if merged != ours:
        write_atomically(path, text)
    return True


def _merged(
    base: dict[str, Noted], ours: dict[str, Noted], theirs: dict[str, Noted]
) -> dict[str, Noted]:
    """Make our changes to theirs: `base` is what both were before."""
    kept = {name: noted for name, noted in theirs.items() if name in ours or name not in base}
    return kept | {name: noted for name, noted in ours.items() if base.get(name) != noted}
