"""The model registry: a folder of versions, and two pointers that are switched atomically."""

import hashlib
import json
import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from .errors import ProjectError

Pointer = Literal["champion", "challenger"]
Card = dict[str, Any]
"""What is known of a version: how it was trained, its decision rule, its baseline for drift."""

GRAPH_FILE, CARD_FILE, CONTRACT_FILE = "model.onnx", "model.json", "contract.toml"
CHAMPIONS_FILE = "champions.jsonl"


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

    def point(self, pointer: Pointer, version: str, reason: str = "") -> None:
        """Switch a pointer: readers see the old version or the new one, never anything else.

        Another champion is written down, with the reason.
        """
        before = self.version(pointer)
        write_atomically(self.root / pointer, version + "\n")
        if pointer == "champion" and version != before:
            at = datetime.now(UTC).isoformat(timespec="seconds")
            line = json.dumps({"at": at, "version": version, "before": before, "reason": reason})
            with (self.root / CHAMPIONS_FILE).open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    def champions(self) -> list[Card]:
        """Give all champions there were: `at`, `version`, the one `before`, and the `reason`."""
        path = self.root / CHAMPIONS_FILE
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

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


def write_atomically(path: Path, text: str) -> None:
    """Write a file that a reader sees whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)
