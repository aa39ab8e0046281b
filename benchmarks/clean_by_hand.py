"""What loading is measured against: one query, written by hand for this one table.

It reads the Parquet file, checks types, gaps, categories and lower limits, casts, and writes the
table `clean`. Runs in the rendered project's environment: `python clean_by_hand.py FILE DATABASE`.
"""

import sys

import duckdb

CLEAN = """
CREATE OR REPLACE TABLE clean AS
SELECT
    CAST(amount_1 AS DOUBLE) AS amount_1, CAST(amount_2 AS DOUBLE) AS amount_2,
    CAST(amount_3 AS DOUBLE) AS amount_3, CAST(amount_4 AS DOUBLE) AS amount_4,
    CAST(ratio_1 AS DOUBLE) AS ratio_1, CAST(ratio_2 AS DOUBLE) AS ratio_2,
    CAST(ratio_3 AS DOUBLE) AS ratio_3, CAST(ratio_4 AS DOUBLE) AS ratio_4,
    CAST(count_1 AS BIGINT) AS count_1, CAST(count_2 AS BIGINT) AS count_2,
    CAST(count_3 AS BIGINT) AS count_3, CAST(count_4 AS BIGINT) AS count_4,
    trim(kind_1) AS kind_1, trim(kind_2) AS kind_2, trim(kind_3) AS kind_3,
    trim(kind_4) AS kind_4, trim(kind_5) AS kind_5, trim(region) AS region,
    CAST(active AS BOOLEAN) AS active, trim(outcome) AS outcome
FROM read_parquet(?)
WHERE (amount_1 IS NULL OR (NOT isnan(amount_1) AND amount_1 >= 0))
    AND (amount_2 IS NULL OR (NOT isnan(amount_2) AND amount_2 >= 0))
    AND (amount_3 IS NULL OR (NOT isnan(amount_3) AND amount_3 >= 0))
    AND (amount_4 IS NULL OR (NOT isnan(amount_4) AND amount_4 >= 0))
    AND ratio_1 IS NOT NULL AND NOT isnan(ratio_1) AND ratio_1 >= 0
    AND ratio_2 IS NOT NULL AND NOT isnan(ratio_2) AND ratio_2 >= 0
    AND ratio_3 IS NOT NULL AND NOT isnan(ratio_3) AND ratio_3 >= 0
    AND ratio_4 IS NOT NULL AND NOT isnan(ratio_4) AND ratio_4 >= 0
    AND count_1 IS NOT NULL AND count_1 >= 0
    AND count_2 IS NOT NULL AND count_2 >= 0
    AND count_3 IS NOT NULL AND count_3 >= 0
    AND count_4 IS NOT NULL AND count_4 >= 0
    AND trim(kind_1) IN ('alpha', 'beta', 'gamma', 'delta', 'epsilon')
    AND trim(kind_2) IN ('alpha', 'beta', 'gamma', 'delta', 'epsilon')
    AND trim(kind_3) IN ('alpha', 'beta', 'gamma', 'delta', 'epsilon')
    AND trim(kind_4) IN ('alpha', 'beta', 'gamma', 'delta', 'epsilon')
    AND trim(kind_5) IN ('alpha', 'beta', 'gamma', 'delta', 'epsilon')
    AND (region IS NULL OR trim(region) IN ('north', 'south'))
    AND active IS NOT NULL
    AND trim(outcome) IN ('no', 'yes')
"""

if __name__ == "__main__":
    with duckdb.connect(sys.argv[2]) as connection:
        connection.execute(CLEAN, [sys.argv[1]])
