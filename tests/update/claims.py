"""What holds after every update, whatever the user did and whatever the template does."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from tests.update.snapshot import Entry, Tree, is_binary, lines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from tests.update.commands import Said, State

ANSWERS_FILE = ".copier-answers.yml"


@dataclass(frozen=True, repr=False)
class Update:
    """An update that was applied."""

    old: Tree
    """As it was rendered before."""
    yours: Tree
    """What its user made of it."""
    new: Tree
    """As it is rendered now."""
    after: State
    said: Said
    owned: Collection[str] = ()
    """Configuration: an update leaves it alone once its user changed it, other answers merge it."""
    local: Collection[str] = ()
    """Files that git ignores."""

    @cached_property
    def result(self) -> Tree:
        """The files after it."""
        return self.after.files

    @cached_property
    def named(self) -> list[str]:
        """The files that the output names."""
        return [path for path in self.result if self.said.names(path)]

    def homes(self, path: str) -> list[Entry]:
        """Give the places where a file's lines may be: its own, and those that are named."""
        return [self.result[place] for place in {path, *self.named} if place in self.result]

    @cached_property
    def rendered_lines(self) -> set[bytes]:
        """All lines that were rendered before, whatever they end in."""
        return {line.rstrip(b"\r") for entry in self.old.values() for line in lines(entry.content)}

    def touched(self) -> Iterator[tuple[str, Entry]]:
        """Give the files that are not as they were rendered."""
        return (item for item in self.yours.items() if self.old.get(item[0]) != item[1])


def check(update: Update) -> None:
    """Check every claim."""
    every_written_line_has_a_home(update)
    what_the_template_left_alone_is_as_it_was(update)
    what_the_user_left_alone_is_the_new_version(update)
    what_the_user_deleted_stays_deleted(update)
    what_the_template_wrote_arrives(update)
    modes_are_merged(update)
    windows_line_ends_stay(update)
    conflicts_are_known_to_git_and_named(update)


def every_written_line_has_a_home(update: Update) -> None:
    rendered = {entry.content for entry in update.old.values()}
    for path, entry in update.touched():
        homes = update.homes(path)
        if entry.kind == "link" or is_binary(entry.content):
            if entry.kind == "link" or entry.content not in rendered:
                found = any(
                    home.content == entry.content
                    and (home.kind == "link") == (entry.kind == "link")
                    for home in homes
                )
                assert found, f"{path} is lost as a whole"
            continue
        assert homes, f"{path} is lost"
        wrote = [
            line for line in lines(entry.content) if line.rstrip(b"\r") not in update.rendered_lines
        ]
        present = Counter(chain.from_iterable(lines(home.content) for home in homes))
        if b"\r\n" in entry.content and not entry.content.endswith(b"\n"):
            # Before a conflict's marker the last line gets the end that the others have.
            last = lines(entry.content)[-1]
            present[last] += present[last + b"\r"]
        lost = Counter(wrote) - present
        assert not lost, f"{path} has lost {sorted(lost)}"


def what_the_template_left_alone_is_as_it_was(update: Update) -> None:
    for path in update.old.keys() | update.yours.keys():
        if path in {ANSWERS_FILE, *update.local}:
            continue
        if update.old.get(path) != update.new.get(path):
            continue
        mine, found = update.yours.get(path), update.result.get(path)
        if mine == found:
            continue
        # A file that its user moved here gets what the template changed at its old place; what is
        # in the way of a new folder goes aside.
        assert path not in update.old, f"{path} became {found!r:.300}"
        assert mine is not None
        assert _derived(mine, update.old) or mine in update.homes(path), f"{path} is lost"


