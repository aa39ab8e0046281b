"""What stops a command, said to the person in one line."""

from __future__ import annotations


class FourhatsError(Exception):
    """A command cannot go on: the message says what was wrong, where, and what to do."""

    exit_code = 1


class WrongInputError(FourhatsError):
    """What was typed or handed in does not do: nothing has been written."""

    exit_code = 2


class CancelledError(FourhatsError):
    """The person chose not to go on: nothing has been written."""

    exit_code = 130
