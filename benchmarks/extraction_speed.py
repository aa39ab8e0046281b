"""The step `extract` on 1 million rows of PostgreSQL, against ADBC alone, to Parquet.

Both sides are whole processes: the project's own command, and one small script.
"""

import subprocess
import tempfile
from pathlib import Path

from benchmarks.figure import ROUNDS, Figure, show
from benchmarks.process import Cost, cost
from tests.services.postgres import postgres_server, server_binaries
from tests.services.rendered import Project, install, project_env, render

ROWS = 1_000_000
QUERY = "SELECT * FROM orders"
# Ten columns of the types that a shop's table has.
TABLE = f"""
CREATE TABLE orders AS
SELECT i AS id, i % 50000 AS customer, TIMESTAMP '2020-01-01' + i * INTERVAL '1 minute' AS at,
    i % 7 AS items, (i % 9973) / 7.0::double precision AS amount, sqrt(i) AS weight,
    (i % 997) / 997.0::double precision AS discount, 'city ' || i % 400 AS city,
    md5(i::text) AS reference, i % 3 = 0 AS express
FROM generate_series(1, {ROWS}) AS i
"""  # noqa: S608 - our own
MOST_TIME = 2.0


def figures() -> list[Figure]:
    """Measure both in turns, each to a new file."""
    with tempfile.TemporaryDirectory() as place, postgres_server() as database:
        folder = Path(place)
        psql = str(server_binaries() / "psql")
        subprocess.run([psql, "--quiet", database, "--command", TABLE], check=True)
        rendered = render(folder / "project", data_sources=["postgres"], postgres_query=QUERY)
        project = install(rendered)
        ours, alone = [], []
        for _ in range(ROUNDS):
            alone.append(read_alone(project, database, folder / "orders.parquet"))
            ours.append(extract(project, database))
    seconds = min(each.wall for each in ours)
    seconds_alone = min(each.wall for each in alone)
    return [
        Figure(
            "extract 1 million rows of PostgreSQL, against ADBC alone",
            seconds / seconds_alone,
            MOST_TIME,
            detail=f"{seconds:.1f} s against {seconds_alone:.1f} s",
        )
    ]


def extract(project: Project, database: str) -> Cost:
    """Run the step on an empty warehouse."""
    (project.folder / "artifacts" / "warehouse.duckdb").unlink(missing_ok=True)
    env = project_env({"POSTGRES_URL": database})
    return cost([project.program, "extract"], env=env, cwd=project.folder)


def read_alone(project: Project, database: str, file: Path) -> Cost:
    """Run the script in the project's own environment."""
    script = Path(__file__).with_name("adbc_by_hand.py")
    python = project.program.with_name("python")
    return cost([python, script, database, QUERY, file], env=project_env({}))


if __name__ == "__main__":
    show(figures)
