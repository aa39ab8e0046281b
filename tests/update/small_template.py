"""A small template, and everything that its next version can do to a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from tests.update.snapshot import Entry, Tree
from tests.update.template import Template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

LINES = 14

COPIER = """\
_min_copier_version: "9.19"
_subdirectory: template
_templates_suffix: .jinja
_envops:
  keep_trailing_newline: true
  lstrip_blocks: true
  trim_blocks: true
  undefined: jinja2.StrictUndefined
_skip_if_exists:
  - config/settings.toml
_exclude:
  - "{% if 'api' not in parts %}/api.py{% endif %}"
  - "{% if 'batch' not in parts %}/batch{% endif %}"
  - "{% if 'stream' not in parts %}/stream.py{% endif %}"
  - "{% if not guide %}/docs{% endif %}"
  - "{% if flavour != 'sweet' %}/sugar.py{% endif %}"
title:
  type: str
  default: Small
flavour:
  type: str
  choices: [plain, sweet, sour]
  default: plain
parts:
  type: str
  multiselect: true
  choices: [api, batch, stream]
  default: [api]
guide:
  type: bool
  default: true
"""

Answers: TypeAlias = dict[str, Any]

DEFAULTS: Answers = {
    "title": "Small",
    "flavour": "plain",
    "parts": ["api"],
    "guide": True,
}


def page(name: str, count: int = LINES) -> str:
    """Write a file of which no line occurs in any other."""
    return "".join(f"{name} says {number} of its {count}\n" for number in range(1, count + 1))


def files() -> Tree:
    """Give the first version's files."""
    texts = {
        "copier.yml": COPIER,
        "CHANGELOG.md": "# Changelog\n\n## [1.0.0]\n\n- Everything.\n",
        "template/{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers | to_nice_yaml }}",
        "template/.gitignore": "*.log\nlocal/\n.env\n",
        "template/README.md.jinja": "# {{ title }}\n" + page("readme") + "It is {{ flavour }}.\n",
        "template/app.py.jinja": page("app")
        + "{% for part in parts %}\nimport {{ part }}\n{% endfor %}\n"
        + page("rest of app"),
        "template/api.py": page("api"),
        "template/stream.py": page("stream"),
        "template/sugar.py": page("sugar"),
        "template/loader.py": page("loader"),
        "template/legacy.py": page("legacy"),
        "template/notes": page("notes"),
        "template/run.sh": page("run"),
        "template/open-end.txt": page("open end").removesuffix("\n"),
        "template/batch/job.py": page("job"),
        "template/batch/plan.py": page("plan"),
        "template/docs/guide.md": page("guide"),
        "template/docs/index.md": page("index"),
        "template/lib/one.py": page("one"),
        "template/lib/two.py": page("two"),
        "template/config/settings.toml.jinja": page("settings") + "title = '{{ title }}'\n",
        "template/empty.txt": "",
    }
    tree = {name: Entry(text.encode()) for name, text in texts.items()}
    return tree | {"template/logo.bin": Entry(bytes(range(256)) * 4)}


RENDERED = [
    *(".gitignore", "README.md", "app.py", "api.py", "stream.py", "sugar.py", "loader.py"),
    *("legacy.py", "notes", "run.sh", "open-end.txt", "batch/job.py", "batch/plan.py"),
    *("docs/guide.md", "docs/index.md", "lib/one.py", "lib/two.py", "config/settings.toml"),
    *("empty.txt", "logo.bin"),
]
"""What a project of all answers holds."""

NEW_NAMES = [
    *("added.md", "reader.py", "docs/manual.md", "library/one.py", "notes/index.md", ".env"),
    *("lib", "legacy", "local/plan.md", "batch.py"),
]
"""What the second version can bring: a user can have had the idea first."""

OWNED = ["config/settings.toml", "config/main.toml"]
"""Configuration, which is its user's."""

LOCAL = [".env", "local/plan.md"]
"""What the rendered `.gitignore` leaves out."""


def changed_hunk(tree: Tree) -> None:
    _replace(tree, "README.md.jinja", "readme says 4 ", "readme says FOUR ")


def changed_block(tree: Tree) -> None:
    for number in (6, 7, 8):
        _replace(tree, "app.py.jinja", f"\napp says {number} ", f"\napp says {number}00 ")


def lines_taken_out(tree: Tree) -> None:
    _replace(
        tree, "app.py.jinja", "rest of app says 2 of its 14\nrest of app says 3 of its 14\n", ""
    )


def lines_put_in(tree: Tree) -> None:
    _replace(tree, "api.py", "api says 3 ", page("new in api", 3) + "api says 3 ")
    _replace(tree, "batch/job.py", "job says 14 of its 14\n", "job says 14 of its 14\nand more\n")


def rewritten(tree: Tree) -> None:
    tree["template/stream.py"] = Entry(page("another stream").encode())


def renamed(tree: Tree) -> None:
    _move(tree, "docs/guide.md", "docs/manual.md")


def renamed_and_changed(tree: Tree) -> None:
    _replace(tree, "loader.py", "loader says 9 ", "reader says 9 ")
    _move(tree, "loader.py", "reader.py")


def renamed_folder(tree: Tree) -> None:
    _move(tree, "lib/one.py", "library/one.py")
    _move(tree, "lib/two.py", "library/two.py")


def swapped(tree: Tree) -> None:
    one, two = "template/lib/one.py", "template/lib/two.py"
    if one in tree:
        tree[one], tree[two] = tree[two], tree[one]


def deleted(tree: Tree) -> None:
    del tree["template/legacy.py"]


def deleted_folder(tree: Tree) -> None:
    del tree["template/batch/job.py"], tree["template/batch/plan.py"]


def file_became_folder(tree: Tree) -> None:
    _move(tree, "notes", "notes/index.md")


