"""The registry and the data that machines share, in the bucket of `storage.url`.

Each has a copy in its folder. There, `registry/state.json` has the pointers, the history, the files
of every version by the digest of what is in them, the pre-trained models that versions share, and
the listing of the warehouse and the scores (`shared_data`); `registry/files/` has all these files.
Whoever changes anything adds files first, and then replaces the state on the condition that it is
still the one that was read: of two who work at once one wins, and nobody ever reads half of it.
"""

import json
import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from fourhats_runtime.data.bucket import Bucket, ChangedError, Found, Stamp
from fourhats_runtime.data.shared_data import Name, SharedData
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.files import digest_of, write_atomically, written_whole
from fourhats_runtime.lifecycle.registry import HISTORY_FILE, Pointer, Registry
from fourhats_runtime.project import Project

STATE = "registry/state.json"
SEEN_FILE = "seen.json"
"""Says which state the folder was last made equal to."""
PRODUCTS = ("reports/*.*", "scores/**/*.parquet", "snapshots/*.parquet")
AT_ONCE = 8

Version = Annotated[str, Field(pattern=r"^v\d+-[0-9a-f]{8}$")]
FileName = Annotated[str, Field(pattern=r"^\w[\w.-]*$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

logger = logging.getLogger(__name__)


class State(BaseModel):
    """What a registry holds, and which data goes with it."""

    champion: Version | None = None
    challenger: Version | None = None
    promotions: list[dict[str, Any]] = []
    versions: dict[Version, dict[FileName, Digest]] = {}
    models: list[Digest] = []
    """Pre-trained models, which versions share."""
    data: Name | None = None

    @property
    def pointers(self) -> dict[Pointer, str | None]:
        """What they point to, in the order in which they are switched."""
        return {"challenger": self.challenger, "champion": self.champion}

    def files(self, root: Path) -> list[tuple[str, Path]]:
        """List the files by what is in each, and where they lie in a folder."""
        registry = Registry(root)
        of_versions = [
            (digest, registry.folder(version) / name)
            for version, files in self.versions.items()
            for name, digest in files.items()
        ]
        return [*of_versions, *((digest, registry.model(digest)) for digest in self.models)]


@contextmanager
def shared(project: Project) -> Iterator[None]:
    """Work on registry and data as they are in the bucket; what came of it goes there.

    So do new reports and files of scores.

    Raises:
        ProjectError: the bucket does not answer, or another run changed something meanwhile.

    """
    pull(project)
    before = _products(project)
    try:
        yield
    except Exception:
        # What was done until then counts, here and there; why it went no further comes first.
        with suppress(ProjectError):
            _give(project, before)
        raise
    _give(project, before)


def pull(project: Project) -> None:
    """Make the folder equal to what is in the bucket; versions that are only here stay.

    Raises:
        ProjectError: the bucket does not answer, or does not hold what it should.

    """
    bucket, root = Bucket(project), project.artifacts / "registry"
    found = bucket.read(STATE)
    if found is None:
        (root / SEEN_FILE).unlink(missing_ok=True)
    elif found.stamp != seen(root, bucket) or SharedData(bucket, project.artifacts).lost:
        _take_all(bucket, root, found)


def push(project: Project, *, with_data: bool = False) -> None:
    """Make the registry in the bucket equal to the folder, if nobody changed it since `pull`.

    With `with_data` warehouse and scores, too; nobody may be working on them.

    Raises:
        ProjectError: somebody did, and what they left is in the folder; or the bucket does not
            answer.

    """
    bucket, root = Bucket(project), project.artifacts / "registry"
    last, found = seen(root, bucket), bucket.read(STATE)
    there = parse(bucket, found) if found else State()
    state = _here(root, there.data)
    data = SharedData(bucket, project.artifacts)
    if state == there and not (with_data and data.changed):
        return
    if found is None or found.stamp == last:
        known = {digest for digest, _ in there.files(root)}
        _send(bucket, root, state, known)
        if with_data:
            state.data = data.send(there.data)
        with suppress(ChangedError):
            stamp = bucket.replace(STATE, state.model_dump_json(indent=2).encode(), last)
            _note(root, bucket, stamp)
            if with_data:
                data.note(state.data)
                _tidy(data, state.data)
            return
    if winner := bucket.read(STATE):
        if with_data:
            _take_all(bucket, root, winner)
        else:  # in the middle of a step, whose warehouse is open: the rest at its end
            _take_registry(bucket, root, parse(bucket, winner))
    raise ProjectError(
        f"{bucket.url}: another run changed the registry or the warehouse meanwhile, and what it "
        f"left stands (champion: {Registry(root).version('champion') or 'none'}): run this step "
        "again"
    )


def fetch(bucket: Bucket, wanted: Iterable[tuple[str, Path]]) -> None:
    """Bring files, each by the digest of what is in it, that are missing here, or are others.

    Raises:
        ProjectError: the bucket does not answer, or a file there is not what it was.

    """
    missing = [
        (digest, path) for digest, path in wanted if not path.exists() or digest_of(path) != digest
    ]

    def bring(one: tuple[str, Path]) -> None:
        digest, path = one
        found = bucket.read(f"registry/files/{digest}")
        if found is None or digest_of(found.content) != digest:
            raise ProjectError(f"{bucket.url}/registry/files/{digest} is not what was put there")
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as scratch:
            scratch.write_bytes(found.content)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(bring, missing))


def parse(bucket: Bucket, found: Found) -> State:
    """Read a state that was found in the bucket.

    Raises:
        ProjectError: it is none.

    """
    try:
        return State.model_validate_json(found.content)
    except ValidationError as error:
        said = error.errors()[0]["msg"]
        raise ProjectError(f"{bucket.url}/{STATE} is no state of a registry: {said}") from None


def seen(root: Path, bucket: Bucket) -> Stamp | None:
    """Tell which state of the bucket the folder was last made equal to, by a step."""
    path = root / SEEN_FILE
    noted = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return Stamp(noted["e_tag"], noted["version"]) if noted.get("url") == bucket.url else None


def _here(root: Path, data: str | None) -> State:
    """Read what the folder holds, with that data."""
    registry = Registry(root)
    return State(
        champion=registry.version("champion"),
        challenger=registry.version("challenger"),
        promotions=registry.history(),
        versions={
            version: {path.name: digest_of(path) for path in _files(root, version)}
            for version in registry.versions()
        },
        models=registry.models(),
        data=data,
    )


def _take_all(bucket: Bucket, root: Path, found: Found) -> None:
    """Make the folder equal to a state, data and all."""
    state = parse(bucket, found)
    if state.data:
        SharedData(bucket, root.parent).fetch(state.data)
    _take_registry(bucket, root, state)
    _note(root, bucket, found.stamp)


def _take_registry(bucket: Bucket, root: Path, state: State) -> None:
    """Make the registry equal to a state, the pointers last."""
    fetch(bucket, state.files(root))
    for version, files in state.versions.items():
        for path in _files(root, version):
            if path.name not in files:
                path.unlink()
    write_atomically(root / HISTORY_FILE, json.dumps(state.promotions, indent=2) + "\n")
    registry = Registry(root)
    for pointer, target in state.pointers.items():
        if target is None:
            (root / pointer).unlink(missing_ok=True)
        elif target != registry.version(pointer):
            registry.point(pointer, target)


def _send(bucket: Bucket, root: Path, state: State, known: set[str]) -> None:
    """Add the files that the bucket does not have yet."""
    files = {digest: path for digest, path in state.files(root) if digest not in known}
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(
            threads.map(
                lambda one: bucket.write(f"registry/files/{one[0]}", one[1].read_bytes()),
                files.items(),
            )
        )


def _tidy(data: SharedData, listing: str | None) -> None:
    try:
        if listing:
            data.tidy(listing)
    except ProjectError as error:
        logger.warning("what no run needs any more stays in the bucket: %s", error)


def _give(project: Project, before: dict[str, int]) -> None:
    """Send what changed: registry and data, and each product that is newer than before."""
    push(project, with_data=True)
    bucket = Bucket(project)
    for name, written in _products(project).items():
        if before.get(name) != written:
            bucket.send(name, project.artifacts / name)


def _products(project: Project) -> dict[str, int]:
    """Give the files that others take from the bucket one by one, and when each was written."""
    found = (path for kind in PRODUCTS for path in project.artifacts.glob(kind))
    return {
        path.relative_to(project.artifacts).as_posix(): path.stat().st_mtime_ns
        for path in found
        if path.is_file()
    }


def _files(root: Path, version: str) -> list[Path]:
    # What a write that was cut off left there has no suffix.
    return sorted(path for path in Registry(root).folder(version).glob("*.*") if path.is_file())


def _note(root: Path, bucket: Bucket, stamp: Stamp) -> None:
    write_atomically(root / SEEN_FILE, json.dumps({"url": bucket.url, **asdict(stamp)}) + "\n")
