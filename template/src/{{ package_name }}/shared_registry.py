"""The registry that machines share, in the bucket of `storage.url`; each has a copy in its folder.

There, `registry/state.json` has the pointers, the history, and the files of every version by the
digest of what is in them, and `registry/files/` has these files. Whoever changes anything adds
files first, and then replaces the state on the condition that it is still the one that was read: of
two who crown at once one wins, and nobody ever reads half of it.
"""

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from .bucket import Bucket, ChangedError, Found, Stamp
from .errors import ProjectError
from .registry import HISTORY_FILE, Pointer, Registry, write_atomically
from .settings import Settings

STATE = "registry/state.json"
SEEN_FILE = "seen.json"
"""Says which state the folder was last made equal to."""
AT_ONCE = 8

Version = Annotated[str, Field(pattern=r"^v\d+-[0-9a-f]{8}$")]
FileName = Annotated[str, Field(pattern=r"^\w[\w.-]*$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class State(BaseModel):
    """What a registry holds."""

    champion: Version | None = None
    challenger: Version | None = None
    crownings: list[dict[str, Any]] = []
    versions: dict[Version, dict[FileName, Digest]] = {}

    @property
    def pointers(self) -> dict[Pointer, str | None]:
        """What they point to, in the order in which they are switched."""
        return {"challenger": self.challenger, "champion": self.champion}


@contextmanager
def shared(settings: Settings) -> Iterator[None]:
    """Work on the registry as it is in the bucket; what came of it goes there, and new reports.

    Where `storage.url` is empty, the registry is this machine's own.

    Raises:
        ProjectError: the bucket does not answer, or another run changed the registry meanwhile.

    """
    if not settings.storage.url:
        yield
        return
    pull(settings)
    reports = _reports(settings)
    try:
        yield
    except ProjectError:
        # What was done until then counts, here and there; why it went no further comes first.
        with suppress(ProjectError):
            _give(settings, reports)
        raise
    _give(settings, reports)


def pull(settings: Settings) -> None:
    """Make the folder equal to the registry in the bucket; versions that are only here stay.

    Raises:
        ProjectError: the bucket does not answer, or does not hold what it should.

    """
    bucket, root = Bucket(settings), settings.artifacts / "registry"
    found = bucket.read(STATE)
    if found is None:
        (root / SEEN_FILE).unlink(missing_ok=True)
    elif found.stamp != seen(root, bucket):
        _take_all(bucket, root, found)


def push(settings: Settings) -> None:
    """Make the registry in the bucket equal to the folder, if nobody changed it since `pull`.

    Raises:
        ProjectError: somebody did, and what they left is in the folder; or the bucket does not
            answer.

    """
    if not settings.storage.url:
        return
    bucket, root = Bucket(settings), settings.artifacts / "registry"
    state, last, found = _here(root), seen(root, bucket), bucket.read(STATE)
    there = parse(bucket, found) if found else State()
    if state == there:
        return
    if found is None or found.stamp == last:
        known = {digest for files in there.versions.values() for digest in files.values()}
        _send(bucket, root, state, known)
        with suppress(ChangedError):
            stamp = bucket.replace(STATE, state.model_dump_json(indent=2).encode(), last)
            _note(root, bucket, stamp)
            return
    if winner := bucket.read(STATE):
        _take_all(bucket, root, winner)
    raise ProjectError(
        f"{bucket.url}: another run changed the registry meanwhile, and what it left stands "
        f"(champion: {Registry(root).version('champion') or 'none'}): run this step again"
    )


def fetch(bucket: Bucket, root: Path, versions: dict[str, dict[str, str]]) -> None:
    """Bring the files of versions that are missing here, or are others.

    Raises:
        ProjectError: the bucket does not answer, or a file there is not what it was.

    """
    wanted = [
        (digest, Registry(root).folder(version) / name)
        for version, files in versions.items()
        for name, digest in files.items()
    ]
    missing = [
        (digest, path)
        for digest, path in wanted
        if not path.exists() or _digest(path.read_bytes()) != digest
    ]

    def bring(one: tuple[str, Path]) -> None:
        digest, path = one
        found = bucket.read(f"registry/files/{digest}")
        if found is None or _digest(found.content) != digest:
            raise ProjectError(f"{bucket.url}/registry/files/{digest} is not what was put there")
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(found.content)
        Path(file.name).chmod(0o644)
        Path(file.name).replace(path)

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


def _here(root: Path) -> State:
    """Read what the folder holds."""
    registry, history = Registry(root), root / HISTORY_FILE
    return State(
        champion=registry.version("champion"),
        challenger=registry.version("challenger"),
        crownings=json.loads(history.read_text(encoding="utf-8")) if history.exists() else [],
        versions={
            version: {path.name: _digest(path.read_bytes()) for path in _files(root, version)}
            for version in registry.versions()
        },
    )


def _take_all(bucket: Bucket, root: Path, found: Found) -> None:
    """Make the folder equal to a state, the pointers last."""
    state = parse(bucket, found)
    fetch(bucket, root, state.versions)
    for version, files in state.versions.items():
        for path in _files(root, version):
            if path.name not in files:
                path.unlink()
    write_atomically(root / HISTORY_FILE, json.dumps(state.crownings, indent=2) + "\n")
    registry = Registry(root)
    for pointer, target in state.pointers.items():
        if target is None:
            (root / pointer).unlink(missing_ok=True)
        elif target != registry.version(pointer):
            registry.point(pointer, target)
    _note(root, bucket, found.stamp)


def _send(bucket: Bucket, root: Path, state: State, known: set[str]) -> None:
    """Add the files that the bucket does not have yet."""
    files = {
        digest: Registry(root).folder(version) / name
        for version, names in state.versions.items()
        for name, digest in names.items()
        if digest not in known
    }
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(
            threads.map(
                lambda one: bucket.write(f"registry/files/{one[0]}", one[1].read_bytes()),
                files.items(),
            )
        )


def _give(settings: Settings, reports: dict[Path, int]) -> None:
    """Send what changed: the registry, and each report that is newer than before."""
    push(settings)
    bucket = Bucket(settings)
    for path, written in _reports(settings).items():
        if reports.get(path) != written:
            bucket.write(f"reports/{path.name}", path.read_bytes())


def _reports(settings: Settings) -> dict[Path, int]:
    folder = settings.artifacts / "reports"
    return {path: path.stat().st_mtime_ns for path in folder.glob("*.*") if path.is_file()}


def _files(root: Path, version: str) -> list[Path]:
    # What a write that was cut off left there has no suffix.
    return sorted(path for path in Registry(root).folder(version).glob("*.*") if path.is_file())


def _note(root: Path, bucket: Bucket, stamp: Stamp) -> None:
    write_atomically(root / SEEN_FILE, json.dumps({"url": bucket.url, **asdict(stamp)}) + "\n")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
