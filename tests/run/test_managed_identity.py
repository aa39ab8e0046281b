"""At Azure a container has no key: it signs in with an identity, as the files for Terraform say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.services.azure_identity import CLIENT_ID, Azure, azure
from tests.services.rendered import Project, command, install, render

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = "az://artifacts"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return install(
        render(
            tmp_path_factory.mktemp("identity") / "customer-churn",
            cloud="azure",
            serving=["api"],
            data_sources=["object_storage"],
            orchestrator="none",
            ci="none",
        )
    )


@pytest.fixture
def cloud() -> Iterator[Azure]:
    with azure() as both:
        yield both


def test_the_line_leaves_its_registry_where_its_identity_is_let_in(
    project: Project, cloud: Azure
) -> None:
    env = {"STORAGE__URL": URL, "TRAINING__TRIALS": "2", **cloud.container}
    done = command(project, "run", env=env)
    assert "stays in the bucket" not in done.stderr
    assert "/churnstore/artifacts/registry/state.json" in cloud.blobs
    assert "/churnstore/artifacts/reports/report.html" in cloud.blobs


def test_of_several_identities_the_one_that_is_named_signs_in(
    project: Project, cloud: Azure
) -> None:
    env = {"STORAGE__URL": URL, **cloud.container, "AZURE_CLIENT_ID": ""}
    refused = command(project, "extract", env=env, check=False)
    assert refused.returncode == 2
    assert refused.stderr.strip().count("\n") == 0
    assert f"{URL}/registry/state.json cannot be read" in refused.stderr
    assert "400 Bad Request" in refused.stderr


def test_the_container_is_told_which_identity_it_is(project: Project) -> None:
    folder = project.folder / "deploy" / "terraform" / "azure"
    for name in ("api", "line"):
        text = (folder / f"{name}.tf").read_text()
        told = re.findall(r'name += "AZURE_CLIENT_ID".*\n +value = (.*)\.client_id', text)
        assert told == [f'azurerm_user_assigned_identity.run["{name}"]']


def test_sources_in_azure_are_read_by_the_same_identity(project: Project, cloud: Azure) -> None:
    """Arrow sends a token over TLS alone: what is seen is that it asks for the right one."""
    env = {
        **cloud.container,
        "OBJECT_STORAGE__URL": "az://sales/in.csv",
        "OBJECT_STORAGE__ENDPOINT": cloud.url.replace("http://", "https://"),
    }
    command(project, "extract", env=env, check=False)
    assert set(cloud.asked) == {CLIENT_ID}
