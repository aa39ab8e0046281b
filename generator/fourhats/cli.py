"""The command line. What a command needs is imported when it runs."""

# ruff: noqa: PLC0415  # importing late is what keeps --help quick
from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, Any

from fourhats.arguments import parser

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from fourhats.client.sources import Place
    from fourhats.diagnose.command import Request

_OF_ANOTHER_REPOSITORY = (
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # A command is over before there is garbage worth collecting: importing copier alone would
    # set off dozens of collections.
    gc.disable()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a sign gets its code, not a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    # A git hook that calls us names its own repository, for every git below us, copier's too.
    for name in _OF_ANOTHER_REPOSITORY:
        os.environ.pop(name, None)
    try:
        try:
            return _run(parser().parse_args(arguments))
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
        parser().print_help()
        return 0
    return COMMANDS[options.command](options)


def _new(options: argparse.Namespace) -> int:
    from fourhats.render.new import Request, new_command

    return new_command(Request(**_typed(options)))


def _update(options: argparse.Namespace) -> int:
    typed = _typed(options)
    folder = typed.pop("all")
    if folder is None:
        from fourhats.change.commands import Wish, update_command

        return update_command(Wish(**typed))
    for name in ("to", "data", "source"):
        if typed[name]:
            from fourhats.errors import WrongInputError

            raise WrongInputError(f"--{name} is for one project: it does not go with --all")
    from fourhats.change.branches import update_all_command

    return update_all_command(folder, dry_run=options.dry_run)


def _set(options: argparse.Namespace) -> int:
    from fourhats.change.commands import Wish, set_command

    typed = _typed(options)
    words = typed.pop("words")
    dest = "." if "=" in words[0] else words.pop(0)
    return set_command(Wish(dest=dest, data=words, **typed))


def _status(options: argparse.Namespace) -> int:
    from fourhats.change.status import status_command

    return status_command(options.dest, as_json=options.json)


def _adopt(options: argparse.Namespace) -> int:
    from fourhats.change.commands import Wish, adopt_command

    return adopt_command(Wish(**_typed(options)))


def _profile(options: argparse.Namespace) -> int:
    from fourhats.diagnose.first_page import profile_command

    return profile_command(_asked_of_data(options))


def _diagnose(options: argparse.Namespace) -> int:
    from fourhats.diagnose.command import diagnose_command

    return diagnose_command(_asked_of_data(options))


def _asked_of_data(options: argparse.Namespace) -> Request:
    from fourhats.diagnose.command import Request

    typed = _typed(options)
    place = _place(options, typed.pop("client_data"))
    for name in ("table", "query", "sheet", "columns", "header", "encoding"):
        typed.pop(name)
    return Request(place=place, **typed)


def _place(options: argparse.Namespace, address: str) -> Place:
    from fourhats.client.sources import Place

    return Place(
        address,
        options.table,
        options.query,
        options.sheet,
        options.columns,
        options.header,
        options.encoding,
    )


def _estimate(options: argparse.Namespace) -> int:
    from fourhats.estimate.command import estimate_command

    return estimate_command(
        options.dest, options.answers, options.data, options.actuals, as_json=options.json
    )


def _documents(options: argparse.Namespace) -> int:
    from fourhats.documents.command import Request, documents_command

    return documents_command(Request(**_typed(options)))


def _doctor(options: argparse.Namespace) -> int:
    from fourhats.doctor import doctor_command

    return doctor_command(options.dest, as_json=options.json)


def _typed(options: argparse.Namespace) -> dict[str, Any]:
    """Give what was typed, by the names that the command knows it by."""
    return {name: value for name, value in vars(options).items() if name != "command"}


def _interrupted() -> int:
    from fourhats.interrupt import exit_code
    from fourhats.terminal import error

    print(file=sys.stderr)
    error("stopped")
    return exit_code()


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "new": _new,
    "update": _update,
    "set": _set,
    "status": _status,
    "adopt": _adopt,
    "profile": _profile,
    "diagnose": _diagnose,
    "estimate": _estimate,
    "documents": _documents,
    "doctor": _doctor,
}


if __name__ == "__main__":
    sys.exit(main())
