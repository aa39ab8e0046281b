"""Who answers: the champion of the moment, and the one before it where that is damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fourhats_runtime.answer.champion import Champion
from fourhats_runtime.answer.journal import Journal
from fourhats_runtime.errors import DamagedError
from fourhats_runtime.lifecycle.registry import Registry

if TYPE_CHECKING:
    from fourhats_runtime import Project


class Named(Champion[str]):
    """Loads a version as its name; those that are broken cannot be loaded."""

    broken: set[str]
    loads: list[str]

    def _load(self, version: str) -> str:
        self.loads.append(version)
        if version in self.broken:
            raise DamagedError(f"{version} is damaged")
        return f"<{version}>"

    def _name(self, loaded: str) -> str:
        return loaded[1:-1]


@pytest.fixture
def registry(fresh: Project) -> Registry:
    """Give a registry of two versions, of which the first was champion before the second."""
    registry = Registry(fresh.artifacts / "registry")
    for graph in (b"one", b"two"):
        version = registry.add(graph, "", {})
        registry.make_champion(version, "promoted", "for the test")
    return registry


@pytest.fixture
def answering() -> type[Named]:
    Named.broken, Named.loads = set(), []
    return Named


def opened(project: Project) -> Named:
    return Named(project, Journal.of(project, "predictions"))


def test_without_a_champion_nobody_answers_until_there_is_one(
    fresh: Project, answering: type[Named]
) -> None:
    assert answering.loads == []
    champion = opened(fresh)
    assert (champion.version, champion.loaded, champion.fault) == (None, None, "")
    registry = Registry(fresh.artifacts / "registry")
    version = registry.add(b"one", "", {})
    registry.make_champion(version, "promoted", "for the test")
    champion.refresh()
    assert (champion.version, champion.loaded) == (version, f"<{version}>")
    champion.close()


def test_the_same_champion_is_loaded_once_and_another_taken_over(
    fresh: Project, registry: Registry, answering: type[Named]
) -> None:
    one, two = registry.versions()
    champion = opened(fresh)
    champion.refresh()
    assert answering.loads == [two]
    registry.make_champion(one, "rolled back", "for the test")
    champion.refresh()
    assert (champion.version, answering.loads) == (one, [two, one])
    champion.close()


def test_who_answers_goes_on_when_the_next_one_is_damaged_and_it_is_said_once(
    fresh: Project,
    registry: Registry,
    answering: type[Named],
    caplog: pytest.LogCaptureFixture,
) -> None:
    one, two = registry.versions()
    registry.make_champion(one, "rolled back", "for the test")
    champion = opened(fresh)
    answering.broken = {two}
    registry.make_champion(two, "promoted", "for the test")
    for _ in range(3):
        champion.refresh()
    assert (champion.version, champion.fault) == (one, f"{two} is damaged")
    assert caplog.text.count(f"{two} is damaged") == 1
    answering.broken = set()
    champion.refresh()
    assert (champion.version, champion.fault) == (two, "")
    champion.close()


def test_where_nobody_answers_yet_the_champion_before_does(
    fresh: Project,
    registry: Registry,
    answering: type[Named],
    caplog: pytest.LogCaptureFixture,
) -> None:
    one, two = registry.versions()
    answering.broken = {two}
    champion = opened(fresh)
    assert (champion.version, champion.fault) == (one, f"{two} is damaged")
    assert f"{one} answers in its place" in caplog.text
    answering.broken = {one, two}
    another = opened(fresh)
    assert another.version is None
    for each in (champion, another):
        each.close()
