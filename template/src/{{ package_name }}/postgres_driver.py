"""PostgreSQL as the warehouse, by ADBC: Arrow batches in and out, no row is touched in Python."""

from collections.abc import Iterator
from contextlib import contextmanager

import adbc_driver_postgresql.dbapi
import pyarrow as pa
from adbc_driver_manager import Error as DriverError
from sqlglot import exp

from .errors import ProjectError
from .settings import Settings
from .sql import literal, quote

LONGEST_NAME = 63  # bytes; PostgreSQL cuts off what is longer
TYPES = {
    "bigint": "BIGINT",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "double precision": "DOUBLE",
    "integer": "INTEGER",
    "numeric": "DECIMAL(38,9)",
    "real": "FLOAT",
    "smallint": "SMALLINT",
    "timestamp with time zone": "TIMESTAMP WITH TIME ZONE",
    "timestamp without time zone": "TIMESTAMP",
}
# PostgreSQL has no TRY_CAST. In the session's own schema, so that nothing is left behind.
TRY_CAST = """
CREATE OR REPLACE FUNCTION pg_temp.try_{name}(value text) RETURNS {kind}
LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN RETURN CAST(value AS {kind}); EXCEPTION WHEN others THEN RETURN NULL; END $$
"""
TRIED = {
    "bigint": "bigint",
    "boolean": "boolean",
    "date": "date",
    "double": "double precision",
    "timestamp": "timestamp",
}


class PostgresDriver:
    """Runs statements in one schema of a database."""

    dialect = "postgres"

    def __init__(self, url: str, schema: str) -> None:
        """Connect, and make the schema where it is missing.

        Raises:
            ProjectError: the server does not let in.

        """
        self.url = url
        with self._told():
            self.connection = adbc_driver_postgresql.dbapi.connect(url, autocommit=True)
            self.cursor = self.connection.cursor()
            for statement in (
                "SET client_min_messages = warning",
                "SET TimeZone = 'UTC'",
                f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}",
                f"SET search_path = {quote(schema)}",
                *(TRY_CAST.format(name=name, kind=kind) for name, kind in TRIED.items()),
            ):
                self.cursor.execute(statement)

    @staticmethod
    def adapt(tree: exp.Expr) -> list[exp.Expr]:
        """Say what sqlglot leaves as it is: TRY_CAST, isnan, GROUP BY ALL, CREATE OR REPLACE."""
        for node in reversed(list(tree.find_all(exp.TryCast, exp.IsNan))):
            if isinstance(node, exp.IsNan):
                nan = exp.cast(exp.Literal.string("NaN"), "double")
                node.replace(exp.paren(exp.EQ(this=node.this, expression=nan)))
            elif (name := node.args["to"].sql(dialect="duckdb").lower()) in TRIED:
                text = exp.cast(node.this, "text")
                node.replace(exp.Anonymous(this=f"pg_temp.try_{name}", expressions=[text]))
        for query in tree.find_all(exp.Select):
            group = query.args.get("group")
            if group is not None and group.args.pop("all", None):
                selected = enumerate(query.selects, start=1)
                plain = [place for place, column in selected if not column.find(exp.AggFunc)]
                group.set("expressions", [exp.Literal.number(place) for place in plain])
        if isinstance(tree, exp.Drop):
            tree.args["cascade"] = True
        if not isinstance(tree, exp.Create) or not tree.args.pop("replace", None):
            return [tree]
        target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        drop = exp.Drop(kind=tree.kind, exists=True, cascade=True, tables=[target.copy()])
        return [drop, tree]

    def run(self, statement: str) -> pa.Table:
        """Run a statement."""
        with self._told():
            self.cursor.execute(statement)
            if not self.cursor.description:
                return pa.table({})
            return _without_numerics(self.cursor.fetch_arrow_table())

    def load(self, table: str, rows: pa.RecordBatchReader) -> None:
        """Make a table of these rows, by COPY."""
        for name in rows.schema.names:
            if len(name.encode()) > LONGEST_NAME:
                raise ProjectError(
                    f"PostgreSQL takes no column name of over {LONGEST_NAME} bytes, such as "
                    f"{name!r}: give it another one at the source"
                )
        with self._told(), self.transaction():
            self.cursor.execute(f"DROP TABLE IF EXISTS {quote(table)} CASCADE")
            self.cursor.adbc_ingest(table, rows, mode="create")

    def columns(self, table: str) -> dict[str, str]:
        """Give the columns of a table or view and their types."""
        found = self.run(
            "SELECT CAST(attname AS text) AS name, format_type(atttypid, NULL) AS kind "
            f"FROM pg_attribute WHERE attrelid = to_regclass({literal(quote(table))}) "
            "AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
        names, kinds = (found[place].to_pylist() for place in ("name", "kind"))
        return {n: TYPES.get(k, "VARCHAR") for n, k in zip(names, kinds, strict=True)}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Have all of what is done take effect, or nothing."""
        self.run("BEGIN")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            self.run("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the connection."""
        self.cursor.close()
        self.connection.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell what the server says in one line, without the address: it may hold a password."""
        try:
            yield
        except DriverError as error:
            reason = str(error).replace(self.url, "WAREHOUSE_URL").splitlines()[0]
            raise ProjectError(f"PostgreSQL: {reason} (WAREHOUSE_URL)") from None


def configured(settings: Settings) -> bool:
    """Tell whether the database's address is set."""
    return settings.warehouse_url is not None and bool(settings.warehouse_url.get_secret_value())


def connect(settings: Settings) -> PostgresDriver:
    """Connect to the database.

    Raises:
        ProjectError: the address is not set, or the server does not let in.

    """
    if settings.warehouse_url is None:
        raise ProjectError("WAREHOUSE_URL is not set: put the database's address into .env")
    return PostgresDriver(settings.warehouse_url.get_secret_value(), settings.warehouse.schema_name)


def _without_numerics(rows: pa.Table) -> pa.Table:
    """Make numbers of NUMERIC, which the driver hands on as text."""
    for place, column in enumerate(rows.schema):
        if isinstance(column.type, pa.OpaqueType) and column.type.type_name == "numeric":
            texts = pa.chunked_array([chunk.storage for chunk in rows[place].chunks], pa.string())
            rows = rows.set_column(place, column.name, texts.cast(pa.float64()))
    return rows
