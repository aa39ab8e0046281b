"""From raw rows to what the model learns from: the table `clean`."""

from .contract import Contract
from .quality import valid_rows
from .warehouse import Connection


def transform(connection: Connection, contract: Contract) -> None:
    """Write `clean`: the rows that pass every check, typed, under the contract's names.

    Rows without an outcome stay: they are the ones to be scored.
    """
    connection.execute(f"CREATE OR REPLACE TABLE clean AS {valid_rows(connection, contract)}")
