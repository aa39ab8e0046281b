"""Texts in the CSV files that are written here, so that no spreadsheet takes one for a formula.

By OWASP's page on CSV injection: an apostrophe stands before what a formula could begin with.
"""

import re

BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")
NUMBER = re.compile(r"[+-] ?[€$£¥]? ?[0-9.,][0-9.,'\u2019 \u00a0\u202f]*([eE][+-]?[0-9]+)?[%€$£¥]?")
"""What begins with a sign and is a number all the same, as -5 and +1.234,50 € are."""


def as_cell(value: object) -> object:
    """Give what is written of a value: a text that could be a formula is marked as one."""
    if not isinstance(value, str) or not value.startswith(BEGINS) or NUMBER.fullmatch(value):
        return value
    return f"'{value}"


def read_cell(text: str) -> str:
    """Give a cell's text without the mark that `as_cell` has put before it."""
    return text[1:] if text.startswith("'") and text.startswith(BEGINS, 1) else text
