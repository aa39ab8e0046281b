"""What can be typed: the commands, their options, and the help."""

# ruff: noqa: PLC0415  # importing late is what keeps --help quick
from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable


class _Help(argparse.HelpFormatter):
    """Help without the line that only says COMMAND."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)
        # argparse forgets that commands are indented: the longest has to fit before its help.
        self._action_max_length = len("    documents")

    def _format_action(self, action: argparse.Action) -> str:
        text = super()._format_action(action)
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  # it has no public name
            return text.partition("\n")[2]
        return text


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401  # argparse's own
        super().__init__(**settings, formatter_class=_Help, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        from fourhats.terminal import error

        error(f"{message} (see `{self.prog} --help`)")
        sys.exit(2)


class _Version(argparse.Action):
    """Print the version: looked up only when asked for."""

    def __call__(self, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"fourhats {version('fourhats')}")
        sys.exit(0)


def parser() -> argparse.ArgumentParser:
    """Give what reads the command line."""
    root = _Parser(
        prog="fourhats",
        description="Start a data-science project that trains, serves and watches its model.",
    )
    root.add_argument(
        "--version",
        action=_Version,
        nargs=0,
        default=argparse.SUPPRESS,
        help="show the version and exit",
    )
    commands = root.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", parser_class=_Parser
    )
    _add_new(commands)
    _add_update(commands)
    _add_set(commands)
    _add_status(commands)
    _add_adopt(commands)
    _add_profile(commands)
    _add_diagnose(commands)
    _add_estimate(commands)
    _add_documents(commands)
    _add_doctor(commands)
    return root


def _add_new(commands: argparse._SubParsersAction[_Parser]) -> None:
    new = commands.add_parser(
        "new",
        help="start a project",
        description="Start a project in DEST: asks a few questions, shows a review, then writes.",
    )
    new.add_argument("dest", metavar="DEST", help="folder of the project, new or empty")
    new.add_argument("--defaults", action="store_true", help="ask nothing, take the defaults")
    _add_data(new)
    new.add_argument("--answers", metavar="FILE", help="answers from a YAML file")
    new.add_argument(
        "--client-data",
        metavar="PATH|URL",
        help="the client's data: CSV, JSON, Parquet (a file, folder or pattern, also packed; "
        "s3://…, gs://… or az://… too), an Excel workbook, or postgresql://… or mysql://…; the "
        "data contract is inferred from it",
    )
    _add_part(new)
    _add_target(new)
    new.add_argument("--dry-run", action="store_true", help="show the files, write nothing")
    new.add_argument(
        "--run", action="store_true", help="then install, train, and ask for one prediction"
    )
    new.add_argument("--no-git", dest="git", action="store_false", help="start no git repository")
    new.add_argument(
        "--source", metavar="PATH|URL", help="another template (default: the one that came along)"
    )


def _add_update(commands: argparse._SubParsersAction[_Parser]) -> None:
    update = commands.add_parser(
        "update",
        help="pull the template's newer version into a project",
        description="Show what a newer version of the template changes in DEST, then apply it.",
    )
    update.add_argument(
        "dest", metavar="DEST", nargs="?", default=".", help="a project (default: this folder)"
    )
    update.add_argument(
        "--all",
        metavar="FOLDER",
        help="update each project in FOLDER, on a branch of its own; their files are left alone",
    )
    update.add_argument("--to", metavar="VERSION", help="that version (default: the newest)")
    _add_data(update)
    _add_review(update)


def _add_set(commands: argparse._SubParsersAction[_Parser]) -> None:
    change = commands.add_parser(
        "set",
        usage="%(prog)s [DEST] KEY=VALUE ... [options]",
        help="change answers of a project: add a source, a serving style, …",
        description="Show what other answers change in DEST, then apply it.",
    )
    change.add_argument(
        "words",
        metavar="KEY=VALUE",
        nargs="+",
        help="an answer; KEY+=VALUE and KEY-=VALUE where a question has several "
        "(a project's folder may come first; default: this folder)",
    )
    _add_review(change)


def _add_status(commands: argparse._SubParsersAction[_Parser]) -> None:
    status = commands.add_parser(
        "status",
        help="say how far projects are behind their template",
        description="For a project, or each one in a folder: version, how far behind, conflicts.",
    )
    status.add_argument(
        "dest",
        metavar="DEST",
        nargs="*",
        default=["."],
        help="projects, or folders of projects (default: this folder)",
    )
    status.add_argument("--json", action="store_true", help="for a program to read")


def _add_adopt(commands: argparse._SubParsersAction[_Parser]) -> None:
    adopt = commands.add_parser(
        "adopt",
        help="make a project of an existing repository",
        description="Add to DEST what it lacks to be a project; its own files stay as they are.",
    )
    adopt.add_argument(
        "dest", metavar="DEST", nargs="?", default=".", help="a repository (default: this folder)"
    )
    _add_data(adopt)
    adopt.add_argument("--answers", metavar="FILE", help="answers from a YAML file")
    _add_review(adopt)


def _add_data(parser: _Parser) -> None:
    parser.add_argument(
        "-d",
        "--data",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="answer one question (repeatable)",
    )


def _add_part(parser: _Parser) -> None:
    parser.add_argument("--table", metavar="NAME", help="the table of a database")
    parser.add_argument("--query", metavar="SQL", help="a query to a database, in place of a table")
    parser.add_argument(
        "--sheet", metavar="NAME", help="the sheet of a workbook (else all that are like the first)"
    )
    parser.add_argument(
        "--columns", metavar="A,B,C", help="what the columns of files without a header are called"
    )
    parser.add_argument(
        "--no-header",
        dest="header",
        action="store_false",
        help="the files have no header: call their columns column_1, column_2, …",
    )
    parser.add_argument(
        "--encoding",
        metavar="NAME",
        help="of text files, such as cp1250 (else UTF-8, UTF-16 or Windows-1252)",
    )


def _add_review(parser: _Parser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="show the changes, apply nothing")
    parser.add_argument("-y", "--yes", action="store_true", help="apply without asking")
    parser.add_argument(
        "--source", metavar="PATH|URL", help="where the template is now (default: as noted)"
    )


def _add_target(command: argparse.ArgumentParser) -> None:
    command.add_argument("--target", metavar="COLUMN", help="the column of it to predict")
    command.add_argument(
        "--positive",
        metavar="CLASS",
        help="the class of the target that calls for action, where it is not the one that is found",
    )


def _add_day_rate(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--day-rate",
        metavar="AMOUNT",
        type=_positive(float),
        help="what a day of work costs (default: of [estimate] in config/engagement.toml)",
    )


def _add_profile(commands: argparse._SubParsersAction[_Parser]) -> None:
    profile = commands.add_parser(
        "profile",
        help="say what a client's data holds",
        description="Types, roles, missing values, likely target and task, personal data; first, "
        "where it is known what decisions are worth, whether it is worth building.",
    )
    profile.add_argument(
        "client_data",
        metavar="PATH|URL",
        help="CSV, JSON, Parquet (a file, folder or pattern, also packed; s3://…, gs://… or "
        "az://… too), an Excel workbook, or postgresql://… or mysql://…",
    )
    _add_part(profile)
    _add_target(profile)
    profile.add_argument(
        "--project",
        dest="dest",
        metavar="FOLDER",
        default=".",
        help="a project that predicts it, and says what that is worth (default: this folder)",
    )
    _add_data(profile)
    _add_day_rate(profile)
    profile.add_argument("--json", action="store_true", help="for a program to read")


def _add_diagnose(commands: argparse._SubParsersAction[_Parser]) -> None:
    diagnose = commands.add_parser(
        "diagnose",
        help="say whether it is worth building: two pages, HTML and PDF",
        description="From the client's data, what decisions are worth and what building takes: "
        "what a perfect model could add, what a first one does, and whether to go on.",
    )
    diagnose.add_argument(
        "dest",
        metavar="DEST",
        nargs="?",
        default=".",
        help="a project, or a folder with config/engagement.toml (default: this folder)",
    )
    diagnose.add_argument(
        "--client-data",
        metavar="PATH|URL",
        required=True,
        help="the client's data: what `fourhats profile` takes",
    )
    _add_part(diagnose)
    _add_target(diagnose)
    _add_data(diagnose)
    diagnose.add_argument(
        "--answers", metavar="FILE", help="answers from a YAML file, before there is a project"
    )
    diagnose.add_argument(
        "--today",
        metavar="SQL",
        help="what is done today, as a condition on the columns, such as 'tenure < 12'",
    )
    _add_day_rate(diagnose)
    diagnose.add_argument(
        "--months",
        metavar="N",
        type=_positive(int),
        help="within which it has to pay back (default: of [engagement] there, else 24)",
    )
    diagnose.add_argument(
        "--out",
        metavar="FOLDER",
        help="where the pages go (default: docs/ of the project, else this folder)",
    )
    diagnose.add_argument("--json", action="store_true", help="for a program to read")


def _positive(kind: Callable[[str], float]) -> Callable[[str], float]:
    def read(text: str) -> float:
        number = kind(text)
        if not 0 < number < float("inf"):
            raise argparse.ArgumentTypeError(f"'{text}' is no number above 0")
        return number

    read.__name__ = "number above 0"
    return read


def _add_estimate(commands: argparse._SubParsersAction[_Parser]) -> None:
    estimate = commands.add_parser(
        "estimate",
        help="say what an engagement takes: days, dates, cost, break-even",
        description="Simulate the engagement that the answers of DEST describe; terms such as the "
        "day rate stand in [estimate] of its config/engagement.toml.",
    )
    estimate.add_argument(
        "dest", metavar="DEST", nargs="?", default=".", help="a project (default: this folder)"
    )
    _add_data(estimate)
    estimate.add_argument(
        "--answers", metavar="FILE", help="answers from a YAML file, before there is a project"
    )
    estimate.add_argument(
        "--actuals",
        metavar="CSV",
        help="hours by task, as Toggl, Clockify or Harvest export them: shows them beside what "
        "was expected, and reckons with them from then on",
    )
    estimate.add_argument("--json", action="store_true", help="for a program to read")


def _add_documents(commands: argparse._SubParsersAction[_Parser]) -> None:
    documents = commands.add_parser(
        "documents",
        help="write what both sides sign: proposal, charter, registers",
        description="Write proposal, charter, risk register and decision log of DEST, as Markdown "
        "and PDF in the client's language; again, around what you wrote in them.",
    )
    documents.add_argument(
        "dest",
        metavar="DEST",
        nargs="?",
        default=".",
        help="a project, or a folder with config/engagement.toml (default: this folder)",
    )
    _add_data(documents)
    documents.add_argument(
        "--answers", metavar="FILE", help="answers from a YAML file, before there is a project"
    )
    documents.add_argument(
        "--revision",
        metavar="TEXT",
        help="what their version is called (default: the project's commit)",
    )
    documents.add_argument(
        "--out",
        metavar="FOLDER",
        help="where they go (default: docs/engagement/ of the project, else engagement/)",
    )
    documents.add_argument(
        "--overwrite",
        action="store_true",
        help="discard what somebody wrote between the marks of a block",
    )
    documents.add_argument("--json", action="store_true", help="for a program to read")


def _add_doctor(commands: argparse._SubParsersAction[_Parser]) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="say what this machine lacks, and the command that fixes it",
        description="Check this machine, and the project in DEST if there is one.",
    )
    doctor.add_argument("dest", metavar="DEST", nargs="?", help="a project (default: this folder)")
    doctor.add_argument("--json", action="store_true", help="for a program to read")
