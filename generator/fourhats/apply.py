"""Putting a merged project in place: all of it or nothing, whatever interrupts.

Everything is written beside the project first, and noted in a journal in its .git folder. Then the
files change places, in a moment in which no signal counts. What a power cut leaves of that moment
is undone by the next command, which finds the journal.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from fourhats.errors import FourhatsError, WrongInputError
from fourhats.git import Git
from fourhats.interrupt import undisturbed
from fourhats.terminal import note

if TYPE_CHECKING:
    from fourhats.merge import Merged
    from fourhats.store import Listing, Store
    from fourhats.subproject import Subproject

JOURNAL = "fourhats-update.json"
STAGE = "fourhats-stage-"
Plan: TypeAlias = dict[str, tuple[str | None, str | None]]
"""Object ids of each file before and after, by path."""


def apply(project: Subproject, store: Store, yours: Listing, merged: Merged) -> None:
    """Change the project's files and its index from `yours` to `merged`.

    Raises:
        FourhatsError: the system refuses; the project is as it was.

    """
    plan = _plan(yours, merged.files)
    store.git("update-ref", "refs/heads/merged", store.commit(store.tree(merged.files)))
    project.git(
        *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head"),
        *(str(store.folder), "refs/heads/merged"),
    )
    ground = _ground(project)
    for stale in ground.glob(f"{STAGE}*"):
        shutil.rmtree(stale, ignore_errors=True)
    stage = ground / f"{STAGE}{os.urandom(4).hex()}"
    journal = project.git_folder / JOURNAL
    try:
        _fill(project, stage, {path: merged.files[path] for path in plan if path in merged.files})
        _write_index(project, stage / "index", yours, merged)
        with undisturbed():
            noted = {"stage": str(stage), "files": plan}
            _note_down(journal, json.dumps(noted).encode("utf-8", "surrogateescape"))
            try:
                _exchange(project, stage, plan)
            except FourhatsError:
                journal.unlink()
                raise
            except OSError as error:
                restore(project)
                raise FourhatsError(f"{project.name} stays as it was: {error}") from error
            shutil.rmtree(stage, ignore_errors=True)
            journal.unlink()
    finally:
        with undisturbed():
            if not journal.exists():
                shutil.rmtree(stage, ignore_errors=True)


def _exchange(project: Subproject, stage: Path, plan: Plan) -> None:
    lock = project.git_folder / "index.lock"
    try:
        _write_durably(lock, (stage / "index").read_bytes())
    except FileExistsError as error:
        raise FourhatsError(
            f"another git command is at work in {project.name}, or was cut off ({lock} exists): "
            "nothing was changed, try again"
        ) from error
    _swap(project.path, stage / "files" / project.prefix, plan)
    lock.replace(project.git_folder / "index")


def occupied(project: Subproject, yours: Listing, merged: Merged) -> list[str]:
    """Name new files whose place is taken by something that git ignores.

    Raises:
        WrongInputError: a folder of such things is where a file is to be.

    """
    taken = []
    for path in merged.files.keys() - yours.keys():
        place = project.path / path
        above = [project.path / folder for folder in Path(path).parents if folder.parts]
        if place.is_dir() and not place.is_symlink():
            left = [
                found.relative_to(project.path).as_posix()
                for found in place.rglob("*")
                if not found.is_dir()
            ]
            if any(name not in yours or name in merged.files for name in left):
                raise WrongInputError(
                    f"{path} becomes a file, and is a folder with files that git ignores: "
                    "move it aside first"
                )
        elif os.path.lexists(place) or any(
            folder.is_symlink()
            or (folder.exists() and not folder.is_dir() and _name(project, folder) not in yours)
            for folder in above
        ):
            taken.append(path)
    return sorted(taken)


def cut_off(project: Subproject) -> bool:
    """Tell whether an update was cut off while it was put in place."""
    return (project.git_folder / JOURNAL).exists()


def restore(project: Subproject) -> None:
    """Undo what a cut-off update had put in place.

    The index changes last. While its lock is there, files may be new already; without the lock
    either no file is, or all are and the index too.

    Raises:
        FourhatsError: a file was edited since.

    """
    journal = project.git_folder / JOURNAL
    lock = project.git_folder / "index.lock"
    noted = json.loads(journal.read_bytes().decode("utf-8", "surrogateescape"))
    plan: Plan = {path: tuple(oids) for path, oids in noted["files"].items()}
    if lock.exists():
        edited = [
            path for path, oids in plan.items() if _present(project, path) not in {None, *oids}
        ]
        if edited:
            raise FourhatsError(
                f"an update of {project.name} was cut off, and {', '.join(edited[:3])} edited "
                "since: move that aside, then run this again"
            )
        with undisturbed():
            for path, (old, _) in plan.items():
                if old is None and os.path.lexists(project.path / path):
                    (project.path / path).unlink()
                    _remove_empty(project.path, Path(path).parent)
            before = [f"{path}\0" for path, (old, _) in plan.items() if old is not None]
            project.git("checkout-index", "--force", "-z", "--stdin", given="".join(before))
            lock.unlink()
        note(f"an earlier update of {project.name} was cut off: it was undone first")
    with undisturbed():
        shutil.rmtree(noted["stage"], ignore_errors=True)
        journal.unlink()


def _plan(yours: Listing, files: Listing) -> Plan:
    return {
        path: (yours[path][1] if path in yours else None, files[path][1] if path in files else None)
        for path in sorted(yours.keys() | files.keys())
        if yours.get(path) != files.get(path)
    }


def _ground(project: Subproject) -> Path:
    """Return a folder from which files can be moved into the project in one step."""
    same = project.git_folder.stat().st_dev == project.path.stat().st_dev
    return project.git_folder if same else project.path


def _fill(project: Subproject, stage: Path, files: Listing) -> None:
    """Check the new files out into `stage`, by the project's own attributes and settings."""
    (stage / "files").mkdir(parents=True)
    git = Git(project.path, environment={"GIT_INDEX_FILE": str(stage / "new")})
    lines = [f"{mode} {oid}\t{project.prefix}{path}\0" for path, (mode, oid) in files.items()]
    git("update-index", "-z", "--index-info", given="".join(lines))
    git("checkout-index", "--all", f"--prefix={stage.as_posix()}/files/")
    for file in (stage / "files").rglob("*"):
        if file.is_file() and not file.is_symlink():
            with file.open("rb") as stream:
                os.fsync(stream.fileno())


