"""The table of the stream, by broker: names that are not set are made of the project's."""

import pytest
from fourhats_runtime import Project
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.stream import kafka, redis
from fourhats_runtime.stream.kafka import Login
from fourhats_runtime.stream.worker import Kind

from tests.runtime.configured import configured


@pytest.mark.parametrize("broker", [redis, kafka])
def test_names_that_are_not_set_are_the_projects(fresh: Project, broker: Kind) -> None:
    table = broker.table(fresh)
    assert (table.input, table.output) == ("sample.records", "sample.predictions")
    assert (table.dead_letters, table.group) == ("sample.dead-letters", "sample")


def test_names_that_are_set_count(fresh: Project) -> None:
    table = redis.table(configured(fresh, stream={"input": "theirs", "batch_size": 5}))
    assert (table.input, table.output, table.batch_size) == ("theirs", "sample.predictions", 5)


def test_what_another_broker_has_is_a_typing_error(fresh: Project) -> None:
    project = configured(fresh, stream={"remember_answers": 5})
    assert kafka.table(project).remember_answers == 5
    with pytest.raises(ProjectError, match=r"stream\.remember_answers"):
        redis.table(project)


@pytest.mark.parametrize("variable", ["KAFKA_SECURITY_PROTOCOL", "KAFKA_SASL_MECHANISM"])
def test_a_way_to_log_in_that_there_is_not_is_named(
    fresh: Project, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "SMOKE_SIGNALS")
    with pytest.raises(ProjectError, match=variable.lower()):
        fresh.settings(Login)