def what_the_user_left_alone_is_the_new_version(update: Update) -> None:
    changed = {path: entry for path, entry in update.old.items() if update.yours.get(path) != entry}
    for path in update.old.keys() | update.new.keys():
        if path in update.local or update.yours.get(path) != update.old.get(path):
            continue
        wanted, found = update.new.get(path), update.result.get(path)
        if wanted == found:
            continue
        # A file that the template moved here comes with what its user had made of it.
        assert path not in update.old, f"{path} became {found!r:.300}"
        assert wanted is not None
        assert _derived(wanted, changed) or wanted in update.homes(path), f"{path} is missing"


def what_the_user_deleted_stays_deleted(update: Update) -> None:
    for path in update.old.keys() - update.yours.keys():
        assert path not in update.result, f"{path} came back"
    for path in update.old.keys() & update.yours.keys() & update.result.keys():
        before, mine, found = update.old[path], update.yours[path], update.result[path]
        if path in update.after.unmerged or mine == before or path == ANSWERS_FILE:
            continue
        cut = _texts(before) - _texts(mine)
        back = cut & _texts(found)
        assert not back, f"{sorted(back)} came back in {path}"


def what_the_template_wrote_arrives(update: Update) -> None:
    arrived = {line for entry in update.result.values() for line in _texts(entry)}
    # What its user deleted, or made something else of, is not brought back, wherever it would go.
    given_up = {
        path: entry for path, entry in update.old.items() if not _is_text(update.yours.get(path))
    }
    for path, entry in update.new.items():
        if path in {*given_up, *update.owned, *update.local, *update.after.unmerged}:
            continue
        if path in update.yours and not _is_text(update.yours[path]):
            continue
        missing = _texts(entry) - update.rendered_lines - arrived
        assert not missing or _derived(entry, given_up), f"{sorted(missing)} of {path} is missing"


def windows_line_ends_stay(update: Update) -> None:
    for path, entry in update.touched():
        if _is_text(entry) and _only_windows_line_ends(entry) and path in update.result:
            found = update.result[path]
            assert not _is_text(found) or _only_windows_line_ends(found), f"{path} lost them"


def configuration_stays_its_users(update: Update) -> None:
    for path in update.owned:
        mine = update.yours.get(path)
        # What the template moved goes along with its user's lines, as any other file does.
        moved = path in update.old and path not in update.new
        if mine is not None and mine != update.old.get(path) and not moved:
            assert update.result.get(path) == mine, path


def modes_are_merged(update: Update) -> None:
    everywhere = update.old.keys() & update.yours.keys() & update.new.keys() & update.result.keys()
    for path in everywhere:
        before, mine, now = (side[path].kind for side in (update.old, update.yours, update.new))
        if "link" not in {before, mine, now} and path not in update.owned:
            assert update.result[path].kind == (mine if now == before else now), path


def conflicts_are_known_to_git_and_named(update: Update) -> None:
    unmerged = update.after.unmerged
    assert update.said.code == (1 if unmerged else 0)
    for path in unmerged:
        assert update.said.names(path), f"the conflict in {path} is not named"
    for path, entry in update.result.items():
        known = sum(_markers(side.content) for side in update.yours.values())
        if path not in unmerged:
            assert _markers(entry.content) <= known, f"{path} holds a conflict"


def _derived(entry: Entry, sources: Tree) -> bool:
    """Tell whether an entry is made of some source: a line of it is in there."""
    known = {line for source in sources.values() for line in _texts(source)}
    same = any(entry.content == source.content for source in sources.values())
    return same or bool(_texts(entry) & known)


def _texts(entry: Entry | None) -> set[bytes]:
    """Give the lines of a text file, whatever they end in."""
    if entry is None or not _is_text(entry):
        return set()
    return {line.rstrip(b"\r") for line in lines(entry.content)} - {b""}


def _only_windows_line_ends(entry: Entry) -> bool:
    return 0 < entry.content.count(b"\n") == entry.content.count(b"\r\n")


def _is_text(entry: Entry | None) -> bool:
    return entry is not None and entry.kind != "link" and not is_binary(entry.content)


def _markers(content: bytes) -> int:
    return sum(line.startswith(b"<<<<<<< ") for line in lines(content))