def _write_index(project: Subproject, index: Path, yours: Listing, merged: Merged) -> None:
    shutil.copyfile(project.git_folder / "index", index)
    git = Git(project.path, environment={"GIT_INDEX_FILE": str(index)})
    lines = []
    for path in sorted(yours.keys() | merged.files.keys()):
        versions = merged.unmerged.get(path)
        if versions is None and yours.get(path) == merged.files.get(path):
            continue
        lines.append(f"0 {'0' * 40}\t{project.prefix}{path}\0")
        if versions is not None:
            lines += [
                f"{mode} {oid} {stage}\t{project.prefix}{path}\0"
                for stage, (mode, oid) in sorted(versions.items())
            ]
        elif path in merged.files:
            mode, oid = merged.files[path]
            lines.append(f"{mode} {oid}\t{project.prefix}{path}\0")
    git("update-index", "-z", "--index-info", given="".join(lines))


def _swap(folder: Path, staged: Path, plan: Plan) -> None:
    for path, (_, new) in plan.items():
        if new is None:
            (folder / path).unlink(missing_ok=True)
            _remove_empty(folder, Path(path).parent)
    for path, (_, new) in plan.items():
        if new is not None:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (staged / path).replace(folder / path)


def _name(project: Subproject, place: Path) -> str:
    return place.relative_to(project.path).as_posix()


def _present(project: Subproject, path: str) -> str | None:
    """Return the object id of a file as it is, or None."""
    place = project.path / path
    if place.is_symlink():
        return project.git("hash-object", "--stdin", given=str(place.readlink()))
    if not place.is_file():
        return None
    return project.git("hash-object", f"--path={project.prefix}{path}", "--", path)


def _remove_empty(top: Path, folder: Path) -> None:
    while folder.parts:
        try:
            (top / folder).rmdir()
        except OSError:
            return
        folder = folder.parent


def _note_down(journal: Path, content: bytes) -> None:
    """Write the journal beside its place first: half of one would say nothing."""
    beside = journal.with_name(f"{journal.name}.new")
    beside.unlink(missing_ok=True)
    _write_durably(beside, content)
    beside.replace(journal)


def _write_durably(file: Path, content: bytes) -> None:
    with file.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
