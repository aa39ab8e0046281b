"""The wizard: it asks what the questions say, shows what follows, and lets one go back."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import questionary
from prompt_toolkit.styles import Style

from fourhats.ask.questions import MISSING, Answer, AnswerError, Choice, Entry, Questionnaire, Sheet
from fourhats.errors import CancelledError, WrongInputError
from fourhats.terminal import one_line, styled

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

_STYLE = Style.from_dict(
    {
        "qmark": "fg:ansicyan bold",
        "question": "bold",
        "answer": "fg:ansicyan",
        "pointer": "fg:ansicyan bold",
        "highlighted": "fg:ansicyan",
        # questionary calls the answer that a menu opens with "selected", wherever one has moved.
        "selected": "noreverse",
        "instruction": "fg:ansibrightblack",
        "validation-toolbar": "bg:default fg:ansired noreverse",
    }
)
_LOOK: dict[str, Any] = {"qmark": "?", "style": _STYLE}


@dataclass(frozen=True)
class Preview:
    """What would be written: the tree, drawn short and in full, and what gets installed."""

    short: list[str]
    full: list[str]
    dependencies: dict[str, list[str]]


class Finding(Protocol):
    """What a client's file says by itself."""

    @property
    def settled(self) -> Mapping[str, Any]:
        """The answers that it leaves no choice about."""

    @property
    def suggested(self) -> Mapping[str, Any]:
        """The defaults that it knows better than the questions."""


@dataclass
class Wizard:
    """One conversation: `given` came with the command, the rest is asked."""

    questionnaire: Questionnaire
    given: dict[str, Any]
    settled: Collection[str] = ()
    """What of the given answers follows from the client's file: it cannot be changed here."""
    look: Callable[[str, Mapping[str, Any]], Finding | None] | None = None
    """Looks at the file that a path names, if it names one, given the answers so far."""
    typed: dict[str, Any] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)
    """What follows from the file whose path was typed."""
    _suggested: dict[str, Any] = field(init=False)
    _path: str = ""
    """The path as it was typed: the answer is the way from the project's folder."""
    _seen: set[str] = field(default_factory=set)
    _section: str = ""

    def __post_init__(self) -> None:
        """Keep what is suggested without a file."""
        self._suggested = dict(self.questionnaire.suggested)

    def run(self, destination: str, preview: Callable[[Sheet], Preview]) -> Sheet:
        """Ask, show the review, and return the answers to write.

        Raises:
            CancelledError: the person chose not to write.
            KeyboardInterrupt: Ctrl-C.

        """
        while True:
            sheet = self.ask()
            print(styled("\nRendering…", "dim"), end="", flush=True)
            shown = preview(sheet)
            print("\r" + " " * len("Rendering…") + "\r", end="")
            while (choice := self._review(sheet, destination, shown)) == "files":
                print("\n".join(["", f"{destination}/", *shown.full]))
            if choice == "write":
                return sheet
            if choice == "cancel":
                raise CancelledError("cancelled: nothing was written")
            self._change(sheet)

    def ask(self) -> Sheet:
        """Ask every open question, and those that an answer opens."""
        while True:
            sheet = self.questionnaire.sheet(self._answers)
            entry = next((entry for entry in sheet.entries if self._open(entry)), None)
            if entry is None:
                return sheet
            self._prompt(entry, sheet)

    @property
    def _answers(self) -> dict[str, Any]:
        return {**self.given, **self.typed, **self.found}

    def _open(self, entry: Entry) -> bool:
        if not entry.applies:
            return False
        if entry.problem:
            return True
        known = self._seen | self.given.keys() | self.found.keys()
        return entry.asked and entry.name not in known

    def _prompt(self, entry: Entry, sheet: Sheet) -> None:
        """Ask one question; an answer equal to the default goes on following the default."""
        self._head(entry)
        if entry.problem and entry.name in self._answers:
            print(styled(one_line(f"{entry.name}: {entry.problem}"), "red"))
        context = sheet.context
        context.pop(entry.name, None)
        value = self._asked(entry, context)
        self._seen.add(entry.name)
        self.given.pop(entry.name, None)
        self.typed.pop(entry.name, None)
        if entry.question.type == "path" and self.look is not None:
            if not self._take(value):
                self._seen.discard(entry.name)  # it is asked again
            if self.found or entry.name not in self._seen:
                return
        try:
            followed = self.questionnaire.default(entry.name, context) == value
        except AnswerError:
            followed = False
        if not followed:
            self.typed[entry.name] = value

    def _take(self, path: str) -> bool:
        """Go by the file that was named, if any; tells whether it does."""
        self._path, self.found = path, {}
        self.questionnaire.suggested = dict(self._suggested)
        answers = self._answers
        try:
            finding = self.look(path, answers) if self.look else None
        except WrongInputError as error:
            print(styled(one_line(str(error)), "red"))
            return False
        if finding is not None:
            self.found = {k: value for k, value in finding.settled.items() if k not in answers}
            self.questionnaire.suggested |= finding.suggested
        return True

    def _head(self, entry: Entry) -> None:
        section = entry.question.section
        if section.title != self._section:
            self._section = section.title
            print(styled(f"\n{section.title}", "bold"))
            for line in _wrapped(section.about):
                print(styled(line, "dim"))

    def _asked(self, entry: Entry, context: Mapping[str, Any]) -> Answer:
        question = entry.question
        message, hint = _parted(self.questionnaire.help(entry.name, context))
        choices = self.questionnaire.choices(entry.name, context)
        if choices and question.multiselect:
            return self._checkbox(entry, message, hint, choices)
        if choices:
            return _select(message, choices, entry.value, hint)
        if question.type == "bool":
            answer = questionary.confirm(message, default=bool(entry.value), **_LOOK)
            return answer.unsafe_ask()
        present = (question.type == "path" and self._path) or entry.value
        text = questionary.text(
            message,
            default="" if present is MISSING else str(present),
            instruction=hint or None,
            validate=lambda typed: self._refusal(entry, typed) or True,
            **_LOOK,
        ).unsafe_ask()
        return self.questionnaire.parse(question, text, context)

    def _checkbox(self, entry: Entry, message: str, hint: str, choices: Sequence[Choice]) -> Answer:
        present = entry.value if isinstance(entry.value, list) else []
        return questionary.checkbox(
            message,
            choices=[
                questionary.Choice(
                    choice.title,
                    choice.value,
                    disabled=choice.refusal or None,
                    checked=choice.value in present,
                )
                for choice in choices
            ],
            instruction=f"{hint} (Space chooses, Enter goes on)".lstrip(),
            validate=lambda chosen: self._refusal(entry, chosen) or True,
            **_LOOK,
        ).unsafe_ask()

    def _refusal(self, entry: Entry, raw: object) -> str:
        """Say why an answer does not do: itself, or a name made of it that nobody would ask."""
        answers = {**self._answers, entry.name: raw}
        for later in self.questionnaire.sheet(answers).problems:
            if later.name == entry.name or not later.asked:
                return later.problem
        return ""

    def _review(self, sheet: Sheet, destination: str, shown: Preview) -> str:
        self._section = ""
        print("\n".join(_review_page(sheet, destination, shown)))
        choices = [
            Choice("Write it", "write"),
            Choice("Change an answer", "change"),
            Choice("Show every file", "files"),
            Choice("Cancel", "cancel"),
        ]
        return str(_select("Shall it be written?", choices, "write"))

    def _change(self, sheet: Sheet) -> None:
        settled = {*self.settled, *self.found}
        entries = [
            entry
            for entry in sheet.entries
            if entry.changeable
            and (entry.name not in settled or (self.found and entry.question.type == "path"))
        ]
        width = shutil.get_terminal_size().columns - 6
        choices = [
            Choice(_shortened(f"{entry.name}: {_as_text(entry.value)}", width), entry.name)
            for entry in entries
        ]
        back = Choice("Back to the review", None)
        name = _select("Which answer?", [*choices, back], entries[0].name)
        if name is not None:
            self._prompt(sheet.entry(str(name)), sheet)


