"""Libraries that only some options need: extras of fourhats-runtime."""

from collections.abc import Iterator
from contextlib import contextmanager

from fourhats_runtime.errors import ProjectError


class MissingLibraryError(ProjectError):
    """A library that an extra brings is not installed."""

    def __init__(self, message: str, library: str) -> None:
        """Keep the library's name beside the message."""
        super().__init__(message)
        self.library = library


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Say which extra is missing where an import fails.

    Raises:
        MissingLibraryError: a library that the extra brings is not installed.

    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("fourhats_runtime"):
            raise
        library = str(error.name).partition(".")[0]
        raise MissingLibraryError(
            f"the library {library} is not installed: name the extra {extra!r} of "
            "fourhats-runtime in pyproject.toml, and install again",
            library,
        ) from None
