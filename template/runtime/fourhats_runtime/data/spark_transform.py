"""The table `clean`, made by Spark."""

from fourhats_runtime.data.spark import SparkSQL, exchange, reported, session
from fourhats_runtime.data.translation import translate
from fourhats_runtime.data.warehouse import Connection, read_in, relation
from fourhats_runtime.project import Project


def write_clean(connection: Connection, query: str, project: Project) -> None:
    """Write `clean` of the rows that a query of DuckDB's makes of `raw`.

    Raises:
        ProjectError: Spark cannot be reached, or fails.

    """
    (statement,) = translate(query, SparkSQL)
    with reported(), exchange(project) as folder:
        raw, clean = str(folder / "raw.parquet"), folder / "clean"
        relation(connection, "SELECT * FROM raw").to_parquet(raw)
        spark = session(project)
        spark.read.parquet(raw).createOrReplaceTempView("raw")
        spark.sql(statement).write.parquet(str(clean))
        read_in(connection, "clean", lambda duck: duck.read_parquet(str(clean / "*.parquet")))
