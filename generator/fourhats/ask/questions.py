"""The questions of a template, read from its copier.yml and evaluated as copier does.

Nothing here knows a question by its name: what is asked, when, with which default and which
check, stands in the template's `questions/` alone.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml
from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, Undefined, UndefinedError
from jinja2.sandbox import SandboxedEnvironment

from fourhats.errors import WrongInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jinja2 import Template

Answer: TypeAlias = Any
"""Text, a number, a truth value, a list of them, or whatever else YAML holds."""

MISSING = object()


class AnswerError(ValueError):
    """A value that a question does not take; the message says why."""


class _UnsetError(UndefinedError):
    """A default that says itself that there is none (copier's UNSET)."""


@dataclass(frozen=True)
class Section:
    """A hat: the questions of one file, under its title."""

    title: str
    about: str = ""


@dataclass(frozen=True)
class Choice:
    """One value to choose, with the words that describe it; `refusal` says why it is not open."""

    title: str
    value: Any
    refusal: str = ""


@dataclass(frozen=True)
class Question:
    """A question as its file declares it; text fields may hold Jinja."""

    name: str
    section: Section
    type: str
    default: Any = MISSING
    help: str = ""
    choices: Any = ()
    multiselect: bool = False
    validator: str = ""
    when: str | bool = True
    ask: str | bool = True


@dataclass(frozen=True)
class Entry:
    """A question with its present answer."""

    question: Question
    value: Any
    applies: bool
    asked: bool
    given: bool
    problem: str = ""

    @property
    def name(self) -> str:
        """Return the name of the answer."""
        return self.question.name

    @property
    def changeable(self) -> bool:
        """Tell whether a person can choose: a question that is never asked has one answer."""
        return self.applies and self.question.ask is not False


@dataclass(frozen=True)
class Sheet:
    """All answers, in the order of the questions."""

    entries: tuple[Entry, ...]
    chosen: tuple[str, ...] = ()
    """What somebody answered, or the folder's name or the client's file did, in that order."""

    @property
    def data(self) -> dict[str, Any]:
        """Return the chosen answers: copier gets the others from its defaults, as we did."""
        answers = self.answers
        return {name: answers[name] for name in self.chosen if name in answers}

    @property
    def answers(self) -> dict[str, Any]:
        """Return the answers that apply, by name."""
        return {entry.name: entry.value for entry in self.entries if entry.applies}

    @property
    def context(self) -> dict[str, Any]:
        """Return what the texts of a question may name: of answers that do not apply, too."""
        return {entry.name: entry.value for entry in self.entries if entry.value is not MISSING}

    @property
    def problems(self) -> list[Entry]:
        """Return the entries whose answer does not do."""
        return [entry for entry in self.entries if entry.problem]

    def entry(self, name: str) -> Entry:
        """Return the entry of one question."""
        return next(entry for entry in self.entries if entry.name == name)


@dataclass
class Questionnaire:
    """The questions of one template folder."""

    questions: dict[str, Question]
    environment: SandboxedEnvironment
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What copier.yml sets beside the questions, by its name there (`_exclude`, …)."""
    suggested: dict[str, Any] = field(default_factory=dict)
    _compiled: dict[str, Template] = field(default_factory=dict)

    @classmethod
    def read(cls, source: Path) -> Questionnaire:
        """Read `copier.yml` and the files that it includes.

        Raises:
            WrongInputError: there is none, or it cannot be read.

        """
        try:
            settings, questions = _read_configuration(source)
        except OSError as error:
            raise WrongInputError(
                f"{source} is no template: {error.strerror} (copier.yml)"
            ) from error
        except (yaml.YAMLError, ValueError, TypeError) as error:
            raise WrongInputError(f"{source / 'copier.yml'} cannot be read: {error}") from error
        return cls(questions, _environment(source, settings.get("_envops") or {}), settings)

    def sheet(self, given: Mapping[str, Any]) -> Sheet:
        """Answer every question: with what is given, else with its default."""
        context = dict(given)
        entries = []
        for question in self.questions.values():
            entry = self._entry(question, context, given)
            entries.append(entry)
            if entry.value is not MISSING:
                context[question.name] = entry.value
        suggested = [name for name in self.suggested if name not in given]
        return Sheet(tuple(entries), (*given, *suggested))

    def default(self, name: str, context: Mapping[str, Any]) -> Answer:
        """Return what a question is answered with when nobody answers it, or MISSING."""
        question = self.questions[name]
        if name in self.suggested:
            return self.parse(question, self.suggested[name], context)
        if question.default is MISSING:
            return MISSING
        unset = StrictUndefined(name="UNSET", exc=_UnsetError)
        try:
            value = self.rendered(question.default, {**context, "UNSET": unset})
        except _UnsetError:
            return MISSING
        return self.parse(question, value, context)

    def help(self, name: str, context: Mapping[str, Any]) -> str:
        """Return the words of a question."""
        return " ".join(str(self.rendered(self.questions[name].help, context)).split()) or name

    def choices(self, name: str, context: Mapping[str, Any]) -> list[Choice]:
        """Return what a question lets one choose, or nothing where any text does."""
        return list(self._choices(self.questions[name], context))

    def parse(self, question: Question, raw: object, context: Mapping[str, Any]) -> Answer:
        """Turn a value, as text or as YAML had it, into an answer of the question's type.

        Raises:
            AnswerError: it has another type, or is none of the choices.

        """
        choices = list(self._choices(question, context))
        if not question.multiselect:
            value = _cast(question.type, raw)
            return _chosen(value, choices) if choices else value
        items = [_chosen(_cast(question.type, item), choices) for item in _items(raw)]
        twice = next((item for item in items if items.count(item) > 1), None)
        if twice is not None:
            raise AnswerError(f"'{twice}' is named twice.")
        return [choice.value for choice in choices if choice.value in items]

    def validate(self, question: Question, value: object, context: Mapping[str, Any]) -> str:
        """Return why the template refuses an answer, or nothing."""
        try:
            text = self.rendered(question.validator, {**context, question.name: value})
        except (TemplateError, TypeError, ValueError) as error:
            return str(error)
        return " ".join(str(text).split())

    def nearest(self, name: str) -> str:
        """Return the question whose name is most like `name`, or nothing."""
        return next(iter(get_close_matches(name, self.questions, 1)), "")

    def _entry(
        self, question: Question, context: Mapping[str, Any], given: Mapping[str, Any]
    ) -> Entry:
        problem = ""
        name = question.name
        applies = _truth(self.rendered(question.when, context))
        asked = applies and _truth(self.rendered(question.ask, context))
        value: Any = MISSING
        try:
            if name in given and applies:
                value = given[name]
                value = self.parse(question, value, context)
            else:
                value = self.default(name, context)
        except AnswerError as error:
            problem = str(error)
        if value is MISSING and applies and not problem:
            problem = "It has no default: an answer is needed."
        elif applies and not problem:
            problem = self.validate(question, value, context)
        return Entry(question, value, applies, asked, name in given, problem)

    def _choices(self, question: Question, context: Mapping[str, Any]) -> Iterable[Choice]:
        declared = question.choices
        if isinstance(declared, str):
            declared = yaml.safe_load(str(self.rendered(declared, context)))
        pairs = declared.items() if isinstance(declared, dict) else declared
        for pair in pairs:
            title, value = pair if isinstance(pair, tuple | list) else (pair, pair)
            refusal = ""
            if isinstance(value, dict):
                refusal = str(self.rendered(value.get("validator", ""), context)).strip()
                value = value["value"]
            value = _cast(question.type, self.rendered(value, context))
            yield Choice(str(self.rendered(title, context)), value, refusal)

    def rendered(self, value: Answer, context: Mapping[str, Any]) -> Answer:
        """Render text of the template, and lists of it, with these answers."""
        if isinstance(value, list):
            return [self.rendered(item, context) for item in value]
        if not isinstance(value, str):
            return value
        # Plain text needs no template: most of what is rendered here holds no brace.
        if "{" not in value:
            return value
        if value not in self._compiled:
            self._compiled[value] = self.environment.from_string(value)
        return self._compiled[value].render(context)


def _environment(source: Path, options: Mapping[str, Any]) -> SandboxedEnvironment:
    known = {"jinja2.StrictUndefined": StrictUndefined, "jinja2.Undefined": Undefined}
    chosen = dict(options)
    undefined = known.get(chosen.pop("undefined", "jinja2.Undefined"), StrictUndefined)
    chosen.setdefault("keep_trailing_newline", True)
    return SandboxedEnvironment(
        loader=FileSystemLoader(source),
        extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
        undefined=undefined,
        **chosen,
    )


def _read_configuration(source: Path) -> tuple[dict[str, Any], dict[str, Question]]:
    """Merge the documents of copier.yml and of its includes: a later one wins."""
    settings: dict[str, Any] = {}
    questions: dict[str, Question] = {}
    for section, document in _documents(source / "copier.yml", source.resolve()):
        for name, declared in document.items():
            if name.startswith("_"):
                settings[name] = declared
            else:
                questions[name] = _question(name, section, declared)
    return settings, questions


def _documents(path: Path, root: Path) -> Iterable[tuple[Section, dict[str, Any]]]:
    class Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
        """A loader of its own, so that `!include` is known here alone."""

    Loader.add_constructor("!include", lambda _, node: PurePosixPath(node.value))
    text = path.read_text(encoding="utf-8")
    section = _section(path, text)
    for document in yaml.load_all(text, Loader=Loader):  # derived from the safe one
        if isinstance(document, PurePosixPath):
            for included in root.glob(str(document)):
                if not included.resolve().is_relative_to(root):
                    raise ValueError(f"{document} lies outside of the template")
                yield from _documents(included, root)
        elif document:
            yield section, document


def _section(path: Path, text: str) -> Section:
    """Take the title of a file from its first line (`# The data engineer's hat: where …`)."""
    match = re.match(r"# (?:The )?(.+?)(?:'s hat)?: (.+)", text.partition("\n")[0])
    title = match[1] if match else re.sub(r"^\d+_", "", path.stem).replace("_", " ")
    about = match[2] if match else ""
    return Section(title[:1].upper() + title[1:], about[:1].upper() + about[1:])


def _question(name: str, section: Section, declared: object) -> Question:
    details: dict[str, Any] = declared if isinstance(declared, dict) else {"default": declared}
    known = {key: details[key] for key in Question.__dataclass_fields__ if key in details}
    default_type = type(details.get("default")).__name__
    known.setdefault("type", default_type if default_type in _CASTERS else "yaml")
    return Question(**{**known, "name": name, "section": section})


def _items(raw: object) -> list[Any]:
    """Read a list from YAML, from `[a, b]` or from `a,b`."""
    if isinstance(raw, str):
        text = raw.strip()
        if not text.startswith("["):
            return [item.strip() for item in text.split(",") if item.strip()]
        try:
            raw = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise AnswerError(f"'{text}' is no list: type one like [a, b].") from error
    if not isinstance(raw, list):
        raise AnswerError(f"'{raw}' is no list: type one like [a, b].")
    return raw


def _chosen(value: object, choices: list[Choice]) -> Answer:
    for choice in choices:
        if choice.value == value:
            if choice.refusal:
                raise AnswerError(choice.refusal)
            return choice.value
    offered = [str(choice.value) for choice in choices if not choice.refusal]
    near = get_close_matches(str(value), offered, 1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise AnswerError(f"'{value}' is none of {', '.join(offered)}.{hint}")


def _cast(type_name: str, raw: object) -> Answer:
    if type_name in _CASTERS:
        return _CASTERS[type_name](raw)
    if type_name not in {"yaml", "json"}:
        raise AnswerError(f"The template declares an unknown type: '{type_name}'.")
    if not isinstance(raw, str):
        return raw
    try:
        return json.loads(raw) if type_name == "json" else yaml.safe_load(raw)
    except (json.JSONDecodeError, yaml.YAMLError) as error:
        raise AnswerError(f"'{raw}' is no {type_name.upper()}.") from error


def _text(raw: object) -> str:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        raise AnswerError(f"{_shown(raw)} is no text.")
    text = str(raw)
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        raise AnswerError("The text is not valid UTF-8.")
    return text


def _whole(raw: object) -> int:
    if isinstance(raw, str | int | float) and not isinstance(raw, bool):
        try:
            number = int(raw)
        except (ValueError, OverflowError):
            number = None
        if number is not None and not (isinstance(raw, float) and number != raw):
            return number
    raise AnswerError(f"{_shown(raw)} is no whole number.")


def _number(raw: object) -> float:
    if isinstance(raw, str | int | float) and not isinstance(raw, bool):
        try:
            number = float(raw)
        except (ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return number
    raise AnswerError(f"{_shown(raw)} is no number.")


def _flag(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    word = str(raw).strip().lower()
    if word in {"y", "yes", "t", "true", "on", "1"}:
        return True
    if word in {"n", "no", "f", "false", "off", "0"}:
        return False
    raise AnswerError(f"{_shown(raw)} is neither yes nor no.")


_CASTERS: dict[str, Callable[[object], Any]] = {
    "str": _text,
    "path": _text,
    "int": _whole,
    "float": _number,
    "bool": _flag,
}


def _truth(value: object) -> bool:
    """Read what `when` and `ask` give."""
    word = str(value).strip().lower()
    return word not in {"", "n", "no", "f", "false", "off", "~", "null", "none", "0", "0.0"}


def _shown(raw: object) -> str:
    text = "nothing" if raw is None else repr(raw)
    limit = 60
    return text if len(text) <= limit else text[: limit - 1] + "…"
