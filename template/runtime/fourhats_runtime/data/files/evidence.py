"""What a row is: names above the others, values, a total below them."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

Cells = Sequence[str | None]

MISSING = {"", "na", "n/a", "nan", "null", "none", "nil", "?", "-", "--", ".", "#n/a"}
VALUE = re.compile(r"\W*\d.*")
"""Starts with a digit, after signs of money or others: numbers, dates, times, percents."""
LETTERS_OF_A_VALUE = 4
"""Such as EUR, Sep., kWh: a name that starts with a digit has more."""
TOTAL = re.compile(
    r"\W*((grand|sub|overall)[ -]?)?"
    r"(totals?|sum|average|mean|summe|gesamt(summe)?|insgesamt|mittelwert|durchschnitt|totaux|somme"
    r"|total général|moyenne|totale|totaal|gemiddelde|suma|razem|ogółem|celkem|yhteensä|summa|soma"
    r"|итого|всего|合计|合計|总计)"
    r"\W*(\(.*\)|\d*)\W*",
    re.IGNORECASE,
)
ROWS_OF_A_SUM = 3
DIGITS_OF_A_YEAR = 4
MARKED = re.compile(r"\s*([*#†]|[^:]{1,30}:\s).*")
"""Starts with a mark, or a word with a colon, such as "Source: …"."""
WORDS_OF_A_NOTE = 4


def holds_values(header: Cells, rows: Sequence[Cells]) -> bool:
    """Tell whether what stands where the names should is one more row of values.

    A word above a column of numbers is a name. A word that comes again in its own column is a
    value, as is what starts with a digit above others that do; but years and months in a row, one
    a column, are names.
    """
    repeated = numbers = 0
    counted: list[str] = []
    for position, cell in enumerate(header):
        name = (cell or "").strip()
        if name.lower() in MISSING:
            continue
        body = [(row[position] or "").strip() for row in rows if position < len(row)]
        body = [value for value in body if value.lower() not in MISSING]
        of_values = bool(body) and sum(map(_is_value, body)) * 10 >= len(body) * 9
        if not _is_value(name):
            if of_values:
                return False
            repeated += name in body
        elif of_values or not body:
            numbers += 1
            counted.append(name)
    if repeated:
        return True
    return numbers > 0 and not _counts_up(counted)


def names_groups(header: Cells, below: Cells, rows: Sequence[Cells]) -> bool:
    """Tell whether what stands where the names should names groups of columns, named below it.

    Some of its cells are empty, as those of a merged cell are; the row below fills all, and has a
    word above a column of numbers.
    """
    gaps = any(not (cell or "").strip() for cell in header)
    full = len(below) == len(header) and all((cell or "").strip() for cell in below)
    return gaps and full and _names_numbers(below, rows) and not holds_values(below, rows)


def _names_numbers(names: Cells, rows: Sequence[Cells]) -> bool:
    for position, name in enumerate(names):
        body = [(row[position] or "").strip() for row in rows if position < len(row)]
        body = [value for value in body if value.lower() not in MISSING]
        numbers = bool(body) and sum(map(_is_value, body)) * 10 >= len(body) * 9
        if numbers and name and name.strip().lower() not in MISSING and not _is_value(name.strip()):
            return True
    return False


def _is_value(text: str) -> bool:
    letters = sum(character.isalpha() for character in text)
    return bool(VALUE.fullmatch(text)) and letters <= LETTERS_OF_A_VALUE


def _counts_up(names: Sequence[str]) -> bool:
    """Tell whether they follow each other as 2019, 2020, 2021 or 2024-01, 2024-02 do."""
    digits = ["".join(re.findall(r"\d", name)) for name in names]
    shapes = {re.sub(r"\d+", "0", name) for name in names}
    steps = [int(after) - int(before) for before, after in pairwise(digits)]
    if len(shapes) > 1 or not steps or min(steps) <= 0:
        return False
    if len(steps) == 1:
        return steps == [1] and len(digits[0]) >= DIGITS_OF_A_YEAR
    return max(Counter(steps).values()) * 2 >= len(steps)


def is_total(row: Cells, others: Sequence[Cells], sums: Callable[[], bool]) -> bool:
    """Tell whether the last row is a total of the others, and no row of its own.

    Its first value says so (Total, Summe, Average …), which no other row's does, and a value is
    missing; or only one of both, and a number in it is the sum of its column (`sums`).
    """
    filled = [position for position, cell in enumerate(row) if (cell or "").strip()]
    if not filled or len(others) < ROWS_OF_A_SUM:
        return False
    first = filled[0]
    named = TOTAL.fullmatch((row[first] or "").strip()) is not None and not any(
        TOTAL.fullmatch((other[first] or "").strip()) for other in others if first < len(other)
    )
    has_numbers = any(_is_value((row[place] or "").strip()) for place in filled)
    gaps = len(filled) < len(row)
    if not has_numbers:
        return False
    return (named and gaps) or ((named or gaps) and sums())


def is_footnote(line: str, row: Cells, width: int) -> bool:
    """Tell whether it is a line of text below a table, such as where the figures come from."""
    filled = [place for place, cell in enumerate(row) if (cell or "").strip()]
    if len(row) > width or width == 1 or (len(row) == width and filled != [0]):
        return False
    prose = filled == [0] and len((row[0] or "").split()) >= WORDS_OF_A_NOTE
    return prose or MARKED.fullmatch(line.strip()) is not None


def notes_apart(rows: Sequence[Cells | None], width: int) -> int:
    """Count the last rows that stand below an empty one, each of fewer cells, the first filled.

    Such are notes, however short they are: no row of the table has fewer cells.
    """
    count = 0
    for row in reversed(rows):
        filled = [place for place, cell in enumerate(row or ()) if (cell or "").strip()]
        if row is None or (filled and (len(row) >= width or filled != [0])):
            return 0
        if not filled and count:
            return count
        count += bool(filled)
    return 0


def header_position(head: Sequence[Cells], width: int, at_most: int | None = None) -> int | None:
    """Find the first row that fills at least half of the columns: titles fill fewer.

    Where it fills its first column alone, it is a title all the same. No row of more than `at_most`
    cells is one; by itself, of more than `width`.
    """
    for place, row in enumerate(head):
        filled = [position for position, cell in enumerate(row) if (cell or "").strip()]
        fits = 0 < len(row) <= (width if at_most is None else at_most)
        if fits and len(filled) * 2 >= width and (filled != [0] or width == 1):
            return place
    return None


def as_number(text: str) -> float | None:
    """Read a number in its plainest spellings: 19500.00, 19,500.00 and 19.500,00."""
    text = text.strip().replace(" ", "")
    if re.fullmatch(r"-?\d{1,3}(,\d{3})*(\.\d+)?|-?\d+(\.\d+)?", text):
        return float(text.replace(",", ""))
    if re.fullmatch(r"-?\d{1,3}(\.\d{3})*,\d+|-?\d+,\d+", text):
        return float(text.replace(".", "").replace(",", "."))
    return None
