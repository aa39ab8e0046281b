"""Checksums of all that is handed over, signed where git has a key to sign with."""

import hashlib
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from fourhats_runtime.errors import ProjectError
from fourhats_runtime.handover.git import setting

CHECKSUMS = "checksums.txt"
PATIENCE = 60  # seconds: who signs may have to be asked


@dataclass(frozen=True)
class Signer:
    """A key that git signs with, and its form: `ssh` or `openpgp`."""

    key: str
    form: str

    @classmethod
    def of(cls, folder: Path) -> "Signer | None":
        """Give the key that git is configured with; None where there is none."""
        key, form = setting(folder, "user.signingkey"), setting(folder, "gpg.format") or "openpgp"
        return cls(key, form) if key and form in ("ssh", "openpgp") else None

    @property
    def check(self) -> str:
        """Give the command that checks the signature."""
        if self.form == "ssh":
            return f"ssh-keygen -Y check-novalidate -n file -s {CHECKSUMS}.sig < {CHECKSUMS}"
        return f"gpg --verify {CHECKSUMS}.asc {CHECKSUMS}"

    def sign(self, path: Path) -> None:
        """Write the signature of a file beside it.

        Raises:
            ProjectError: it cannot be signed; the text says why.

        """
        if self.form == "openpgp":
            _run(
                ["gpg", "--batch", "--armor", "--local-user", self.key, "--detach-sign", str(path)]
            )
            return
        with tempfile.TemporaryDirectory() as place:
            key = Path(self.key).expanduser()
            if self.key.startswith(("key::", "ssh-")):  # whose secret half an agent has
                key = Path(place) / "key.pub"
                key.write_text(self.key.removeprefix("key::") + "\n", encoding="utf-8")
            _run(["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", "file", str(path)])


def write_checksums(folder: Path) -> Path:
    """Write the SHA-256 of every file, as `sha256sum --check` reads it."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in files
    ]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")
    return folder / CHECKSUMS


def _run(command: list[str]) -> None:
    try:
        subprocess.run(  # noqa: S603 (words of ours, and a key of git's)
            command,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=True,
            timeout=PATIENCE,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise ProjectError(f"the checksums could not be signed: {error}") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().splitlines()
        raise ProjectError(
            f"the checksums could not be signed with git's key (user.signingkey): "
            f"{said[-1] if said else 'no word why'}"
        ) from None
