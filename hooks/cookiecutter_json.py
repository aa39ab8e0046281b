"""Make `cookiecutter.json` from `questions/`; run by `make cookiecutter`.

Cookiecutter can skip no prompt. So it prompts for what the recommended profile asks, and every
other question is a variable that it does not prompt for: the question's name behind an underscore.
There null means that nobody answered, and copier takes the default.
"""

import json
from pathlib import Path
from typing import Any

from fourhats.ask.questions import Entry, Questionnaire
from jinja2 import Environment
from jinja2.meta import find_undeclared_variables

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "cookiecutter.json"
# Of no use where nothing can be skipped.
NEVER_PROMPTED = {"profile"}
# Nobody is asked for the folder: it is called as the project's command, usually. (A replay file
# that lacks it hides the other answers here.)
FOLDER = (
    "{{ (cookiecutter._project_slug | default or cookiecutter.project_name | default)"
    " | slugify(max_length=30) or 'project' }}"
)


def main() -> None:
    """Write the file."""
    TARGET.write_text(cookiecutter_json(ROOT), encoding="utf-8")


def cookiecutter_json(source: Path) -> str:
    """Declare the questions of the template in this folder to cookiecutter."""
    questionnaire = Questionnaire.read(source)
    entries = questionnaire.sheet({}).entries
    prompted = [entry for entry in entries if entry.asked and entry.name not in NEVER_PROMPTED]
    variables: dict[str, Any] = {entry.name: _variable(questionnaire, entry) for entry in prompted}
    variables |= {f"_{entry.name}": None for entry in entries if entry not in prompted}
    variables["_lists"] = [entry.name for entry in entries if entry.question.multiselect]
    variables["__folder"] = FOLDER
    variables["__prompts__"] = {entry.name: _prompt(questionnaire, entry) for entry in prompted}
    return json.dumps(variables, indent=2, ensure_ascii=False) + "\n"


def _variable(questionnaire: Questionnaire, entry: Entry) -> object:
    """Give the default; a list is a menu, with the default on top."""
    if entry.question.multiselect:
        return ", ".join(entry.value)
    if entry.question.choices:
        values = [choice.value for choice in questionnaire.choices(entry.name, {})]
        return [entry.value, *(value for value in values if value != entry.value)]
    if not isinstance(entry.question.default, str):
        return entry.value
    # Earlier answers go by their bare names in a question, and by `cookiecutter.name` here.
    names = sorted(find_undeclared_variables(Environment().parse(entry.question.default)))  # noqa: S701 (nothing is rendered)
    known = [f"{{%- set {name} = cookiecutter.{name} -%}}" for name in names]
    return "".join([*known, entry.question.default])


def _prompt(questionnaire: Questionnaire, entry: Entry) -> object:
    """Give the words of a prompt; those of a menu name each choice."""
    words = questionnaire.help(entry.name, {})
    choices = questionnaire.choices(entry.name, {})
    if entry.question.multiselect:
        return f"{words} One or more of {', '.join(str(choice.value) for choice in choices)}"
    if choices:
        return {"__prompt__": words} | {str(choice.value): choice.title for choice in choices}
    return words


if __name__ == "__main__":
    main()
