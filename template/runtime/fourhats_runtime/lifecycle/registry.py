"""The model registry: a folder of versions, and two pointers that are switched atomically."""

import hashlib
import json
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypedDict

from fourhats_runtime.errors import ProjectError
from fourhats_runtime.files import write_atomically

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


class Registry:
    """Versions in `root/versions/`, pointers in `root/champion` and `root/challenger`."""

    def __init__(self, root: Path) -> None:
        """Use the folder `root`, which the first version makes."""
        self.root = root

    def add(self, graph: bytes, contract: str, card: Card) -> str:
        """Register a version and point `challenger` at it; the same model is not added twice.

        The name holds the count and a digest of what is registered, e.g. `v3-1f0c2ab9`.
        """
        content = graph + contract.encode() + json.dumps(card, sort_keys=True).encode()
        digest = hashlib.sha256(content).hexdigest()[:8]
        known = self.versions()
        version = next((name for name in known if name.endswith(digest)), None)
        if version is None:
            version = f"v{len(known) + 1}-{digest}"
            self._write(version, graph, contract, card)
        self.point("challenger", version)
        return version

    def versions(self) -> list[str]:
        """List the versions, the oldest first."""
        found = (path.name for path in self.root.glob("versions/v*-*"))
        return sorted(found, key=lambda name: int(name[1:].split("-")[0]))

    def version(self, pointer: Pointer) -> str | None:
        """Follow a pointer."""
        try:
            return (self.root / pointer).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None

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
        champion, history = self.version("champion"), self._history()
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
        champion, history = self.version("champion"), self._history()
        while history and history[-1]["version"] != champion:
            history.pop()  # cut off before the pointer was switched; or a hand switched it back
        return history

    def champions(self) -> list[str]:
        """List the versions that have been champion up to today's, each once."""
        found = [promotion["version"] for promotion in self.promotions()]
        return list(dict.fromkeys([*found, self.require("champion")]))

    def mark_announced(self) -> None:
        """Note that people were notified of every champion up to today's."""
        announced, history = len(self.promotions()), self._history()
        for promotion in history[:announced]:
            promotion["announced"] = True
        self._keep(history)

    def folder(self, version: str) -> Path:
        """Give the folder of a version."""
        return self.root / "versions" / version

    def card(self, version: str) -> Card:
        """Read what is known of a version."""
        card: Card = json.loads((self.folder(version) / CARD_FILE).read_text(encoding="utf-8"))
        return card

    def note(self, version: str, name: str, facts: Card) -> None:
        """Keep facts beside a version, such as its evaluation."""
        write_atomically(self.folder(version) / f"{name}.json", json.dumps(facts, indent=2) + "\n")

    def noted(self, version: str, name: str) -> Card | None:
        """Read facts that were kept beside a version, None where there are none."""
        path = self.folder(version) / f"{name}.json"
        facts: Card | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        return facts

    def forget(self, version: str, name: str) -> None:
        """Take back facts that were kept beside a version."""
        (self.folder(version) / f"{name}.json").unlink(missing_ok=True)

    def _history(self) -> list[Promotion]:
        path = self.root / HISTORY_FILE
        history: list[Promotion] = []
        if path.exists():
            history = json.loads(path.read_text(encoding="utf-8"))
        return history

    def _keep(self, promotions: list[Promotion]) -> None:
        write_atomically(self.root / HISTORY_FILE, json.dumps(promotions, indent=2) + "\n")

    def _write(self, version: str, graph: bytes, contract: str, card: Card) -> None:
        self.folder(version).parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=self.root))
        (scratch / GRAPH_FILE).write_bytes(graph)
        (scratch / CONTRACT_FILE).write_text(contract, encoding="utf-8")
        (scratch / CARD_FILE).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
        scratch.chmod(0o755)
        try:
            scratch.rename(self.folder(version))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
