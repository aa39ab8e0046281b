"""What all tests have in common.

What a fixture of a whole file left on the disk goes with it, unless a test of that file failed: all
of them together fill the disk of a small machine. At the end, the slowest files are listed.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.services import bytecode
from tests.services.draw import seed

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOWN = 20
LONGEST = Path(__file__).parent / "runtime" / "test_mutations.py"
"""Among the last to be collected: begun last, it would go on alone."""


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


class Folders:
    """Removes the folders that fixtures of a file asked `tmp_path_factory` for, after their end."""

    def __init__(self) -> None:
        """Start with none."""
        self.of_fixture: dict[pytest.FixtureDef[object], set[Path]] = {}
        self.claimed: set[Path] = set()
        self.failed: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
    ) -> Iterator[None]:
        """Note what came while a fixture was made, but for what one within it has claimed."""
        if "tmp_path_factory" not in fixturedef.argnames:
            return (yield)
        factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        before = set(factory.getbasetemp().iterdir())
        try:
            return (yield)
        finally:
            made = set(factory.getbasetemp().iterdir()) - before - self.claimed
            self.claimed |= made
            if fixturedef.scope == "module":
                self.of_fixture[fixturedef] = made

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the file of a test that failed."""
        if report.failed:
            self.failed.add(report.nodeid.partition("::")[0])

    def pytest_fixture_post_finalizer(
        self, fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
    ) -> None:
        """Remove what a fixture made, but for what Python compiled there."""
        made = self.of_fixture.pop(fixturedef, set())
        if request.node.nodeid.partition("::")[0] not in self.failed:
            for folder in made:
                for environment in (*folder.glob(".venv"), *folder.glob("*/.venv")):
                    bytecode.keep(environment)
                shutil.rmtree(folder, ignore_errors=True)


def pytest_report_header() -> str:
    """Say by what services are drawn."""
    return f"services drawn by DRAWN={seed()}"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the file that takes longest."""
    items.sort(key=lambda item: item.path != LONGEST)


def pytest_configure(config: pytest.Config) -> None:
    """Add up seconds in the process that prints the summary, tidy up in those that run tests.

    uv keeps its packages in one place, whatever home a test is given: in one of their own, it would
    download all of them again.
    """
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    os.environ.setdefault("UV_CACHE_DIR", str(caches / "uv"))
    config.pluginmanager.register(Folders(), "folders-of-a-file")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Seconds(), "seconds-by-file")
