"""The bucket that machines share: what is written is there, and nobody overwrites unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import obstore
import pytest
from fourhats_runtime.data import bucket
from fourhats_runtime.data.bucket import Bucket, ChangedError, Stamp
from fourhats_runtime.errors import ProjectError
from obstore.store import MemoryStore

from tests.runtime.data.tables import with_table

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime import Project


@pytest.fixture
def shared(fresh: Project, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Give a bucket that is kept in memory."""
    store = MemoryStore()
    monkeypatch.setattr(bucket, "_store", lambda *_: store)
    return Bucket(with_table(fresh, "storage", url="s3://acme/churn/"))


def test_what_is_written_is_read_until_it_is_removed(shared: Bucket, tmp_path: Path) -> None:
    assert shared.read("a/x.json") is None
    shared.write("a/x.json", b"one")
    (tmp_path / "file").write_bytes(b"two")
    shared.send("a/b/y", tmp_path / "file")
    shared.write("z", b"three")
    found = shared.read("a/x.json")
    assert found is not None
    assert found.content == b"one"
    assert shared.read("a/x.json", found.stamp) is None
    shared.write("a/x.json", b"other")
    assert shared.read("a/x.json", found.stamp) is not None
    assert {name: one.size for name, one in shared.listed("a").items()} == {"x.json": 5, "b/y": 3}
    for _ in range(2):
        shared.remove("a/x.json")
    assert shared.read("a/x.json") is None


def test_what_somebody_else_wrote_is_not_replaced(shared: Bucket) -> None:
    first = shared.replace("state", b"one", None)
    assert shared.replace("state", b"one", None) == first  # an answer that got lost
    with pytest.raises(ChangedError):
        shared.replace("state", b"two", None)
    second = shared.replace("state", b"two", first)
    with pytest.raises(ChangedError):
        shared.replace("state", b"three", first)
    assert shared.read("state") == bucket.Found(b"two", second)


def test_a_bucket_that_does_not_answer_is_named(
    shared: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OSError("no route Debug source: a page of it")

    for name in ("get", "put", "list", "delete"):
        monkeypatch.setattr(obstore, name, away)
    for act, done in (
        (lambda: shared.read("x"), "read"),
        (lambda: shared.write("x", b""), "written"),
        (lambda: shared.listed("x"), "listed"),
        (lambda: shared.remove("x"), "removed"),
        (lambda: shared.replace("x", b"", Stamp(None, "1")), "written"),
    ):
        with pytest.raises(ProjectError) as failed:
            act()
        assert str(failed.value) == f"s3://acme/churn/x cannot be {done}: no route"


class Noted:
    """A store that notes how it was made."""

    def __init__(self, name: str, **given: Any) -> None:  # noqa: ANN401 (of each vendor others)
        """Keep what was given."""
        options = ("client_options", "retry_config")
        self.given = {"name": name} | {k: v for k, v in given.items() if k not in options}
        self.plain = given["client_options"]["allow_http"]


@pytest.mark.parametrize(
    ("scheme", "variables", "expected"),
    [
        ("s3", {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key"}, {
            "access_key_id": "id", "secret_access_key": "key", "endpoint": "http://127.0.0.1:1",
            "region": "eu",
        }),
        ("gs", {"GOOGLE_APPLICATION_CREDENTIALS": "/key.json"}, {
            "application_credentials": "/key.json", "base_url": "http://127.0.0.1:1",
        }),
        ("az", {"AZURE_STORAGE_ACCOUNT": "acme", "AZURE_STORAGE_KEY": "key"}, {
            "account_name": "acme", "account_key": "key", "endpoint": "http://127.0.0.1:1/acme",
        }),
        ("az", {"AZURE_STORAGE_ACCOUNT": "acme", "AZURE_STORAGE_SAS_TOKEN": "token",
                "AZURE_STORAGE_KEY": "key"}, {
            "account_name": "acme", "sas_key": "token", "endpoint": "http://127.0.0.1:1/acme",
        }),
        ("az", {"AZURE_STORAGE_ACCOUNT": "acme", "AZURE_CLIENT_ID": "machine"}, {
            "account_name": "acme", "client_id": "machine",
            "endpoint": "http://127.0.0.1:1/acme",
        }),
    ],
)  # fmt: skip
def test_each_vendor_is_entered_by_its_own_variables(
    scheme: str,
    variables: dict[str, str],
    expected: dict[str, str],
    fresh: Project,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("S3Store", "GCSStore", "AzureStore"):
        monkeypatch.setattr(bucket, name, Noted)
    for name in ("AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_TENANT_ID"):
        monkeypatch.setenv(name, "")
    for name in ("AZURE_CLIENT_ID", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = {"url": f"{scheme}://acme", "endpoint": "http://127.0.0.1:1/", "region": "eu"}
    settings["endpoint"] = settings["endpoint"].rstrip("/")
    store: Any = Bucket(with_table(fresh, "storage", **settings))._store  # noqa: SLF001
    assert store.given == {"name": "acme", "skip_signature": False} | expected
    assert store.plain is True


def test_who_is_anonymous_signs_nothing(fresh: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket, "GCSStore", Noted)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
    project = with_table(fresh, "storage", url="gs://acme", anonymous=True)
    store: Any = Bucket(project)._store  # noqa: SLF001
    assert store.given["skip_signature"] is True
    assert store.given["credential_provider"]() == {"token": "", "expires_at": None}
    assert store.plain is False
