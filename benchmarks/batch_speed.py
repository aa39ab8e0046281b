"""Batch scoring of 5 million rows, against a bare loop over ONNX Runtime on the same batches.

Both are whole processes. Ours is the command `score`: it reads the warehouse, writes the scores as
Parquet, and makes the warehouse's table of them; the loop reads Parquet and keeps a sum.
"""

import tempfile
from pathlib import Path

import duckdb

from benchmarks import big_table
from benchmarks.data_speed import prepared
from benchmarks.figure import Figure, show
from benchmarks.process import Cost, cost
from tests.services.rendered import Project, champion, command, project_env

TRAINED_ON = 50_000
BATCH_ROWS = 250_000
ROUNDS = 3
"""Fewer than elsewhere: each takes half a minute."""
MOST_TIME = 1.3
TOLERANCE = 1e-5


def figures() -> list[Figure]:
    """Measure both in turns."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        few, many = folder / "few.parquet", folder / "many.parquet"
        big_table.write(few, TRAINED_ON)
        big_table.write(many, are_open=True)
        project = prepared(folder / "project", few)
        command(project, "run")
        with_many = {"FILES__PATH": str(many)}
        for step in ("extract", "validate", "transform"):
            command(project, step, env=with_many)
        ours, by_hand = [], []
        for _ in range(ROUNDS):
            by_hand.append(loop(project, many))
            ours.append(scored(project))
        agree(project, by_hand[0][1])
    seconds, seconds_by_hand = min(each.wall for each in ours), min(c.wall for c, _ in by_hand)
    return [
        Figure(
            "batch scoring, 5 million rows, against a bare loop over ONNX Runtime",
            seconds / seconds_by_hand,
            MOST_TIME,
            detail=f"{seconds:.1f} s against {seconds_by_hand:.1f} s",
        )
    ]


def scored(project: Project) -> Cost:
    """Score everything anew."""
    for part in (project.folder / "artifacts" / "scores").glob("*/*"):
        part.unlink()
    return cost([project.program, "score"], env=project_env({}), cwd=project.folder)


def loop(project: Project, table: Path) -> tuple[Cost, str]:
    """Run the loop; give what it cost, and what it printed."""
    version = project.folder / "artifacts" / "registry" / "versions" / champion(project)
    script = Path(__file__).with_name("onnx_by_hand.py")
    python = project.program.with_name("python")
    said = project.folder.with_name("said.txt")
    shell = 'exec "$0" "$1" "$2" "$3" "$4" >"$5"'
    words = [python, script, table, version / "model.onnx", BATCH_ROWS, said]
    taken = cost(["sh", "-c", shell, *words], env=project_env({}))
    return taken, said.read_text()


def agree(project: Project, by_hand: str) -> None:
    """Make sure that both sides scored the same rows alike."""
    rows, mean = by_hand.split()
    with duckdb.connect(project.folder / "artifacts" / "warehouse.duckdb", read_only=True) as made:
        found, ours = made.sql("SELECT count(*), avg(probability) FROM scores").fetchall()[0]
    if found != int(rows) or abs(ours - float(mean)) > TOLERANCE:
        raise RuntimeError(f"the scores differ: {found} {ours} and {by_hand}")


if __name__ == "__main__":
    show(figures)
