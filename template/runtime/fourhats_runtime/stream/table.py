"""What the worker reads and writes: the table [stream] of config/stream.toml."""

from typing import ClassVar, TypeVar

from pydantic import Field

from fourhats_runtime.project import Project
from fourhats_runtime.settings import Section


class Stream(Section):
    """What workers of any broker have in common; a name that is empty is made of the project's."""

    table: ClassVar[str] = "stream"

    input: str = ""
    output: str = ""
    dead_letters: str = ""
    group: str = ""
    """The workers of one group share the work."""
    batch_size: int = Field(default=256, ge=1, le=1_000)
    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(default=8001, ge=0, le=65_535)


S = TypeVar("S", bound=Stream)


def stream_of(project: Project, table: type[S]) -> S:
    """Read the table of a broker, with all its names.

    Raises:
        ProjectError: a key is missing, unknown or malformed; the text names it.

    """
    stream, name = project.settings(table), project.name
    made = {
        "input": f"{name}.records",
        "output": f"{name}.predictions",
        "dead_letters": f"{name}.dead-letters",
        "group": name,
    }
    return stream.model_copy(
        update={field: default for field, default in made.items() if not getattr(stream, field)}
    )
