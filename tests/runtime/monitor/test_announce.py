"""People hear of every new champion once, and of none that did not stay."""

from dataclasses import replace

import pytest
from fourhats_runtime import Project
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.monitor import Event, NotTakenError
from fourhats_runtime.monitor.announce import announce


def test_a_new_champion_is_announced_once_when_the_message_is_taken(fresh: Project) -> None:
    sent: list[Event] = []
    is_out = True

    def channel(_: Project, events: list[Event]) -> None:
        if is_out:
            raise NotTakenError("out")
        sent.extend(events)

    project = replace(fresh, channels={"own": channel})
    registry = Registry(project.artifacts / "registry")
    announce(project)
    for version in ("v1-00000000", "v2-00000000"):
        registry.folder(version).mkdir(parents=True)
    registry.make_champion("v1-00000000", "promoted", "worth more")
    with pytest.raises(ProjectError, match="champion:v1-00000000"):
        announce(project)
    is_out = False
    announce(project)
    announce(project)
    registry.make_champion("v2-00000000", "rolled back", "a person said so")
    announce(project)
    assert [event.message for event in sent] == [
        "v1-00000000 promoted: worth more",
        "v2-00000000 rolled back after v1-00000000: a person said so",
    ]
    assert all(event.is_notice for event in sent)
