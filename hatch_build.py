"""What a wheel carries beside its files: the runtime, and the template's versions as a git bundle.

From a repository the bundle is made; from an sdist, which carries it, it is only passed on.
"""

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_CARRIED = "generator/fourhats/source"
_RUNTIME = "template/runtime/fourhats_runtime"
_TEMPLATE = ("copier.yml", "includes", "questions", "template")


class TemplateBundle(BuildHookInterface):  # type: ignore[type-arg,misc]
    """Puts `template.bundle` and `template.version` into the wheel and the sdist."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make both, or stop the build with one line that says why it cannot be."""
        root = Path(self.root)
        if version == "editable":  # there the runtime is installed by itself, editable as well
            return
        if self.target_name == "wheel":
            build_data["force_include"][str(root / _RUNTIME)] = "fourhats_runtime"
        if (root / _CARRIED / "template.bundle").is_file():
            return
        self._check(root)
        described = _git(root, "describe", "--tags", "--always")
        self._check_version(described.strip())
        # Gone with the hook itself, once the build is over.
        self._folder = tempfile.TemporaryDirectory(prefix="fourhats-")
        folder = Path(self._folder.name)
        (folder / "template.version").write_text(described)
        _bundle(root, folder)
        place = _CARRIED if self.target_name == "sdist" else "fourhats/source"
        for name in ("template.bundle", "template.version"):
            build_data["force_include"][str(folder / name)] = f"{place}/{name}"

    def _check(self, root: Path) -> None:
        try:
            toplevel = Path(_git(root, "rev-parse", "--show-toplevel").strip()).resolve()
        except (OSError, subprocess.CalledProcessError):
            toplevel = None
        if toplevel != root.resolve():
            self.app.abort(
                f"{root} is no git repository, so the template has no versions to carry: "
                "build from a clone, or from an sdist"
            )
        if _git(root, "rev-parse", "--is-shallow-repository").strip() == "true":
            self.app.abort(
                f"{root} is a shallow clone, which lacks the template's versions: "
                "run `git fetch --unshallow --tags` first"
            )
        if _git(root, "status", "--porcelain", "--", *_TEMPLATE):
            self.app.abort(
                f"{root} has changes of the template that are not committed, and only what is "
                "committed can be carried: commit them first"
            )

    def _check_version(self, described: str) -> None:
        """See the distribution's version and the release's tag agree."""
        version = self.metadata.version
        if re.fullmatch(r"v\d+(\.\d+)*", described) and described != f"v{version}":
            self.app.abort(
                f"the commit is tagged {described}, but pyproject.toml says {version}: "
                "`make release` sets both"
            )


def _bundle(root: Path, folder: Path) -> None:
    """Write HEAD, as the branch `main`, and all tags: fetching takes what a name leads to."""
    clone = folder / "clone.git"
    _git(root, "clone", "--quiet", "--bare", "--shared", str(root), str(clone))
    head = _git(root, "rev-parse", "HEAD").strip()
    for branch in _git(clone, "for-each-ref", "--format=%(refname)", "refs/heads").split():
        _git(clone, "update-ref", "-d", branch)
    _git(clone, "update-ref", "refs/heads/main", head)
    _git(clone, "symbolic-ref", "HEAD", "refs/heads/main")
    _git(
        *(clone, "-c", "pack.threads=1"),  # the same bytes each time
        *("bundle", "create", "--quiet", str(folder / "template.bundle"), "HEAD", "main", "--tags"),
    )


def _git(folder: Path, *command: str) -> str:
    return subprocess.run(
        ["git", *command], cwd=folder, check=True, capture_output=True, text=True
    ).stdout
