"""What extraction is measured against: ADBC's batches, written to Parquet as they come.

Runs in the rendered project's environment: `python adbc_by_hand.py DATABASE QUERY FILE`.
"""

import sys

import adbc_driver_postgresql.dbapi
import pyarrow.parquet as pq

if __name__ == "__main__":
    _, address, query, file = sys.argv
    with adbc_driver_postgresql.dbapi.connect(address) as database, database.cursor() as cursor:
        cursor.execute(query)
        batches = cursor.fetch_record_batch()
        with pq.ParquetWriter(file, batches.schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
