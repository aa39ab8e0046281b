"""Putting a merged project in place: all of it or nothing, whatever interrupts.

Everything is written beside the project first, and noted in a journal in its .git folder. Then the
files change places, in a moment in which no signal counts. What a power cut leaves of that moment
is undone by the next command, which finds the journal.

Nothing is overwritten: a file is compared with what the plan saw, moved aside, and compared once
more, and a new one only goes where nothing stands. What somebody saves meanwhile stops it all.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from fourhats.change.store import listing_of_index
from fourhats.errors import FourhatsError, WrongInputError
from fourhats.git import Git
from fourhats.interrupt import undisturbed
from fourhats.terminal import note

if TYPE_CHECKING:
    from collections.abc import Collection

    from fourhats.change.merge import Merged
    from fourhats.change.store import Listing, Store
    from fourhats.change.subproject import Subproject

JOURNAL = "fourhats-update.json"
STAGE = "fourhats-stage-"
_MOST_NAMED = 5
Plan: TypeAlias = dict[str, tuple[str | None, str | None]]
"""Object ids of each file before and after, by path."""


def apply(project: Subproject, store: Store, yours: Listing, merged: Merged) -> None:
    """Change the project's files and its index from `yours` to `merged`.

    Raises:
        FourhatsError: the system refuses, or a file is not as it was planned with; the project is
            as it was.

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
        project.check_clean()
        with undisturbed():
            noted = {"stage": str(stage), "files": plan}
            _note_down(journal, json.dumps(noted).encode("utf-8", "surrogateescape"))
            try:
                lock = _locked(project)
            except FourhatsError:
                journal.unlink()
                raise
            try:
                seen = _contents(project.path, plan)
                check_as_planned(project, yours, merged)
                _write_index(project, stage / "index", yours, merged)
                _swap(project.path, stage, project.prefix, plan)
                _check_nothing_was_saved(stage, seen)
                _write_durably(lock, (stage / "index").read_bytes(), "wb")
                lock.replace(project.git_folder / "index")
            except (OSError, FourhatsError) as error:
                _put_back(project, stage, plan)
                lock.unlink()
                journal.unlink()
                if isinstance(error, FourhatsError):
                    raise
                raise FourhatsError(f"{project.name} stays as it was: {error}") from error
            shutil.rmtree(stage, ignore_errors=True)
            journal.unlink()
    finally:
        with undisturbed():
            if not journal.exists():
                shutil.rmtree(stage, ignore_errors=True)


def check_as_planned(project: Subproject, yours: Listing, merged: Merged) -> None:
    """Compare the project with what the plan saw of it: branch, index, and each file's content.

    Git is not asked what changed: of a file that is marked skip-worktree or assume-unchanged it
    says that nothing did.

    Raises:
        WrongInputError: something differs; it is named.

    """
    if project.git("rev-parse", "--quiet", "--verify", "HEAD", fine=(0, 1)) != project.head:
        raise WrongInputError(
            f"another commit is checked out in {project.name} than the one this was planned with: "
            "nothing was changed, run it again"
        )
    plan = _plan(yours, merged.files)
    staged = listing_of_index(project.git)
    differing = {path for path in {*staged, *yours, *plan} if staged.get(path) != yours.get(path)}
    before = {path: yours[path] for path in plan if path in yours}
    differing |= {*_edited(project, before), *occupied(project, yours, merged)}
    if differing:
        raise _not_as_planned(differing)


def _not_as_planned(paths: Collection[str]) -> WrongInputError:
    named = ", ".join(sorted(paths)[:_MOST_NAMED])
    if len(paths) > _MOST_NAMED:
        named += f" and {len(paths) - _MOST_NAMED} more"
    return WrongInputError(
        f"not as committed: {named}. Nothing was changed: commit or stash that, then run this "
        "again (where git shows no change, the file is marked: git update-index "
        "--no-skip-worktree --no-assume-unchanged FILE)"
    )


def _edited(project: Subproject, files: Listing) -> list[str]:
    """Name those of the committed files that lie in the folder with another content, or not."""
    if not files:
        return []
    with tempfile.TemporaryDirectory(prefix="fourhats-", ignore_cleanup_errors=True) as place:
        # An index of our own knows of no marks, and of no file that it is as it was.
        index = {"GIT_INDEX_FILE": str(Path(place, "index"))}
        git = Git(project.path, ("diff.autoRefreshIndex=true",), index)
        lines = [f"{mode} {oid}\t{project.prefix}{path}\0" for path, (mode, oid) in files.items()]
        git("update-index", "-z", "--index-info", given="".join(lines))
        said = git(
            *("diff", "--name-only", "-z", "--no-renames", "--no-relative", "--no-ext-diff"),
            "--ignore-submodules",
        ).split("\0")[:-1]
    return [path.removeprefix(project.prefix) for path in said]


