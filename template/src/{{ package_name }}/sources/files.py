"""CSV and Parquet files, read by DuckDB."""

import duckdb

from ..errors import ProjectError
from ..settings import Settings
from ..sql import quote
from ..table_file import TableFileError, open_file


def load(connection: duckdb.DuckDBPyConnection, settings: Settings, table: str) -> None:
    """Write all rows of the files into `table`, in the order of the files.

    Raises:
        ProjectError: a file is missing or is no table; the text says which.

    """
    path = settings.files.path
    try:
        rows = open_file(connection, str(settings.root / path))
        rows.create_view("source_rows", replace=True)
        connection.execute(f"CREATE OR REPLACE TABLE {quote(table)} AS FROM source_rows")
    except (TableFileError, duckdb.Error) as error:
        reason = str(error).splitlines()[0]
        raise ProjectError(f"{reason} (files.path in config/sources.toml)") from None
    finally:
        connection.execute("DROP VIEW IF EXISTS source_rows")
