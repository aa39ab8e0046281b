"""The three-way merge: what was rendered, what its user made of it, what is rendered now.

Git merges, on trees in a scratch repository. What git would lose is decided here, before it: a
file that the template no longer has goes only if its user never changed it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fourhats.change.images import settle_digests
from fourhats.change.store import listing
from fourhats.source import ANSWERS_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fourhats.change.store import Entry, Listing, Store

RENAMED_BY_PERSON = 50
"""Percent of a file that is the same where its user moved it (git's own measure)."""
SUBMODULE = "160000"
# Renovate marks an update by a comment of its own.
_NOTED_BY_TOOLS = (b"_src_path:", b"_commit:", b"#copier updated")


@dataclass(frozen=True)
class Sides:
    """The three trees of a merge."""

    base: Listing
    yours: Listing
    theirs: Listing


@dataclass(frozen=True)
class Rules:
    """How to merge."""

    version: str
    """Names the template's side in conflict markers."""
    similarity: int
    """Percent of a file that came, from which on it is one that went, renamed."""
    owned: Callable[[str], bool]
    """Tells the files that are their user's as soon as they changed them."""
    merge_owned: bool
    """Merge the template's changes into those too, where that is clean."""


@dataclass
class Merged:
    """The merged project, and what a person has to know of it."""

    files: Listing
    unmerged: dict[str, dict[int, Entry]] = field(default_factory=dict)
    """The versions of each conflicting file: 1 as rendered before, 2 yours, 3 as rendered now."""
    moved: dict[str, str] = field(default_factory=dict)
    """Files that the template moved, with their user's lines in them."""
    kept: dict[str, str] = field(default_factory=dict)
    """Files that went, and where their user's version is."""
    deleted: list[str] = field(default_factory=list)
    """Files that their user had deleted and the template changed: they stay deleted."""
    own: list[str] = field(default_factory=list)
    """Configuration that is its user's, and that the template would now write otherwise."""


def merge(store: Store, sides: Sides, rules: Rules) -> Merged:
    """Merge the three trees, which `store` holds."""
    base, yours, theirs = dict(sides.base), dict(sides.yours), dict(sides.theirs)
    result = Merged({})
    renamed = store.renames(base, theirs, rules.similarity)
    if renamed:
        _follow_its_user(theirs, renamed, store.renames(base, yours, RENAMED_BY_PERSON))
    result.own += _leave_what_is_owned(base, yours, theirs, rules)
    result.own += _leave_other_kinds(base, yours, theirs)
    result.deleted += _take_out_what_was_deleted(store, base, yours, theirs, renamed)
    gone = _take_out_what_goes(base, yours, theirs, renamed)
    endings = _unify_line_endings(store, base, yours, theirs)
    with_own_digests = settle_digests(store, base, yours, theirs, renamed)
    _merge_trees(store, Sides(base, yours, theirs), rules.version, result)
    result.moved = {
        old: new
        for old, new in renamed.items()
        if new in result.files and old in sides.yours and sides.yours[old] != sides.base[old]
    }
    for path, entry in with_own_digests.items():
        if path in result.unmerged:
            result.unmerged[path][2] = entry
    # Where its user has a file of their own, the lines that come there keep the ends of that one.
    free = {old: new for old, new in renamed.items() if new not in sides.yours}
    _restore_line_endings(store, result, endings, free)
    if rules.merge_owned:
        for path in [path for path in result.unmerged if rules.owned(path)]:
            del result.unmerged[path]
            result.files[path] = sides.yours[path]
            result.own.append(path)
    for path in gone:
        if sides.yours[path] != sides.base.get(path):
            place = _place_for(path, result.files)
            result.files[place] = sides.yours[path]
            result.kept[path] = place
    _answers(store, sides, result)
    return result


def _follow_its_user(
    theirs: Listing, renamed: dict[str, str], elsewhere: Mapping[str, str]
) -> None:
    """Where both sides moved a file, let the template move it where its user did."""
    for old, place in elsewhere.items():
        if old in renamed and place not in theirs:
            theirs[place] = theirs.pop(renamed[old])
            renamed[old] = place


def _leave_what_is_owned(base: Listing, yours: Listing, theirs: Listing, rules: Rules) -> list[str]:
    """Make the template's side of a file that is its user's as it was; name those that differ."""
    own = []
    for path in sorted(base.keys() | theirs.keys()):
        before, now, mine = base.get(path), theirs.get(path), yours.get(path)
        if not rules.owned(path) or mine in (before, now):
            continue
        if rules.merge_owned and None not in (before, now, mine):
            continue
        if before != now and mine is not None:
            own.append(path)
        if mine is not None or before is not None:
            _put(base, path, mine)
            _put(theirs, path, mine)
    return own


def _leave_other_kinds(base: Listing, yours: Listing, theirs: Listing) -> list[str]:
    """Make the template's side of a file as it was, if one side made a link of it; name those.

    Both changed it then, and no lines of a link merge with those of a file.
    """
    own = []
    for path in sorted(yours.keys() & theirs.keys()):
        before, mine, now = base.get(path), yours[path], theirs[path]
        kinds = {entry[0][:3] for entry in (before, mine, now) if entry is not None}
        if len(kinds) > 1 and mine not in (before, now) and now != before:
            base[path] = theirs[path] = mine
            own.append(path)
    return own


def _take_out_what_was_deleted(
    store: Store, base: Listing, yours: Listing, theirs: Listing, renamed: Mapping[str, str]
) -> list[str]:
    """Take what its user deleted out of the merge; name what the template changed meanwhile."""
    elsewhere = store.renames(base, yours, RENAMED_BY_PERSON)
    changed = []
    for path in [path for path in base if path not in yours and path not in elsewhere]:
        before = base.pop(path)
        place = renamed.get(path, path)
        if place in yours and theirs.get(place) == yours[place]:
            continue  # where the template moves it, its user has something of their own
        now = theirs.pop(place, None)
        if now is not None and (place, now) != (path, before):
            changed.append(place)
    return changed


def _take_out_what_goes(
    base: Listing, yours: Listing, theirs: Listing, renamed: Mapping[str, str]
) -> list[str]:
    """Take what the template no longer has out of the merge; name what its user still has."""
    gone = [path for path in base if path not in theirs and path not in renamed]
    for path in gone:
        del base[path]
    return [path for path in gone if yours.pop(path, None) is not None]


def _unify_line_endings(
    store: Store, base: Listing, yours: Listing, theirs: Listing
) -> dict[str, Entry]:
    """Give the user's CRLF files the endings of the template's; return the files as they were."""
    moved = base.keys() - yours.keys()
    changed = {
        path: entry
        for path, entry in yours.items()
        if entry != base.get(path) and entry[0] != SUBMODULE
        if path in base or path in theirs or moved
    }
    if not changed:
        return {}
    contents = store.blobs(oid for _, oid in changed.values())
    endings = {}
    for path, (mode, oid) in changed.items():
        content = contents[oid]
        if b"\r\n" in content and b"\0" not in content and _all_crlf(content):
            endings[path] = (mode, oid)
            yours[path] = (mode, store.write(content.replace(b"\r\n", b"\n")))
    return endings


def _restore_line_endings(
    store: Store, result: Merged, endings: Mapping[str, Entry], moved: Mapping[str, str]
) -> None:
    for path, entry in endings.items():
        aside = [name for name in result.files if name.startswith(f"{path}~yours")]
        places = [result.kept.get(path, path), moved.get(path, path), *aside]
        place = next((place for place in places if place in result.files), None)
        if place is None:
            continue
        mode, oid = result.files[place]
        content = store.blobs([oid])[oid].replace(b"\r\n", b"\n")
        result.files[place] = (mode, store.write(content.replace(b"\n", b"\r\n")))
        if place in result.unmerged:
            result.unmerged[place][2] = entry


def _merge_trees(store: Store, sides: Sides, version: str, result: Merged) -> None:
    base = store.commit(store.tree(sides.base))
    names = ("yours", f"template-{version}")
    for name, side in zip(names, (sides.yours, sides.theirs), strict=True):
        store.git("update-ref", f"refs/heads/{name}", store.commit(store.tree(side), base))
    said = store.git("merge-tree", "--write-tree", "-z", "--no-messages", *names, fine=(0, 1))
    tree, *conflicts = said.split("\0")[:-1]
    result.files = listing(store.git, tree)
    for line in conflicts:
        about, _, path = line.partition("\t")
        mode, oid, stage = about.split(" ")
        result.unmerged.setdefault(path, {})[int(stage)] = (mode, oid)
    for path, versions in list(result.unmerged.items()):
        if versions.keys() == {1, 3}:
            # Its user deleted it, the template changed or moved it: it stays deleted.
            del result.unmerged[path]
            result.files.pop(path, None)
            result.deleted.append(path)
        elif versions.keys() == {1}:
            # Both moved it, to different places: those are in conflict, not this one.
            del result.unmerged[path]
        elif versions.keys() == {1, 2}:
            # The template's file is elsewhere now, and git saw too little of it in there.
            del result.unmerged[path]
            result.files.pop(path, None)
            place = _place_for(path, result.files)
            result.files[place] = versions[2]
            result.kept[path] = place


def _answers(store: Store, sides: Sides, result: Merged) -> None:
    """Let the answers be those that were rendered; what their user wrote beside them is kept."""
    mine, now = sides.yours.get(ANSWERS_FILE), sides.theirs.get(ANSWERS_FILE)
    if mine is None or now is None:
        return
    if ANSWERS_FILE not in result.unmerged and result.files.get(ANSWERS_FILE) == now:
        return
    before = sides.base.get(ANSWERS_FILE, now)
    contents = store.blobs([mine[1], now[1], before[1]])
    rendered = {*contents[now[1]].splitlines(), *contents[before[1]].splitlines()}
    written = [
        line
        for line in contents[mine[1]].splitlines()
        if line.strip() and line not in rendered and not line.startswith(_NOTED_BY_TOOLS)
    ]
    result.unmerged.pop(ANSWERS_FILE, None)
    result.files[ANSWERS_FILE] = now
    if written:
        place = _place_for(ANSWERS_FILE, result.files)
        result.files[place] = mine
        result.kept[ANSWERS_FILE] = place


def _place_for(path: str, files: Mapping[str, Entry]) -> str:
    """Name a free place beside `path`."""
    folder = next((path[:end] for end in _slashes(path) if path[:end] in files), None)
    if folder is not None:
        # What was a folder is a file now.
        path = folder + "-" + path[len(folder) + 1 :].replace("/", "-")
    place, number = f"{path}.kept", 2
    while place in files:
        place, number = f"{path}.{number}.kept", number + 1
    return place


def _slashes(path: str) -> list[int]:
    return [place for place, sign in enumerate(path) if sign == "/"]


def _all_crlf(content: bytes) -> bool:
    return content.count(b"\n") == content.count(b"\r\n")


def _put(listing: Listing, path: str, entry: Entry | None) -> None:
    if entry is None:
        listing.pop(path, None)
    else:
        listing[path] = entry
