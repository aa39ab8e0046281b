"""extract + validate + transform of 5 million rows, against one query written by hand.

Both sides are whole processes that write to a DuckDB file: the three steps in a row, as the
project's own `run` takes them, and one small script.
"""

import tempfile
from pathlib import Path

import duckdb

from benchmarks import big_table
from benchmarks.figure import ROUNDS, Figure, show
from benchmarks.process import Cost, cost
from tests.services.rendered import Project, command, install, project_env, render

STEPS = """
import pathlib
from fourhats_runtime import pipeline
from {package}.project import project
for step in ("extract", "validate", "transform"):
    result = pipeline.run_step(step, project)
    print(f"{{step}}: {{result.rows_in}} in, {{result.rows_out}} out, {{result.seconds:.2f}} s")
"""
MOST_TIME = 2.5
MOST_MEMORY = 1.5
GIGABYTE = 1e9


def figures() -> list[Figure]:
    """Measure both in turns, each on a new database."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        table = folder / "big.parquet"
        big_table.write(table)
        project = prepared(folder / "project", table)
        ours, by_hand = [], []
        for _ in range(ROUNDS):
            by_hand.append(clean_by_hand(project, table, folder / "by_hand.duckdb"))
            ours.append(run_steps(project))
        rows_agree(project, folder / "by_hand.duckdb")
    seconds = min(steps.wall for steps in ours)
    seconds_by_hand = min(query.wall for query in by_hand)
    memory = max(steps.memory for steps in ours)
    memory_by_hand = max(query.memory for query in by_hand)
    return [
        Figure(
            "extract + validate + transform, 5 million rows, against one query by hand",
            seconds / seconds_by_hand,
            MOST_TIME,
            detail=f"{seconds:.1f} s against {seconds_by_hand:.1f} s",
        ),
        Figure(
            "the same, peak memory",
            memory / memory_by_hand,
            MOST_MEMORY,
            detail=f"{memory / GIGABYTE:.2f} GB against {memory_by_hand / GIGABYTE:.2f} GB",
        ),
    ]


def prepared(folder: Path, table: Path) -> Project:
    """Render and install a project whose contract is inferred from the table, its only source."""
    project = install(render(folder, files_path=str(table)))
    command(project, "contract", "infer", str(table), "--target", "outcome", "--force")
    return project


def run_steps(project: Project) -> Cost:
    """Run the three steps on an empty warehouse."""
    (project.folder / "artifacts" / "warehouse.duckdb").unlink(missing_ok=True)
    steps = STEPS.format(package=project.slug.replace("-", "_"))
    python = project.program.with_name("python")
    return cost([python, "-c", steps], env=project_env({}), cwd=project.folder)


def clean_by_hand(project: Project, table: Path, database: Path) -> Cost:
    """Run the query in the project's own environment."""
    database.unlink(missing_ok=True)
    script = Path(__file__).with_name("clean_by_hand.py")
    python = project.program.with_name("python")
    return cost([python, script, table, database], env=project_env({}))


def rows_agree(project: Project, by_hand: Path) -> None:
    """Make sure that both sides did the same work."""
    databases = (project.folder / "artifacts" / "warehouse.duckdb", by_hand)
    described = "SELECT count(*), round(sum(amount_1)), sum(count_4), count(region) FROM clean"
    found = set()
    for database in databases:
        with duckdb.connect(database, read_only=True) as connection:
            found.add(connection.execute(described).fetchall()[0])
    if len(found) > 1:
        raise RuntimeError(f"the two tables differ: {found}")


if __name__ == "__main__":
    show(figures)
