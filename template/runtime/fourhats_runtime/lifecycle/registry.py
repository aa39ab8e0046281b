"""The model registry: a folder of versions, and two pointers that are switched atomically."""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypedDict

from fourhats_runtime.errors import DamagedError, ProjectError
from fourhats_runtime.files import (
    Content,
    digest_of,
    read_json,
    read_text,
    unfinished,
    write_atomically,
    written_whole,
)

Pointer = Literal["champion", "challenger"]
Card = dict[str, Any]
"""What is known of a version: how it was trained, its decision rule, its baseline for drift."""


class Promotion(TypedDict):
    """When a version became champion, after which one, why, and whether people were notified."""

    at: str
    version: str
    previous: str | None
    how: Literal["promoted", "rolled back"]
    reason: str
    announced: bool


GRAPH_FILE, CARD_FILE, CONTRACT_FILE = "model.onnx", "model.json", "contract.toml"
HISTORY_FILE = "champions.json"
NAME = re.compile(r"v[0-9]+-[0-9a-f]+")
SHA256 = re.compile(r"[0-9a-f]{64}$")
ANOTHER = (
    "`rollback --to VERSION` has another version decide, `train` and `promote --accept` a new one"
)
ANEW = (
    "move it away, and the next promotion begins the list anew; until then the way back is "
    "`rollback --to VERSION`"
)


