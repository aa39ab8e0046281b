"""The kinds of sources, and what config/sources.toml says of each.

A source reads the table of its name: `Files()` the table `[files]`, `Files("orders")` the table
`[orders]`. Its secrets are variables that start with that name: POSTGRES_URL, ORDERS_URL.

What reads a source is imported when it is read: a project that names its sources can be imported
where none of their libraries is installed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from fourhats_runtime.data.extras import needs
from fourhats_runtime.settings import Section

if TYPE_CHECKING:
    import duckdb

    from fourhats_runtime.data.sources.loaded import Loaded
    from fourhats_runtime.project import Project


class Named(Section):
    """What the columns are called, where the files do not say it."""

    columns: tuple[str, ...] = ()
    header: bool = True


class FilesSection(Named):
    """Files to read."""

    table: ClassVar[str] = "files"

    path: str
    encoding: str = ""
    only_new: bool = False


@dataclass(frozen=True)
class Files:
    """CSV, JSON and Parquet files."""

    name: str = "files"

    def section(self, project: Project) -> FilesSection:
        """Give what the settings say of it."""
        return project.settings(FilesSection, self.name)

    def configured(self, project: Project) -> bool:
        """Tell whether a path is set."""
        return bool(self.section(project).path)

    def load(
        self,
        connection: duckdb.DuckDBPyConnection,
        project: Project,
        table: str,
        bookmark: str | None,
    ) -> Loaded:
        """Write the rows of the files into `table`: see `sources.files`."""
        with needs("data"):
            from fourhats_runtime.data.sources import files  # noqa: PLC0415
        return files.load(connection, project, self, table, bookmark)


class ExcelSection(Named):
    """Workbooks to read, and which sheet of them: all like the first where none is named."""

    table: ClassVar[str] = "excel"

    path: str
    sheet: str = ""


@dataclass(frozen=True)
class Excel:
    """Sheets of Excel workbooks."""

    name: str = "excel"

    def section(self, project: Project) -> ExcelSection:
        """Give what the settings say of it."""
        return project.settings(ExcelSection, self.name)

    def configured(self, project: Project) -> bool:
        """Tell whether a path is set."""
        return bool(self.section(project).path)

    def load(
        self,
        connection: duckdb.DuckDBPyConnection,
        project: Project,
        table: str,
        bookmark: str | None,
    ) -> Loaded:
        """Write the rows of the workbooks into `table`: see `sources.excel`."""
        del bookmark
        with needs("excel"):
            from fourhats_runtime.data.sources import excel  # noqa: PLC0415
        return excel.load(connection, project, self, table)


class PostgresSection(Section):
    """What to read from PostgreSQL."""

    table: ClassVar[str] = "postgres"

    query: str
    cursor: str = ""


@dataclass(frozen=True)
class Postgres:
    """A query of PostgreSQL; its address is the variable `<NAME>_URL`."""

    name: str = "postgres"

    def section(self, project: Project) -> PostgresSection:
        """Give what the settings say of it."""
        return project.settings(PostgresSection, self.name)

    @property
    def url_variable(self) -> str:
        """The variable that holds the address."""
        return f"{self.name.upper()}_URL"

    def configured(self, project: Project) -> bool:
        """Tell whether the database's address is set."""
        return project.settings.secret(self.url_variable) is not None

    def load(
        self,
        connection: duckdb.DuckDBPyConnection,
        project: Project,
        table: str,
        bookmark: str | None,
    ) -> Loaded:
        """Write the rows of the query into `table`: see `sources.postgres`."""
        with needs("postgres"):
            from fourhats_runtime.data.sources import postgres  # noqa: PLC0415
        return postgres.load(connection, project, self, table, bookmark)


class MySQLSection(Section):
    """What to read from MySQL or MariaDB."""

    table: ClassVar[str] = "mysql"

    query: str
    cursor: str = ""


@dataclass(frozen=True)
class MySQL:
    """A query of MySQL or MariaDB; its address is the variable `<NAME>_URL`."""

    name: str = "mysql"

    def section(self, project: Project) -> MySQLSection:
        """Give what the settings say of it."""
        return project.settings(MySQLSection, self.name)

    @property
    def url_variable(self) -> str:
        """The variable that holds the address."""
        return f"{self.name.upper()}_URL"

    def configured(self, project: Project) -> bool:
        """Tell whether the database's address is set."""
        return project.settings.secret(self.url_variable) is not None

    def load(
        self,
        connection: duckdb.DuckDBPyConnection,
        project: Project,
        table: str,
        bookmark: str | None,
    ) -> Loaded:
        """Write the rows of the query into `table`: see `sources.mysql`."""
        with needs("mysql"):
            from fourhats_runtime.data.sources import mysql  # noqa: PLC0415
        return mysql.load(connection, project, self, table, bookmark)


class BigQuerySection(Section):
    """What to read from BigQuery, and which project pays."""

    table: ClassVar[str] = "bigquery"

    project: str
    query: str
    cursor: str = ""
    location: str = ""
    max_wait: float = Field(default=300, gt=0)


