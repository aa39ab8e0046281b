"""Where models come from, and that no other file is ever used."""

from __future__ import annotations

import hashlib
import pickle
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.pretrained.embedding import Sentence, Static
from fourhats_runtime.pretrained.models import Pinned, kept, see_that_they_may_be_used
from fourhats_runtime.pretrained.vectors import embedded
from fourhats_runtime.search.settings import Search

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from fourhats_runtime import Project

REVISION = "0123456789abcdef0123456789abcdef01234567"
CONTENT = b"weights of a model"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def in_folder(project: Project, content: bytes = CONTENT) -> Pinned:
    (project.folder / "models" / "weights").write_bytes(content)
    return Pinned(folder="models", file="weights", sha256=SHA256)


def test_a_file_is_kept_by_its_digest_and_not_looked_for_again(unsearched: Project) -> None:
    path = kept(unsearched, pinned := in_folder(unsearched))
    assert (path.name, path.read_bytes()) == (SHA256, CONTENT)
    (unsearched.folder / "models" / "weights").unlink()
    assert kept(unsearched, pinned) == path


def test_another_file_than_the_named_one_is_refused(unsearched: Project) -> None:
    with pytest.raises(ProjectError, match=f"models: weights has the SHA-256 .* not {SHA256}"):
        kept(unsearched, in_folder(unsearched, b"other weights"))


def test_a_file_of_a_package(unsearched: Project) -> None:
    pinned = Pinned(package="numpy", file="numpy/version.py", sha256="0" * 64)
    with pytest.raises(ProjectError, match=r"numpy: numpy/version\.py has the SHA-256"):
        kept(unsearched, pinned)


@pytest.mark.parametrize(
    ("pinned", "said"),
    [
        ({"folder": "models", "file": "nothing"}, "models: nothing is no file"),
        ({"package": "numpy", "file": "nothing"}, "numpy: nothing is no file"),
        ({"package": "no-such-package", "file": "x"}, "`uv add no-such-package`"),
    ],
)
def test_what_is_not_there_is_named(unsearched: Project, pinned: dict[str, str], said: str) -> None:
    with pytest.raises(ProjectError, match=said):
        kept(unsearched, Pinned(sha256=SHA256, **pinned))


@pytest.mark.parametrize(
    "pinned",
    [
        {"file": "x"},
        {"file": "x", "folder": "models", "package": "numpy"},
        {"file": "x", "hub": "somebody/something"},
        {"file": "x", "hub": "somebody/something", "revision": "main"},
        {"file": "x", "folder": "models", "revision": REVISION},
    ],
)
def test_a_file_is_in_one_place_and_a_hubs_at_a_revision(pinned: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"name one of|has a revision|should match pattern"):
        Pinned(sha256=SHA256, **pinned)


class Hub(BaseHTTPRequestHandler):
    """A hub with one file at one revision."""

    asked: list[str]

    def do_HEAD(self) -> None:
        """Say whether it is there."""
        self.asked.append(self.path)
        known = self.path == f"/somebody/something/resolve/{REVISION}/weights"
        self.send_response(200 if known else 404)
        self.send_header("ETag", f'"{SHA256}"')
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()

    def do_GET(self) -> None:
        """Give the file."""
        self.do_HEAD()
        self.wfile.write(CONTENT)

    def log_message(self, *_about: object) -> None:
        """Keep quiet."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[type[Hub]]:
    Hub.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
        yield Hub
        server.shutdown()
        thread.join()


def of_hub(file: str = "weights") -> Pinned:
    return Pinned(hub="somebody/something", revision=REVISION, file=file, sha256=SHA256)


def test_a_hubs_file_is_fetched_once_from_where_the_setting_says(
    unsearched: Project, hub: type[Hub]
) -> None:
    assert kept(unsearched, of_hub()).read_bytes() == CONTENT
    asked = len(hub.asked)
    assert asked
    kept(unsearched, of_hub())
    assert len(hub.asked) == asked


def test_a_hubs_file_that_is_not_there_is_named(unsearched: Project, hub: type[Hub]) -> None:
    with pytest.raises(ProjectError, match=f"something at {REVISION}: other cannot be fetched"):
        kept(unsearched, of_hub("other"))
    assert hub.asked


def test_offline_nobody_is_asked(
    unsearched: Project, hub: type[Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ProjectError, match="cannot be fetched"):
        kept(unsearched, of_hub())
    assert hub.asked == []


@pytest.mark.parametrize("licence", ["CC-BY-NC-4.0", "cc-by-nc-sa-4.0", "Research only", "unknown"])
def test_a_licence_has_to_let_the_client_earn_money(licence: str) -> None:
    model = {
        "kind": "static",
        "licence": licence,
        "origin": "somebody",
        "weights": {"folder": "models", "file": "x", "sha256": SHA256},
        "tokenizer": {"folder": "models", "file": "x", "sha256": SHA256},
    }
    search = Search.model_validate({"models": {"one": model}})
    with pytest.raises(ProjectError, match="the model 'one' has the licence"):
        see_that_they_may_be_used(search)
    see_that_they_may_be_used(search.model_copy(update={"accepted_licences": ("one",)}))
    fine = {"one": model | {"licence": "Apache-2.0"}}
    see_that_they_may_be_used(Search.model_validate({"models": fine}))


@pytest.mark.parametrize(
    ("kind", "file"), [(Sentence, "model.onnx"), (Static, "table.safetensors")]
)
def test_a_text_is_the_mean_of_its_words_however_many_there_are(
    unsearched: Project,
    kind: type[Sentence | Static],
    file: str,
) -> None:
    folder = unsearched.folder / "models"
    embed = kind(folder / file, folder / "tokenizer.json")
    car, road, both = embed(["car", "road", "car road"])
    assert both == pytest.approx((car + road) / 2, abs=1e-5)
    sent = pickle.loads(pickle.dumps(embed))  # noqa: S301 (as to Spark's workers)
    assert np.array_equal(sent(["car road"])[0], both)
    many = [" ".join(["car"] * length) for length in range(1, 80)]
    assert embed(many) == pytest.approx(np.stack([car] * 79), abs=1e-5)


@pytest.mark.parametrize(
    ("kind", "file", "said"),
    [
        (Sentence, "tokenizer.json", "is no ONNX graph"),
        (Static, "tokenizer.json", "is no file of safetensors"),
    ],
)
def test_what_is_no_model_is_said(
    unsearched: Project,
    kind: type[Sentence | Static],
    file: str,
    said: str,
) -> None:
    folder = unsearched.folder / "models"
    with pytest.raises(ProjectError, match=said):
        kind(folder / file, folder / "tokenizer.json")
    with pytest.raises(ProjectError, match="is no tokenizer"):
        kind(folder / "model.onnx", folder / "model.onnx")


def test_only_texts_that_are_new_are_embedded(tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def embed(texts: Sequence[str]) -> Any:  # noqa: ANN401 (vectors)
        asked.append(list(texts))
        return np.array([[len(text), 1] for text in texts], dtype=np.float32)

    path = tmp_path / "vectors.parquet"
    first, made = embedded(path, embed, ["a", "bb", "a"])
    assert (first[:, 0].tolist(), made) == ([1, 2, 1], 2)
    second, made = embedded(path, embed, ["ccc", "bb"])
    assert (second[:, 0].tolist(), made) == ([3, 2], 1)
    path.write_bytes(b"damaged")
    assert embedded(path, embed, ["bb"])[1] == 1
    assert asked == [["a", "bb"], ["ccc"], ["bb"]]
