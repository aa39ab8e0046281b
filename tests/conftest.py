"""What all tests have in common: at the end, the files that took the most time are listed."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

SHOWN = 20


class Seconds:
    """Adds up what each file takes, over all processes of a run."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.by_file: defaultdict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add a test's set-up, its run, or what was done after it."""
        self.by_file[report.nodeid.partition("::")[0]] += report.duration

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """List the slowest files."""
        terminalreporter.section(f"slowest {SHOWN} files")
        for seconds, name in self._slowest():
            terminalreporter.write_line(f"{seconds:8.1f} s  {name}")

    def _slowest(self) -> Iterator[tuple[float, str]]:
        slowest = sorted(self.by_file.items(), key=lambda item: -item[1])[:SHOWN]
        yield from ((seconds, name) for name, seconds in slowest)


def pytest_configure(config: pytest.Config) -> None:
    """Add up seconds in the process that prints the summary."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Seconds(), "seconds-by-file")