class Registry:
    """Versions in `root/versions/`, pointers in `root/champion` and `root/challenger`."""

    def __init__(self, root: Path) -> None:
        """Use the folder `root`, which the first version makes."""
        self.root = root

    def add(
        self, graph: bytes, contract: str, card: Card, beside: Mapping[str, Content] | None = None
    ) -> str:
        """Register a version and point `challenger` at it; the same model is not added twice.

        The name holds the count and a digest of what is registered, e.g. `v3-1f0c2ab9`. `beside`
        are more files of the version, such as the index of a search, by name: what is in each, or
        the file that is copied.
        """
        if beside is not None:
            card = card | {"files": {name: digest_of(content) for name, content in beside.items()}}
        digest = _digest(graph, contract, json.loads(json.dumps(card)))
        known = self.versions()
        version = next((name for name in known if name.endswith(digest)), None)
        if version is None:
            version = f"v{len(known) + 1}-{digest}"
            self._write(version, graph, contract, card, beside or {})
        elif not self._is_whole(version):
            self._write_files(self.folder(version), graph, contract, card, beside or {})
        self.point("challenger", version)
        return version

    def versions(self) -> list[str]:
        """List the versions, the oldest first."""
        found = (path.name for path in self.root.glob("versions/v*-*"))
        return sorted(found, key=lambda name: int(name[1:].split("-")[0]))

    def version(self, pointer: Pointer) -> str | None:
        """Follow a pointer; None where there is none yet.

        Raises:
            DamagedError: it names no version.

        """
        path = self.root / pointer
        try:
            version = path.read_bytes().decode(errors="replace").strip()
        except FileNotFoundError:
            return None
        if not (NAME.fullmatch(version) and self.folder(version).is_dir()):
            way_back = "`train` sets it anew"
            if pointer == "champion":
                known = ", ".join(self.versions())
                way_back = f"`rollback --to VERSION` says who decides (there are: {known})"
            raise DamagedError(f"{path} is damaged (it names no version): {way_back}")
        return version

    def require(self, pointer: Pointer) -> str:
        """Follow a pointer that has to be there.

        Raises:
            ProjectError: it is not; the text names the step that sets it.

        """
        version = self.version(pointer)
        if version is None:
            step = "promote" if pointer == "champion" else "train"
            raise ProjectError(
                f"there is no {pointer} in {self.root} yet: run the step `{step}` first"
            )
        return version

    def point(self, pointer: Pointer, version: str) -> None:
        """Switch a pointer: readers see the old version or the new one, never anything else."""
        write_atomically(self.root / pointer, version + "\n")

    def make_champion(
        self, version: str, how: Literal["promoted", "rolled back"], reason: str
    ) -> None:
        """Make a version champion, and note after which one and why.

        The note comes first. Where a promotion was cut off in between, the pointer does not agree
        with the note, and the next one takes its place.
        """
        history = self.history()
        try:
            champion = self.version("champion")
        except DamagedError:  # which this mends
            champion = history[-1]["version"] if history else None
        else:
            if version == champion:
                return
        while history and not history[-1]["announced"] and history[-1]["version"] != champion:
            history.pop()
        promotion = Promotion(
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            version=version,
            previous=champion,
            how=how,
            reason=reason,
            announced=False,
        )
        self._keep([*history, promotion])
        self.point("champion", version)

    def promotions(self) -> list[Promotion]:
        """List how each champion came to be one up to today's, the oldest first."""
        champion, history = self.version("champion"), self.history()
        while history and history[-1]["version"] != champion:
            history.pop()  # cut off before the pointer was switched; or a hand switched it back
        return history

    def champions(self) -> list[str]:
        """List the versions that have been champion up to today's, each once."""
        found = [promotion["version"] for promotion in self.promotions()]
        return list(dict.fromkeys([*found, self.require("champion")]))

    def to_fall_back_on(self) -> list[str]:
        """List who did answer before today's champion, which cannot be loaded: the latest first.

        Where the pointer cannot be read, today's own comes first: the list of champions names it.
        """
        try:
            history = [promotion["version"] for promotion in self.history()]
            champion = self.version("champion")
        except DamagedError:
            champion = None
        if champion in history:
            history = history[: len(history) - 1 - history[::-1].index(champion)]
        return list(dict.fromkeys(name for name in reversed(history) if name != champion))

    def mark_announced(self) -> None:
        """Note that people were notified of every champion up to today's."""
        announced, history = len(self.promotions()), self.history()
        for promotion in history[:announced]:
            promotion["announced"] = True
        self._keep(history)

    def folder(self, version: str) -> Path:
        """Give the folder of a version."""
        return self.root / "versions" / version

    def size(self, version: str) -> int:
        """Count the bytes of a version's own files."""
        return sum(path.stat().st_size for path in self.folder(version).iterdir())

    def model(self, digest: str) -> Path:
        """Give where a file of a pre-trained model lies: versions share them."""
        return self.root / "models" / digest

    def models(self) -> list[str]:
        """List the files of pre-trained models."""
        return sorted(path.name for path in self.root.glob("models/*") if SHA256.match(path.name))

    def card(self, version: str) -> Card:
        """Read what is known of a version.

        Raises:
            DamagedError: it cannot be read.

        """
        card: Card = read_json(self.folder(version) / CARD_FILE, dict, ANOTHER)
        return card

    def check(self, version: str) -> None:
        """See that graph, contract and card are those that were registered.

        Raises:
            DamagedError: one is missing, or they are not; the text names it.

        """
        folder, card = self.folder(version), self.card(version)
        try:
            graph = (folder / GRAPH_FILE).read_bytes()
            contract = read_text(folder / CONTRACT_FILE, ANOTHER)
        except FileNotFoundError as error:
            raise DamagedError(f"{error.filename} is missing: {ANOTHER}") from None
        beside = card.get("files", {})
        if changed := [name for name in beside if digest_of(folder / name) != beside[name]]:
            raise DamagedError(f"{folder / changed[0]} is damaged or missing: {ANOTHER}")
        if not version.endswith(_digest(graph, contract, card)):
            raise DamagedError(
                f"{folder} is damaged ({GRAPH_FILE}, {CONTRACT_FILE} or {CARD_FILE} is not what "
                f"was registered): {ANOTHER}"
            )

    def note(self, version: str, name: str, facts: Card) -> None:
        """Keep facts beside a version, such as its evaluation."""
        write_atomically(self.folder(version) / f"{name}.json", json.dumps(facts, indent=2) + "\n")

    def evaluation(self, version: str) -> Card:
        """Give how a version was judged.

        Raises:
            ProjectError: it was not.

        """
        found = self.noted(version, "evaluation")
        if found is None:
            raise ProjectError(f"{version} has not been evaluated: run the step `evaluate` first")
        return found

    def noted(self, version: str, name: str) -> Card | None:
        """Read facts that were kept beside a version, None where there are none."""
        path = self.folder(version) / f"{name}.json"
        if not path.exists():
            return None
        facts: Card = read_json(path, dict, "delete it, and run the step that writes it again")
        return facts

    def forget(self, version: str, name: str) -> None:
        """Take back facts that were kept beside a version."""
        (self.folder(version) / f"{name}.json").unlink(missing_ok=True)

    def history(self) -> list[Promotion]:
        """Read who became champion, the oldest first; the last may have been cut off before.

        Raises:
            DamagedError: it cannot be read.

        """
        path = self.root / HISTORY_FILE
        if not path.exists():
            return []
        history: list[Promotion] = read_json(path, list, ANEW, Promotion.__required_keys__)
        return history

    def _is_whole(self, version: str) -> bool:
        try:
            self.check(version)
        except DamagedError:
            return False
        return True

    def _keep(self, promotions: list[Promotion]) -> None:
        write_atomically(self.root / HISTORY_FILE, json.dumps(promotions, indent=2) + "\n")

    def _write(
        self, version: str, graph: bytes, contract: str, card: Card, beside: Mapping[str, Content]
    ) -> None:
        self.folder(version).parent.mkdir(parents=True, exist_ok=True)
        scratch = self.root / unfinished()
        scratch.mkdir(mode=0o755)
        try:
            self._write_files(scratch, graph, contract, card, beside)
            scratch.rename(self.folder(version))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    @staticmethod
    def _write_files(
        folder: Path, graph: bytes, contract: str, card: Card, beside: Mapping[str, Content]
    ) -> None:
        for name, content in ({GRAPH_FILE: graph} | dict(beside)).items():
            with written_whole(folder / name) as scratch:
                if isinstance(content, Path):
                    shutil.copyfile(content, scratch)
                else:
                    scratch.write_bytes(content)
        write_atomically(folder / CONTRACT_FILE, contract)
        write_atomically(folder / CARD_FILE, json.dumps(card, indent=2) + "\n")


def model_files(card: Card) -> set[str]:
    """Give the files of the pre-trained models that a version answers by, as digests."""
    models = card.get("models", {}).values()
    return {file["sha256"] for each in models for file in (each["weights"], each["tokenizer"])}


def _digest(graph: bytes, contract: str, card: Card) -> str:
    content = graph + contract.encode() + json.dumps(card, sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()[:8]
