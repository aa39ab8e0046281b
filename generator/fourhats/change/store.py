"""Trees and files in a scratch repository that sees the project's own objects too."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from fourhats.git import AS_RENDERED, Git

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Entry: TypeAlias = tuple[str, str]
"""Mode and object id of a file."""
Listing: TypeAlias = dict[str, Entry]
"""The files of a tree by path."""

_BATCH_END = b"\n"


class Store:
    """A bare repository in a scratch folder, which sees the objects of the project's too."""

    def __init__(self, folder: Path, objects: Path) -> None:
        """Make the repository in `folder`; `objects` is the project's folder of them."""
        folder.mkdir()
        self.folder = folder
        self.git = Git(
            folder,
            settings=(
                *(*AS_RENDERED, "core.bare=true"),
                *("merge.renames=true", "merge.directoryRenames=false", "merge.renameLimit=0"),
                *("diff.renameLimit=0", "gc.auto=0"),
            ),
            environment={
                f"GIT_{person}_{key}": value
                for person in ("AUTHOR", "COMMITTER")
                for key, value in (("NAME", "Fourhats"), ("EMAIL", "fourhats@localhost"))
            },
        )
        self.git("init", "--quiet", "--bare", "--object-format=sha1")
        alternates = folder / "objects" / "info" / "alternates"
        alternates.write_text(f"{objects}\n", encoding="utf-8")
        # What is rendered may name any program as the filter of its files.
        (folder / "info").mkdir(exist_ok=True)
        (folder / "info" / "attributes").write_text("* -filter\n", encoding="ascii")

    def added(self, folder: Path, tracked: str) -> Listing:
        """Take in the files of a folder, but for those that its .gitignore leaves out.

        What the project tracks already (the tree `tracked`) is never left out.
        """
        git = Git(
            folder,
            (*self.git.settings, "core.bare=false"),
            {
                **self.git.environment,
                "GIT_DIR": str(self.folder),
                "GIT_WORK_TREE": str(folder),
                "GIT_INDEX_FILE": str(self.folder / f"index-{folder.name}"),
            },
        )
        git("read-tree", tracked)
        git("add", "--all", ".")
        return listing(self.git, git("write-tree"))

    def tree(self, listing: Listing) -> str:
        """Write a tree."""
        name = self.folder / "index-tree"
        name.unlink(missing_ok=True)
        git = Git(
            self.folder,
            self.git.settings,
            {**self.git.environment, "GIT_INDEX_FILE": str(name)},
        )
        lines = [f"{mode} {oid}\t{path}\0" for path, (mode, oid) in listing.items()]
        git("update-index", "-z", "--index-info", given="".join(lines))
        return git("write-tree", "--missing-ok")

    def commit(self, tree: str, *parents: str) -> str:
        """Commit a tree."""
        named = [part for parent in parents for part in ("-p", parent)]
        return self.git("commit-tree", tree, *named, "-m", "merge")

    def blobs(self, oids: Iterable[str]) -> dict[str, bytes]:
        """Read files by their object id."""
        wanted = sorted(set(oids))
        said = self.git.bytes(
            "cat-file", "--batch", given="".join(f"{o}\n" for o in wanted).encode()
        )
        contents = {}
        for oid in wanted:
            header, _, said = said.partition(_BATCH_END)
            size = int(header.split()[2])
            contents[oid], said = said[:size], said[size + 1 :]
        return contents

    def write(self, content: bytes) -> str:
        """Write a file and return its object id."""
        return self.git.bytes("hash-object", "-w", "--stdin", given=content).decode().strip()

    def renames(self, before: Listing, after: Listing, similarity: int) -> dict[str, str]:
        """Find files that moved, at least `similarity` percent of them unchanged."""
        gone, come = before.keys() - after.keys(), after.keys() - before.keys()
        if not gone or not come:
            return {}
        trees = (self.tree(before), self.tree(after))
        said = self.git(
            *("diff-tree", "-r", "-z", "--name-status", f"--find-renames={similarity}%"),
            *("--diff-filter=R", *trees),
        )
        fields = said.split("\0")[:-1]
        return dict(zip(fields[1::3], fields[2::3], strict=True))


def listing(git: Git, tree: str) -> Listing:
    """List the files of a tree."""
    found = {}
    for line in git("ls-tree", "-r", "-z", "--full-tree", tree).split("\0")[:-1]:
        about, _, path = line.partition("\t")
        mode, _, oid = about.split(" ")
        found[path] = (mode, oid)
    return found


def listing_of_index(git: Git) -> Listing:
    """List the files of the index in a folder; of a conflict, its last version."""
    found = {}
    for line in git("ls-files", "--stage", "-z").split("\0")[:-1]:
        about, _, path = line.partition("\t")
        mode, oid, _ = about.split(" ")
        found[path] = (mode, oid)
    return found
