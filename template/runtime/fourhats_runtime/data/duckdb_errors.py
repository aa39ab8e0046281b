"""What DuckDB says against a statement, in one line."""


def reason(error: Exception) -> str:
    """Give the first line, and the one that DuckDB points at."""
    first, *others = str(error).splitlines() or [type(error).__name__]
    return " ".join([first, *(f"({line})" for line in others if line.startswith("LINE "))])
