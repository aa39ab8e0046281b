"""The command line. What a command needs is imported when it runs."""

# ruff: noqa: PLC0415  # importing late is what keeps --help quick
from __future__ import annotations

import argparse
import gc
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Help(argparse.HelpFormatter):
    """Help without the line that only says COMMAND."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # A command is over before there is garbage worth collecting: importing copier alone would
    # set off dozens of collections.
    gc.disable()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a sign gets its code, not a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            return _run(_parser().parse_args(arguments))
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader (`| head`) has enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (KeyboardInterrupt, EOFError):
        return _interrupted()
    except Exception as problem:
        from fourhats.errors import FourhatsError
        from fourhats.terminal import error

        if not isinstance(problem, FourhatsError):
            raise
        error(str(problem))
        return problem.exit_code


def _run(options: argparse.Namespace) -> int:
    if options.command is None:
        _parser().print_help()
        return 0
    if options.command == "new":
        from fourhats.new import Request, new_command

        return new_command(
            Request(
                dest=options.dest,
                defaults=options.defaults,
                data=tuple(options.data),
                answers=options.answers,
                client_data=options.client_data,
                target=options.target,
                dry_run=options.dry_run,
                run=options.run,
                git=options.git,
                source=options.source,
            )
        )
    if options.command == "profile":
        from fourhats.profile import profile_command

        return profile_command(options.file, options.target, as_json=options.json)
    from fourhats.doctor import doctor_command

    return doctor_command(options.dest, as_json=options.json)


def _interrupted() -> int:
    from fourhats.interrupt import exit_code
    from fourhats.terminal import error

    print(file=sys.stderr)
    error("stopped")
    return exit_code()


class _Version(argparse.Action):
    """Print the version: looked up only when asked for."""

    def __call__(self, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"fourhats {version('fourhats')}")
        sys.exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="fourhats",
        description="Start a data-science project that trains, serves and watches its model.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", parser_class=_Parser
    )
    _add_new(commands)
    _add_profile(commands)
    _add_doctor(commands)
    return parser


def _add_new(commands: argparse._SubParsersAction[_Parser]) -> None:
    new = commands.add_parser(
        "new",
        help="start a project",
        description="Start a project in DEST: asks a few questions, shows a review, then writes.",
    )
    new.add_argument("dest", metavar="DEST", help="folder of the project, new or empty")
    new.add_argument("--defaults", action="store_true", help="ask nothing, take the defaults")
    new.add_argument(
        "-d",
        "--data",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="answer one question (repeatable)",
    )
    new.add_argument("--answers", metavar="FILE", help="answers from a YAML file")
    new.add_argument(
        "--client-data",
        metavar="FILE",
        help="the client's CSV or Parquet file: the data contract is inferred from it",
    )
    new.add_argument("--target", metavar="COLUMN", help="the column of that file to predict")
    new.add_argument("--dry-run", action="store_true", help="show the files, write nothing")
    new.add_argument(
        "--run", action="store_true", help="then install, train, and ask for one prediction"
    )
    new.add_argument("--no-git", dest="git", action="store_false", help="start no git repository")
    new.add_argument(
        "--source", metavar="PATH|URL", help="another template (default: the one that came along)"
    )


def _add_profile(commands: argparse._SubParsersAction[_Parser]) -> None:
    profile = commands.add_parser(
        "profile",
        help="say what a client's file holds",
        description="Types, roles, missing values, likely target and task, personal data.",
    )
    profile.add_argument("file", metavar="FILE", help="CSV or Parquet, a path or a pattern")
    profile.add_argument("--target", metavar="COLUMN", help="the column to predict")
    profile.add_argument("--json", action="store_true", help="for a program to read")


def _add_doctor(commands: argparse._SubParsersAction[_Parser]) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="say what this machine lacks, and the command that mends it",
        description="Check this machine, and the project in DEST if there is one.",
    )
    doctor.add_argument("dest", metavar="DEST", nargs="?", help="a project (default: this folder)")
    doctor.add_argument("--json", action="store_true", help="for a program to read")


if __name__ == "__main__":
    sys.exit(main())
