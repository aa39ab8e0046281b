"""From raw rows to what the model learns from: the table `clean`, made by Spark."""

from .contract import Contract
from .quality import valid_rows
from .settings import Settings
from .spark import SparkSQL, exchange, session, told
from .translation import translate
from .warehouse import Connection, read_in, relation


def transform(connection: Connection, contract: Contract, settings: Settings) -> None:
    """Write `clean`: the rows that pass every check, typed, under the contract's names.

    Rows without an outcome stay: they are the ones to be scored.

    Raises:
        ProjectError: Spark cannot be reached, or fails.

    """
    (statement,) = translate(valid_rows(connection, contract), SparkSQL)
    with told(), exchange(settings) as folder:
        raw, clean = str(folder / "raw.parquet"), folder / "clean"
        relation(connection, "SELECT * FROM raw").to_parquet(raw)
        spark = session(settings)
        spark.read.parquet(raw).createOrReplaceTempView("raw")
        spark.sql(statement).write.parquet(str(clean))
        read_in(connection, "clean", lambda duck: duck.read_parquet(str(clean / "*.parquet")))