def folder_became_file(tree: Tree) -> None:
    for name in [name for name in tree if name.startswith("template/lib/")]:
        del tree[name]
    tree["template/lib"] = Entry(page("lib in one").encode())


def added(tree: Tree) -> None:
    tree["template/added.md"] = Entry(page("added").encode())


def added_where_git_ignores(tree: Tree) -> None:
    tree["template/.env"] = Entry(page("environment").encode())


def added_with_a_folder(tree: Tree) -> None:
    tree["template/legacy/old.py"] = Entry(page("old").encode())
    tree["template/local/plan.md"] = Entry(page("local plan").encode())


def ignored_from_now_on(tree: Tree) -> None:
    _replace(tree, ".gitignore", "*.log\n", "*.log\n*.txt\nmine*\n")


def new_question(tree: Tree) -> None:
    _ask(tree, "speed:\n  type: int\n  default: 3\n")
    _replace(tree, "README.md.jinja", "It is {{ flavour }}.", "It is {{ flavour }} ({{ speed }}).")


def new_default(tree: Tree) -> None:
    _replace_in(tree, "copier.yml", "default: Small", "default: Tiny")


def removed_choice(tree: Tree) -> None:
    _replace_in(tree, "copier.yml", "[plain, sweet, sour]", "[plain, sweet]")


def moved_between_options(tree: Tree) -> None:
    _replace_in(tree, "copier.yml", "{% if not guide %}/docs", "{% if flavour == 'sweet' %}/docs")


def no_longer_optional(tree: Tree) -> None:
    sugar = """  - "{% if flavour != 'sweet' %}/sugar.py{% endif %}"\n"""
    _replace_in(tree, "copier.yml", sugar, "")


def changed_configuration(tree: Tree) -> None:
    _replace(tree, "config/settings.toml.jinja", "settings says 5 ", "settings says five ")


def moved_configuration(tree: Tree) -> None:
    _move(tree, "config/settings.toml.jinja", "config/main.toml.jinja")
    _replace_in(tree, "copier.yml", "  - config/settings.toml", "  - config/main.toml")


def made_executable(tree: Tree) -> None:
    tree["template/run.sh"] = tree["template/run.sh"]._replace(kind="executable")


def changed_picture(tree: Tree) -> None:
    tree["template/logo.bin"] = Entry(bytes(reversed(range(256))) * 4)


def windows_line_ends(tree: Tree) -> None:
    content = tree["template/docs/index.md"].content
    tree["template/docs/index.md"] = Entry(content.replace(b"\n", b"\r\n"))


def closed_end(tree: Tree) -> None:
    content = tree["template/open-end.txt"].content
    tree["template/open-end.txt"] = Entry(content + b"\nthe end\n")


def reindented(tree: Tree) -> None:
    content = tree["template/sugar.py"].content
    tree["template/sugar.py"] = Entry(content.replace(b"sugar says", b"    sugar says"))


_ALL: tuple[Callable[[Tree], None], ...] = (
    # What changes a file comes before what moves or removes it.
    *(changed_hunk, changed_block, lines_taken_out, lines_put_in, rewritten, reindented),
    *(changed_configuration, made_executable, changed_picture, windows_line_ends, closed_end),
    *(swapped, renamed, renamed_and_changed, renamed_folder, deleted, deleted_folder),
    *(file_became_folder, folder_became_file, moved_configuration, added),
    *(added_where_git_ignores, added_with_a_folder, ignored_from_now_on, new_question),
    *(new_default, removed_choice, moved_between_options, no_longer_optional),
)
CHANGES = {change.__name__: change for change in _ALL}
"""What a next version can do, by name, in the order in which it is done."""


class SmallTemplate(Template):
    """The small template's repository; its later versions are made anew for each case."""

    @classmethod
    def made(cls, folder: Path) -> SmallTemplate:
        """Make the repository, with the first version."""
        template = cls(folder)
        template.begin(files())
        return template

    def release(self, *versions: Iterable[str]) -> None:
        """Make 2.0.0, 3.0.0 … of the first version by the changes named for each."""
        self.publish(*(next_version(number, names) for number, names in enumerate(versions, 2)))


def next_version(number: int, names: Iterable[str]) -> Tree:
    """Give the files after the named changes."""
    tree = files()
    chosen = set(names)
    assert chosen <= CHANGES.keys()
    for name, change in CHANGES.items():
        if name in chosen:
            change(tree)
    entry = f"# Changelog\n\n## [{number}.0.0]\n\n- {', '.join(sorted(chosen))}.\n"
    tree["CHANGELOG.md"] = Entry(entry.encode() + tree["CHANGELOG.md"].content[11:])
    return tree


def touched(names: Iterable[str]) -> list[str]:
    """Name the rendered files that the named changes bring, change, move or remove."""
    before, after = files(), next_version(2, names)
    paths = sorted(
        path.removeprefix("template/").removesuffix(".jinja")
        for path in before.keys() | after.keys()
        if path.startswith("template/") and before.get(path) != after.get(path)
    )
    return [path for path in paths if "{" not in path]


def _replace(tree: Tree, name: str, old: str, new: str) -> None:
    _replace_in(tree, f"template/{name}", old, new)


def _replace_in(tree: Tree, name: str, old: str, new: str) -> None:
    content = tree[name].content
    assert content.count(old.encode()) == 1, f"{name} has changed: {old!r}"
    tree[name] = tree[name]._replace(content=content.replace(old.encode(), new.encode()))


def _move(tree: Tree, old: str, new: str) -> None:
    tree[f"template/{new}"] = tree.pop(f"template/{old}")


def _ask(tree: Tree, question: str) -> None:
    tree["copier.yml"] = Entry(tree["copier.yml"].content + question.encode())
