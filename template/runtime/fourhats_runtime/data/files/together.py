"""Files of one table whose columns are not quite the same."""

from collections.abc import Sequence
from pathlib import Path

from fourhats_runtime.data.files.reading import TableFileError

SAID_AT_MOST = 10


def different_columns(files: Sequence[tuple[Path, Sequence[str]]]) -> list[str]:
    """Say in what the columns of the files differ from the first one's.

    Raises:
        TableFileError: no more than half of a file's columns are the first one's.

    """
    first, wanted = files[0]
    known = {name.lower() for name in wanted}
    said = []
    for file, found in files[1:]:
        own = {name.lower() for name in found}
        more = [name for name in found if name.lower() not in known]
        less = [name for name in wanted if name.lower() not in own]
        if len(known & own) * 2 <= max(len(known), len(own)):
            differences = [f"without {name}" for name in less] + [f"with {name}" for name in more]
            raise TableFileError(
                f"{file}: has other columns than {first}: {', '.join(differences)}."
            )
        if more:
            said.append(f"{file.name}: {_columns(more)} that {first.name} has not: empty there")
        if less:
            said.append(f"{file.name}: without {_columns(less)} of {first.name}: empty here")
        if len(more) == len(less) == 1:
            said[-1] += f"; if {less[0]} is called {more[0]} now, name it alike in both files"
        if not (more or less) and [name.lower() for name in found] != [n.lower() for n in wanted]:
            said.append(f"{file.name}: columns in another order than in {first.name}: read by name")
    if len(said) > SAID_AT_MOST:
        more_said = len(said) - SAID_AT_MOST
        return [*said[:SAID_AT_MOST], f"{more_said} more such differences between the files"]
    return said


def _columns(names: Sequence[str]) -> str:
    return f"{'the column' if len(names) == 1 else 'the columns'} {', '.join(names)}"
