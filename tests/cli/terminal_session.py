"""A person at a terminal: a real pseudo-terminal, and the screen that the person would see."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pexpect
import pyte

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

UP, DOWN, ENTER, SPACE, CTRL_A, CTRL_C, CTRL_K = (
    *("\x1b[A", "\x1b[B", "\r", " "),
    *("\x01", "\x03", "\x0b"),
)


class _Screen(pyte.HistoryScreen):
    """A screen that answers when it is asked, after what was written before the request."""

    def __init__(self, columns: int, rows: int, process: pexpect.spawn[bytes]) -> None:
        super().__init__(columns, rows, history=5000)
        self._process = process

    def write_process_input(self, data: str) -> None:
        """Tell the command what it asked for: where the cursor stands."""
        self._process.send(data)


class TerminalSession:
    """One command in a terminal of a given size."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        columns: int = 100,
        rows: int = 40,
    ) -> None:
        """Start the command."""
        self.process: pexpect.spawn[bytes] = pexpect.spawn(
            command[0],
            list(command[1:]),
            cwd=str(folder),
            env={**os.environ, "TERM": "xterm-256color", **(environment or {})},
            dimensions=(rows, columns),
            timeout=60,
        )
        self.screen = _Screen(columns, rows, self.process)
        self._stream = pyte.ByteStream(self.screen)

    def read(self, seconds: float = 0.1) -> str:
        """Take in what the command writes for a moment, and return the screen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                written = self.process.read_nonblocking(65536, timeout=0.05)
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                break
            self._stream.feed(written)
        return self.text

    @property
    def text(self) -> str:
        """The screen, as lines."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    @property
    def transcript(self) -> str:
        """All lines that were ever shown, those scrolled away included."""
        above = [
            "".join(row[column].data for column in range(self.screen.columns)).rstrip()
            for row in self.screen.history.top
        ]
        return "\n".join([*above, self.text])

    def wait_for(self, words: str, seconds: float = 60) -> str:
        """Wait until the words stand on the screen."""
        end = time.monotonic() + seconds
        while words not in self.text:
            if time.monotonic() > end:
                raise AssertionError(f"{words!r} never came up; the screen is:\n{self.transcript}")
            if not self.process.isalive():
                self.read()
                if words in self.text:
                    break
                raise AssertionError(f"ended before {words!r} came up:\n{self.transcript}")
            self.read(0.05)
        return self.text

    def type(self, *keys: str) -> None:
        """Type, as a person does: one key after the other."""
        for key in keys:
            self.process.send(key)
            self.read(0.05)

    def answer(self, words: str, *keys: str) -> None:
        """Wait for a question, then type."""
        self.wait_for(words)
        self.type(*keys)

    def end(self, seconds: float = 60) -> int:
        """Wait for the command to end and return its exit code."""
        stop = time.monotonic() + seconds
        while self.process.isalive():
            self.read(0.1)
            if time.monotonic() > stop:
                self.process.terminate(force=True)
                raise AssertionError(f"it does not end; the screen is:\n{self.transcript}")
        self.read()
        self.process.close()
        if self.process.signalstatus is not None:
            return 128 + self.process.signalstatus
        assert self.process.exitstatus is not None
        return self.process.exitstatus
