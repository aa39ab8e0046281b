"""Ctrl-C, SIGTERM and a closed terminal: the first stops the work, cleaning up stops for none."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
_received: list[int] = []
_held: list[bool] = []


class InterruptedBySignalError(KeyboardInterrupt):
    """The process was asked to stop."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise at the first signal; whatever arrives while that is cleaned up waits for the end."""
    _received.clear()
    before = {number: signal.signal(number, _stop) for number in _SIGNALS}
    reported, sys.unraisablehook = sys.unraisablehook, _pass_over_the_stop
    try:
        yield
    finally:
        sys.unraisablehook = reported
        # After `hold` the work is done and the process about to end: nothing is left to stop.
        _handle_by(dict.fromkeys(_SIGNALS, signal.SIG_IGN) if _held else before)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Run a few steps that belong together; a signal that came before or comes meanwhile waits."""
    before = {number: signal.signal(number, _remember) for number in _SIGNALS}
    try:
        yield
    finally:
        _handle_by(before)


def hold() -> None:
    """Let no signal stop what comes now: the point of no return."""
    for number in _SIGNALS:
        signal.signal(number, _remember)
    check()
    _held.append(True)


def release() -> None:
    """Be stoppable again, at once if a signal came meanwhile."""
    _held.clear()
    for number in _SIGNALS:
        signal.signal(number, _stop)
    check()


def check() -> None:
    """Raise if a signal came at a moment when Python could not deliver its exception."""
    if _received:
        raise InterruptedBySignalError


def exit_code() -> int:
    """Return what a shell expects of a process that a signal stopped."""
    return 128 + (_received[0] if _received else signal.SIGINT)


def _handle_by(handlers: Mapping[int, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> None:
    _remember(number, frame)
    for each in _SIGNALS:
        signal.signal(each, _remember)
    raise InterruptedBySignalError


def _pass_over_the_stop(problem: sys.UnraisableHookArgs) -> None:
    # What is raised in a finalizer goes nowhere: `check` raises it again.
    if not isinstance(problem.exc_value, InterruptedBySignalError):
        sys.__unraisablehook__(problem)


def _remember(number: int, _frame: FrameType | None) -> None:
    _received.append(number)
