"""Registry and data that machines share, where `storage.url` names a bucket; else they are here.

What talks to buckets is imported only then: a project without one has no library for them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from fourhats_runtime.data.extras import needs
from fourhats_runtime.data.storage import Storage
from fourhats_runtime.project import Project


@contextmanager
def shared(project: Project) -> Iterator[None]:
    """Work on registry and data as they are in the bucket; what came of it goes there.

    Raises:
        ProjectError: the bucket does not answer, or another run changed something meanwhile.

    """
    if not project.settings(Storage).url:
        yield
        return
    with needs("bucket"):
        from fourhats_runtime.lifecycle import shared_registry  # noqa: PLC0415

    with shared_registry.shared(project):
        yield


def bring(project: Project, name: str) -> None:
    """Bring a file of artifacts/ that is missing here, if the bucket has it."""
    if project.settings(Storage).url:
        with needs("bucket"):
            from fourhats_runtime.data.bucket import Bucket  # noqa: PLC0415

        found = Bucket(project).read(name)
        if found is not None:
            path = project.artifacts / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(found.content)


def push(project: Project) -> None:
    """Make the registry in the bucket equal to the folder, if nobody changed it meanwhile.

    Raises:
        ProjectError: somebody did, and what they left is in the folder; or the bucket does not
            answer.

    """
    if project.settings(Storage).url:
        with needs("bucket"):
            from fourhats_runtime.lifecycle import shared_registry  # noqa: PLC0415

        shared_registry.push(project)
