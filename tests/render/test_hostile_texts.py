"""Whatever is typed into a free-text answer is shown as typed, and breaks nothing."""

import ast
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.render.answer_sets import Answers, questions
from tests.render.tree import Tree, grow

# Texts that follow a rule of their own.
RULED = {
    "project_slug",
    "package_name",
    "user_email",
    "value_currency",
    "bigquery_project",
    "object_storage_url",
    "rest_api_url",
    "engagement_alternatives",
    "engagement_deadline",
    "engagement_stakeholders",
    "engagement_whys",
}
SAID = {f"engagement_{what}" for what in ("costs_today", "done", "personal_data", "today")}
ONE_LINE = {"project_name", "user_name", "excel_path", "excel_sheet", "files_path", *SAID}
LONGEST_NAME = 80
LONGEST_SAID = 300

SURROUNDINGS: Answers = {
    "project_slug": "hostile",
    "data_sources": ["bigquery", "excel", "files", "mysql", "postgres", "snowflake"],
    "license": "MIT",
    "user_email": "team@example.com",
}
DOCUMENTS = ("README.md", "docs/charter.md", "docs/runbook.md")

HOSTILE = [
    'it\'s "quoted" `\'both\' "ways"`',
    '"""',
    "'''",
    "\\",
    "\\n \\t \\u0041 \\\\ C:\\new\\table",
    "{{ user_email }} {{ 1 / 0 }}",
    "{% raw %} {% endif %} {# hidden #}",
    "# heading",
    "key: value",
    "- item",
    "+ item",
    "* item *starred* **bold** _under_ __lined__ ~~struck~~",
    "1. first",
    "12) twelfth",
    "> quoted",
    "| a | b |",
    "|---|",
    "---",
    "===",
    "...",
    "```sh",
    "~~~",
    "    indented",
    "  blanks around  ",
    "[text](https://example.com) ![picture](x.png) <https://example.com>",
    "[label]: https://example.com",
    "</script><b>bold</b> <!-- comment -->",
    "&amp; &lt; &#35;",
    "$HOME $(id) `id` %PATH% %s %(x)s ${x}",
    "emoji 🚀👩‍🔬, עברית, العربية, 日本語, ﷽",
    "\u202eright to left\u202c \u00a0 \u3000 \u2028 \u0085 \ufeff",
    "yes",
    "null",
    "1e3",
    "[]",
    "!!python/object:os.system",
    "a\nb",
    "a\n\nb\n",
    "\n- a\n1. b\n# c\n---\n===\n",
    "\ttab\n\t- more",
    "trailing backslash \\\n\\",
]


def free_texts() -> list[str]:
    """Name the questions that take any text."""
    return [
        name
        for name, question in questions().items()
        if question["type"] in {"str", "path"} and "choices" not in question and name not in RULED
    ]


def typed_everywhere(text: str) -> Answers:
    """Give answers that hold this text in every free-text question, as far as each allows."""
    one_line = " ".join(text.replace("\t", " ").split("\n"))
    answers = {name: one_line if name in ONE_LINE else text for name in free_texts()}
    answers |= dict.fromkeys(SAID, one_line[:LONGEST_SAID])
    return answers | {"project_name": one_line[:LONGEST_NAME].rstrip("\\") or "\\"}