@dataclass(frozen=True)
class BigQuery:
    """A query of BigQuery."""

    name: str = "bigquery"

    def section(self, project: Project) -> BigQuerySection:
        """Give what the settings say of it."""
        return project.settings(BigQuerySection, self.name)

    def configured(self, project: Project) -> bool:
        """Tell whether a project is named."""
        return bool(self.section(project).project)

    def load(
        self,
        connection: duckdb.DuckDBPyConnection,
        project: Project,
        table: str,
        bookmark: str | None,
    ) -> Loaded:
        """Write the rows of the query into `table`: see `sources.bigquery`."""
        with needs("bigquery"):
            from fourhats_runtime.data.sources import bigquery  # noqa: PLC0415
        return bigquery.load(connection, project, self, table, bookmark)


class SnowflakeSection(Section):
    """What to read from Snowflake, and as whom."""

    table: ClassVar[str] = "snowflake"

    query: str
    cursor: str = ""
    warehouse: str = ""
    database: str = ""
    # pydantic's models have a method of that name.
    schema_name: str = Field(default="", alias="schema")
    role: str = ""


@dataclass(frozen=True)
class Snowflake:
    """A query of Snowflake; its account and who is let in are the variables `<NAME>_ACCOUNT`, …."""

    name: str = "snowflake"

    def section(self, project: Project) -> SnowflakeSection:
        """Give what the settings say of it."""
        return project.settings(SnowflakeSection, self.name)

    def configured(self, project: Project) -> bool:
        """Tell whether an account is named."""
        return bool(project.settings.variable(f"{self.name.upper()}_ACCOUNT"))

    def load(
        self,
        connection: duckdb.DuckDBPyConnection,
        project: Project,
        table: str,
        bookmark: str | None,
    ) -> Loaded:
        """Write the rows of the query into `table`: see `sources.snowflake`."""
        with needs("snowflake"):
            from fourhats_runtime.data.sources import snowflake  # noqa: PLC0415
        return snowflake.load(connection, project, self, table, bookmark)


class Server(Section):
    """Who speaks for an object storage, where it is not the vendor itself."""

    table: ClassVar[str] = "object_storage"

    endpoint: str = ""
    region: str = ""
    anonymous: bool = False


class ObjectStorageSection(Server):
    """Which objects to read, and from where."""

    url: str
    only_new: bool = False


@dataclass(frozen=True)
class ObjectStorage:
    """Files in S3 and what speaks like it, Google Cloud Storage or Azure Blob."""

    name: str = "object_storage"

    def section(self, project: Project) -> ObjectStorageSection:
        """Give what the settings say of it."""
        return project.settings(ObjectStorageSection, self.name)

    def configured(self, project: Project) -> bool:
        """Tell whether it is set where the files are."""
        return bool(self.section(project).url)

    def load(
        self,
        connection: duckdb.DuckDBPyConnection,
        project: Project,
        table: str,
        bookmark: str | None,
    ) -> Loaded:
        """Write the rows of the files into `table`: see `sources.object_storage`."""
        with needs("data"):
            from fourhats_runtime.data.sources import object_storage  # noqa: PLC0415
        return object_storage.load(connection, project, self, table, bookmark)


class RestApiSection(Section):
    """What to read from a REST API, and how."""

    table: ClassVar[str] = "rest_api"

    url: str
    records: str = ""
    pagination: Literal["link", "cursor", "page", "offset"] = "link"
    next_path: str = ""
    page_parameter: str = "page"
    first_page: int = Field(default=1, ge=0)
    size_parameter: str = ""
    page_size: int = Field(default=100, ge=1)
    max_pages: int = Field(default=10_000, ge=1)
    auth: Literal["none", "api_key", "bearer", "oauth2"] = "none"
    key_header: str = "X-API-Key"
    token_url: str = ""
    scope: str = ""
    timeout: float = Field(default=30, gt=0)
    max_wait: float = Field(default=300, ge=0)
    cursor: str = ""
    since_parameter: str = ""


@dataclass(frozen=True)
class RestApi:
    """The records of a REST API that answers in JSON.

    Its secrets are the variables `<NAME>_KEY`, `<NAME>_TOKEN`, `<NAME>_CLIENT_ID` and
    `<NAME>_CLIENT_SECRET`, as its `auth` asks for.
    """

    name: str = "rest_api"

    def section(self, project: Project) -> RestApiSection:
        """Give what the settings say of it."""
        return project.settings(RestApiSection, self.name)

    def configured(self, project: Project) -> bool:
        """Tell whether the API's address is set."""
        return bool(self.section(project).url)

    def load(
        self,
        connection: duckdb.DuckDBPyConnection,
        project: Project,
        table: str,
        bookmark: str | None,
    ) -> Loaded:
        """Write the records into `table`: see `sources.rest_api`."""
        with needs("rest-api"):
            from fourhats_runtime.data.sources import rest_api  # noqa: PLC0415
        return rest_api.load(connection, project, self, table, bookmark)


@dataclass(frozen=True)
class Rows:
    """Rows that a function of one's own gives: a source that no other kind here reads.

    `function` takes nothing, or the project, and gives mappings of the columns' names to values, a
    table of Arrow's, a frame of polars or pandas, or a relation of DuckDB's. It is always read
    whole.
    """

    name: str
    function: Callable[..., Any]

    def configured(self, project: Project) -> bool:
        """Tell that it is there."""
        del project
        return True

    def load(
        self,
        connection: duckdb.DuckDBPyConnection,
        project: Project,
        table: str,
        bookmark: str | None,
    ) -> Loaded:
        """Write what the function gives into `table`: see `sources.rows`."""
        del bookmark
        with needs("data"):
            from fourhats_runtime.data.sources import rows  # noqa: PLC0415
        return rows.load(connection, project, self, table)
