"""Every combination of options is right in its types, not only the installed ones."""

from pathlib import Path

import pytest

from tests.build.environments import run
from tests.render.answer_sets import Answers, choices, covering_array, named, possible
from tests.render.tree import grow, template_copy
from tests.services.rendered import Project

# What decides together on the code of a module or a test; and what each gives a line of its own.
TOGETHER = ["task", "model_family", "worked_example", "serving"]
ALONE = ["data_sources", "alerts", "warehouse", "engine", "dataframe", "broker", "orchestrator"]


def _answer_sets() -> list[Answers]:
    """Give sets in which every two of the former meet; the latter take turns, all at once first."""
    rows = covering_array(strength=2, names=TOGETHER)
    turns = [(name, list(reversed(choices()[name]))) for name in ALONE]
    for number, row in enumerate(rows):
        for name, values in turns:
            if possible(more := row | {name: values[number % len(values)]}):
                row.update(more)
    return rows


ANSWER_SETS = _answer_sets()


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as it stands, uncommitted changes included."""
    return template_copy(tmp_path_factory.mktemp("template") / "source")


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the type checker remembers of the libraries from one tree to the next."""
    return tmp_path_factory.mktemp("mypy")


@pytest.mark.parametrize("number", range(len(ANSWER_SETS)))
def test_the_types_of_every_combination_are_right(
    number: int, source: Path, default_project: Project, cache: Path, tmp_path: Path
) -> None:
    print(named(ANSWER_SETS[number]))
    tree = grow(tmp_path / "project", source, ANSWER_SETS[number])
    environment = default_project.folder / ".venv" / "bin"
    # `src` goes before what is installed there, which is another project of the same name.
    command = ["env", f"MYPYPATH={tree.folder / 'src'}", str(environment / "mypy")]
    run(tree.folder, [*command, "--cache-dir", str(cache)])