@pytest.fixture(scope="session")
def harmless(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The same project with nothing but plain words in it."""
    folder = tmp_path_factory.mktemp("harmless") / "project"
    return grow(folder, source, SURROUNDINGS | dict.fromkeys(free_texts(), "words"))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_shown_as_typed(
    text: str, source: Path, tmp_path: Path, harmless: Tree
) -> None:
    typed = typed_everywhere(text)
    assert_shown_as_typed(grow(tmp_path / "project", source, SURROUNDINGS | typed), typed, harmless)


@pytest.mark.quick
def test_all_hostile_texts_at_once_are_shown_as_typed(
    source: Path, tmp_path: Path, harmless: Tree
) -> None:
    typed = typed_everywhere("\n".join(HOSTILE))
    assert_shown_as_typed(grow(tmp_path / "project", source, SURROUNDINGS | typed), typed, harmless)


PIECES = st.sampled_from([*"\"'\\`{}[]()<>#*_-+=|~&$%!:;,.@/ \n\t019ax", *HOSTILE])
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x7f").filter(
    lambda character: character >= " "
)
TEXTS = st.lists(PIECES | CHARACTERS, min_size=1, max_size=12).map("".join).filter(str.strip)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(texts=st.fixed_dictionaries(dict.fromkeys(free_texts(), TEXTS)))
def test_any_text_is_shown_as_typed(
    texts: dict[str, str], source: Path, tmp_path_factory: pytest.TempPathFactory, harmless: Tree
) -> None:
    typed = {name: typed_everywhere(text)[name] for name, text in texts.items()}
    folder = tmp_path_factory.mktemp("any") / "project"
    assert_shown_as_typed(grow(folder, source, SURROUNDINGS | typed), typed, harmless)


@pytest.mark.quick
def test_what_was_answered_gives_the_same_project_again(source: Path, tmp_path: Path) -> None:
    typed = typed_everywhere("\n".join(HOSTILE))
    first = grow(tmp_path / "first", source, SURROUNDINGS | typed)
    kept = {name: value for name, value in first.answers.items() if not name.startswith("_")}
    assert grow(tmp_path / "second", source, kept).contents() == first.contents()


def test_what_a_row_of_the_array_answered_gives_the_same_project_again(
    tree: Tree, source: Path, tmp_path: Path
) -> None:
    kept = {name: value for name, value in tree.answers.items() if not name.startswith("_")}
    assert grow(tmp_path / "again", source, kept).contents() == tree.contents()


def assert_shown_as_typed(tree: Tree, typed: Answers, harmless: Tree) -> None:
    """Hold every place where a text goes against what was typed."""
    assert {name: tree.answers[name] for name in typed} == typed

    business = tree.toml("config/business.toml")["business"]
    assert business == {
        "problem": typed["business_problem"],
        "decision": typed["business_decision"],
        "owner": typed["business_owner"],
        "client": typed["client_name"],
        "language": "en",
    }
    sources = tree.toml("config/sources.toml")
    assert sources["excel"]["path"] == typed["excel_path"]
    assert sources["excel"]["sheet"] == typed["excel_sheet"]
    assert sources["files"]["path"] == typed["files_path"]
    assert sources["mysql"]["query"] == typed["mysql_query"]
    for name in ("bigquery", "postgres", "snowflake"):
        assert sources[name]["query"] == typed[f"{name}_query"]
    project = tree.toml("pyproject.toml")["project"]
    assert project["description"] == typed["project_description"].replace("\n", " ")
    assert project["authors"][0]["name"] == typed["user_name"]
    assert f"Copyright (c) {typed['user_name']}\n" in tree.text("LICENSE")
    for path in tree.files(".py"):
        ast.parse(path.read_text(encoding="utf-8"))

    readme, charter, runbook = (shown(tree, name) for name in DOCUMENTS)
    name = squeezed(typed["project_name"])
    assert [text.headings[0] for text in (readme, charter, runbook)] == [
        name,
        f"Charter: {name}",
        f"Runbook: {name}",
    ]
    assert squeezed(typed["project_description"]) in readme.paragraphs
    assert readme.quotes == [squeezed(typed["business_problem"])]
    client, author = squeezed(typed["client_name"]), squeezed(typed["user_name"])
    assert charter.paragraphs[0] == f"For {client}, by {author} (team@example.com)."
    problem, decision = squeezed(typed["business_problem"]), squeezed(typed["business_decision"])
    assert charter.quotes == [problem, decision]
    owner = squeezed(typed["business_owner"])
    assert any(text.startswith(f"It is owned by {owner}, who") for text in charter.paragraphs)
    for name in DOCUMENTS:
        assert structure(tree, name) == structure(harmless, name), name


class Shown:
    """What a reader of a Markdown document sees: headings, quotes, paragraphs outside of quotes."""

    def __init__(self, tokens: list[Token]) -> None:
        """Sort the texts by where they stand."""
        self.headings: list[str] = []
        self.paragraphs: list[str] = []
        self.quotes: list[str] = []
        quoted: list[str] | None = None
        for before, token in pairwise(tokens):
            if token.type == "blockquote_open":
                quoted = []
            elif token.type == "blockquote_close" and quoted is not None:
                self.quotes.append(" ".join(quoted))
                quoted = None
            elif token.type == "inline" and before.type == "heading_open":
                self.headings.append(plain(token))
            elif token.type == "inline" and before.type == "paragraph_open":
                (self.paragraphs if quoted is None else quoted).append(plain(token))


def shown(tree: Tree, name: str) -> Shown:
    """Read a document as GitHub would show it."""
    return Shown(parsed(tree, name))


def structure(tree: Tree, name: str) -> Counter[str]:
    """Count a document's blocks; a quote may hold as many paragraphs as were typed."""
    kinds = Counter(f"{token.type} {token.tag} {token.level}" for token in parsed(tree, name))
    return Counter({kind: n for kind, n in kinds.items() if "_open" in kind and " p 1" not in kind})


def parsed(tree: Tree, name: str) -> list[Token]:
    """Parse a document by CommonMark's rules, with GitHub's tables and struck text."""
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(tree.text(name))


def plain(token: Token) -> str:
    """Give the words that are seen; marks that took effect are not among them."""
    breaks = ("softbreak", "hardbreak")
    children: list[Any] = token.children or []
    return squeezed("".join(" " if c.type in breaks else c.content for c in children))


def squeezed(text: str) -> str:
    """Collapse blanks, as HTML does."""
    return " ".join(text.split())