def choose_target(columns: Sequence[str]) -> str:
    """Ask which column of the client's file is to be predicted; the likely ones stand first."""
    choices = [Choice(one_line(column), column) for column in columns]
    return str(_select("Which column is to be predicted?", choices, columns[0]))


def introduce(destination: str) -> None:
    """Say what happens next."""
    print(f"A new project in {styled(one_line(destination), 'bold')}.")
    for line in _wrapped("Enter takes the answer shown, Ctrl-C leaves; a review comes first."):
        print(styled(line, "dim"))


@contextmanager
def terminal_restored() -> Iterator[None]:
    """Give the terminal back as it was, however the conversation ends."""
    try:
        import termios  # noqa: PLC0415  # Windows has none
    except ImportError:
        yield
        return
    before = termios.tcgetattr(sys.stdin.fileno())
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, before)


def _select(message: str, choices: Sequence[Choice], present: object, hint: str = "") -> Answer:
    offered = [
        questionary.Choice(choice.title, index, disabled=choice.refusal or None)
        for index, choice in enumerate(choices)
    ]
    chosen = next((at for at, choice in enumerate(choices) if choice.value == present), 0)
    index = questionary.select(
        message,
        choices=offered,
        default=offered[chosen],
        instruction=hint or "(arrows, Enter)",
        **_LOOK,
    ).unsafe_ask()
    if index is None:
        raise WrongInputError(f"no answer to: {message}")
    return choices[index].value


def _parted(help_text: str) -> tuple[str, str]:
    """Take the remark in parentheses off a question: it is shown paler."""
    match = re.fullmatch(r"(.+?) (\(.+\))", help_text)
    return (match[1], match[2]) if match else (help_text, "")


def _review_page(sheet: Sheet, destination: str, shown: Preview) -> Iterator[str]:
    width = max(40, shutil.get_terminal_size().columns)
    title = ""
    yield ""
    yield styled("Review", "bold")
    for entry in sheet.entries:
        if not entry.applies:
            continue
        if entry.question.section.title != title:
            title = entry.question.section.title
            yield f"\n{styled(title, 'bold')}"
        room = width - 25
        yield f"  {styled(entry.name.ljust(21), 'dim')}  {_shortened(_as_text(entry.value), room)}"
    yield f"\n{styled('What will be written', 'bold')}"
    yield one_line(f"{destination}/")
    yield from shown.short
    yield f"\n{styled('What will be installed', 'bold')} (by the first `uv run`)"
    for group, names in shown.dependencies.items():
        line = f"  {(group or 'always').ljust(10)} {', '.join(names)}"
        yield from _wrapped(line, subsequent_indent=" " * 13)
    yield ""


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return one_line(str(value)) or "(empty)"


def _wrapped(text: str, **options: Any) -> list[str]:  # noqa: ANN401  # textwrap's own
    width = shutil.get_terminal_size().columns - 1
    return textwrap.wrap(text, width, break_on_hyphens=False, **options)


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(1, width - 1)] + "…"