def _locked(project: Subproject) -> Path:
    """Keep every other git out; return the file that does.

    Raises:
        FourhatsError: another git is at work.

    """
    lock = project.git_folder / "index.lock"
    try:
        _write_durably(lock, b"")
    except FileExistsError as error:
        raise FourhatsError(
            f"another git command is at work in {project.name}, or was cut off ({lock} exists): "
            "nothing was changed, try again"
        ) from error
    return lock


def occupied(project: Subproject, yours: Listing, merged: Merged) -> list[str]:
    """Name new files whose place is taken by something that git ignores, another repository too.

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
            or (folder / ".git").exists()
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
            _put_back(project, Path(noted["stage"]), plan)
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
    if (project.git_folder / "index").exists():
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


def _contents(folder: Path, plan: Plan) -> dict[str, bytes]:
    """Fingerprint the files that change or go, by path."""
    return {path: _content(folder / path) for path, (old, _) in plan.items() if old is not None}


def _content(file: Path) -> bytes:
    if file.is_symlink():
        return os.fsencode(file.readlink())
    return sha256(file.read_bytes()).digest()


def _swap(folder: Path, stage: Path, prefix: str, plan: Plan) -> None:
    aside, staged = stage / "before", stage / "files" / prefix

    def move_aside(path: str) -> None:
        (aside / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).rename(aside / path)

    needed = {above for path, (_, new) in plan.items() if new for above in Path(path).parents}
    for path, (_, new) in plan.items():
        if new is None:
            move_aside(path)
            _remove_empty(folder, Path(path).parent, needed)
    for path, (old, new) in plan.items():
        if new is not None:
            if old is not None:
                move_aside(path)
                _keep_rights(aside / path, staged / path)
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            _put(staged / path, folder / path)


def _put(file: Path, place: Path) -> None:
    """Put a file where nothing stands.

    Raises:
        WrongInputError: something does.

    """
    try:
        if file.is_symlink():
            place.symlink_to(file.readlink())
        else:
            place.hardlink_to(file)
    except OSError as error:
        if os.path.lexists(place):
            raise _not_as_planned([str(place)]) from error
        # Not every file system knows links.
        file.rename(place)


def _keep_rights(before: Path, file: Path) -> None:
    """Let a file have the rights of the one before it, if both or neither are programs."""
    if before.is_file() and not before.is_symlink() and not file.is_symlink():
        rights = stat.S_IMODE(before.stat().st_mode)
        if not (rights ^ file.stat().st_mode) & stat.S_IXUSR:
            file.chmod(rights)


def _check_nothing_was_saved(stage: Path, seen: dict[str, bytes]) -> None:
    saved = [path for path, content in seen.items() if _content(stage / "before" / path) != content]
    if saved:
        raise _not_as_planned(saved)


def _put_back(project: Subproject, stage: Path, plan: Plan) -> None:
    """Undo what is in place of a plan; what somebody else put there stays."""
    aside = stage / "before"
    for path, (old, new) in plan.items():
        moved = os.path.lexists(aside / path)
        if new is not None and (new != old or moved) and _present(project, path) == new:
            (project.path / path).unlink()
            _remove_empty(project.path, Path(path).parent)
    for path, (old, _) in plan.items():
        place = project.path / path
        if old is not None and os.path.lexists(aside / path):
            if os.path.lexists(place):
                place = _free(place)
            place.parent.mkdir(parents=True, exist_ok=True)
            (aside / path).rename(place)
    missing = [
        path
        for path, (old, _) in plan.items()
        if old is not None and not os.path.lexists(project.path / path)
    ]
    given = "".join(f"{path}\0" for path in missing)
    project.git("checkout-index", "-z", "--stdin", given=given)


def _free(place: Path) -> Path:
    number, free = 2, place.with_name(f"{place.name}.kept")
    while os.path.lexists(free):
        number, free = number + 1, place.with_name(f"{place.name}.{number}.kept")
    return free


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


def _remove_empty(top: Path, folder: Path, needed: Collection[Path] = ()) -> None:
    while folder.parts and folder not in needed:
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


def _write_durably(file: Path, content: bytes, mode: str = "xb") -> None:
    with file.open(mode) as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
