"""PostgreSQL as the warehouse, by ADBC: Arrow batches in and out, no row is touched in Python."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import adbc_driver_postgresql.dbapi
import pyarrow as pa
from adbc_driver_manager import Error as DriverError
from pydantic import Field
from sqlglot import exp
from sqlglot.errors import UnsupportedError

from fourhats_runtime.data.postgres_errors import reason
from fourhats_runtime.data.sql import literal, quote
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project
from fourhats_runtime.settings import Section

MARK = "runs"
"""The table that a project makes first."""
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
    "decimal": "decimal",
    "double precision": "double",
    "int": "int",
    "real": "real",
    "smallint": "smallint",
    "timestamp": "timestamp",
}
TEXTS = ("text", "character varying", "character", "name")
OWN_COLUMNS = {"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"}
"""What each table has there already."""


class PostgresWarehouse(Section):
    """Where in the database the tables are kept."""

    table: ClassVar[str] = "warehouse"

    # pydantic's models have a method of that name.
    schema_name: str = Field(alias="schema", min_length=1)


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
            self._enter(schema)
            for statement in (
                "SET client_min_messages = warning",
                "SET TimeZone = 'UTC'",
                f"SET search_path = {quote(schema)}",
                *(TRY_CAST.format(name=name, kind=kind) for kind, name in TRIED.items()),
            ):
                self.cursor.execute(statement)

    @staticmethod
    def adapt(tree: exp.Expr) -> list[exp.Expr]:
        """Say what sqlglot leaves as it is: TRY_CAST, isnan, GROUP BY ALL, CREATE OR REPLACE."""
        for node in reversed(list(tree.find_all(exp.TryCast, exp.IsNan))):
            if isinstance(node, exp.IsNan):
                nan = exp.cast(exp.Literal.string("NaN"), "double")
                node.replace(exp.paren(exp.EQ(this=node.this, expression=nan)))
            else:
                node.replace(_tried(node.this, node.args["to"]))
        for query in tree.find_all(exp.Select):
            group = query.args.get("group")
            if group is not None and group.args.get("all"):
                selected = enumerate(query.selects, start=1)
                plain = [place for place, column in selected if not column.find(exp.AggFunc)]
                places = [exp.Literal.number(place) for place in plain]
                query.set("group", exp.Group(expressions=places) if places else None)
        for any_value in list(tree.find_all(exp.AnyValue)):  # which the oldest servers don't know
            around = any_value.parent
            place = around if isinstance(around, exp.IgnoreNulls) else any_value
            place.replace(exp.Min(this=any_value.this))
        if isinstance(tree, exp.Drop):
            tree.args["cascade"] = True
        if not isinstance(tree, exp.Create) or not tree.args.pop("replace", None):
            return [tree]
        target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        if tree.find(exp.TemporaryProperty):  # a table of that name may be somebody's
            target = exp.table_(target.name, db="pg_temp", quoted=True)
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
            if len(name.encode()) > LONGEST_NAME or name in OWN_COLUMNS:
                raise ProjectError(
                    f"PostgreSQL takes no column called {name!r} (one of its own, or over "
                    f"{LONGEST_NAME} bytes): give it another name at the source"
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
        return {name: _type(kind) for name, kind in zip(names, kinds, strict=True)}

    def _enter(self, schema: str) -> None:
        """Make the schema where it is missing; refuse one that holds what is not the project's."""
        (known,) = self.run(f"SELECT to_regnamespace({literal(quote(schema))}) IS NOT NULL")[0]
        if not known.as_py():
            self.run(f"CREATE SCHEMA {quote(schema)}")
        held = self.run(
            "SELECT CAST(relname AS text) FROM pg_class WHERE relkind IN ('m', 'p', 'r', 'v') "
            f"AND relnamespace = to_regnamespace({literal(quote(schema))})"
        )[0].to_pylist()
        if held and MARK not in held:
            raise ProjectError(
                f"the schema {schema!r} holds tables that are not this project's ({held[0]}): name "
                "one of its own in config/warehouse.toml"
            )

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
        """Tell what the server says in one line."""
        try:
            yield
        except DriverError as error:
            raise ProjectError(f"PostgreSQL, the warehouse: {reason(error, self.url)}") from None


def configured(project: Project) -> bool:
    """Tell whether the database's address is set."""
    return project.settings.secret("WAREHOUSE_URL") is not None


def connect(project: Project) -> PostgresDriver:
    """Connect to the database.

    Raises:
        ProjectError: the address is not set, or the server does not let in.

    """
    url = project.settings.secret("WAREHOUSE_URL")
    if url is None:
        raise ProjectError("WAREHOUSE_URL is not set: put the database's address into .env")
    schema = project.settings(PostgresWarehouse).schema_name
    return PostgresDriver(url.get_secret_value(), schema)


def _tried(value: exp.Expr, kind: exp.DataType) -> exp.Expr:
    name = kind.sql(dialect="postgres").lower()
    plain = name.partition("(")[0]
    if plain not in TRIED:
        raise UnsupportedError(f"there is no TRY_CAST to {name}")
    text = exp.cast(value, "text")
    tried = exp.Anonymous(this=f"pg_temp.try_{TRIED[plain]}", expressions=[text])
    return tried if plain == name else exp.cast(tried, kind.copy())


def _type(kind: str) -> str:
    return "VARCHAR" if kind in TEXTS else TYPES.get(kind, kind.upper())


def _without_numerics(rows: pa.Table) -> pa.Table:
    """Make numbers of NUMERIC, which the driver hands on as text."""
    for place, column in enumerate(rows.schema):
        if isinstance(column.type, pa.OpaqueType) and column.type.type_name == "numeric":
            texts = pa.chunked_array([chunk.storage for chunk in rows[place].chunks], pa.string())
            rows = rows.set_column(place, column.name, texts.cast(pa.float64()))
    return rows
