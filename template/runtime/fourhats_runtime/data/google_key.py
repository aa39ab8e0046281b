"""The key file that signs in at Google."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from fourhats_runtime.project import Project

VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"


@contextmanager
def key_file(project: Project) -> Iterator[None]:
    """Have Google's libraries find the file that the project names, for as long as this lasts.

    They read its name from the environment alone, and .env may be where it stands: another project
    of this process may have another one.
    """
    before, named = os.environ.get(VARIABLE), project.settings.variable(VARIABLE)
    if named:
        os.environ[VARIABLE] = named
    try:
        yield
    finally:
        if before is not None:
            os.environ[VARIABLE] = before
        else:
            os.environ.pop(VARIABLE, None)
