"""What the runtime says of itself, read from its source without importing it."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.services.rendered import ROOT

HOME = ROOT / "template" / "runtime"
PACKAGE = HOME / "fourhats_runtime"
CACHES = re.compile(r"__pycache__|\..*_cache|.*\.egg-info")


def files(home: Path = HOME) -> dict[str, bytes]:
    """Give every file of it with its bytes, by its place in a project."""
    found = (path for path in home.rglob("*") if path.is_file())
    return {
        path.relative_to(home.parent).as_posix(): path.read_bytes()
        for path in found
        if not any(CACHES.fullmatch(part) for part in path.relative_to(home).parts)
    }


def code(*rooms: str) -> str:
    """Give the code of some of its rooms or modules, or all of it."""
    places = [PACKAGE / room for room in rooms] or [PACKAGE]
    modules = [
        path for at in places for path in ([at] if at.is_file() else sorted(at.rglob("*.py")))
    ]
    assert modules
    return "".join(path.read_text(encoding="utf-8") for path in modules)


@cache
def modules() -> dict[Path, ast.Module]:
    """Parse all of it."""
    return {path: ast.parse(path.read_bytes()) for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def imported() -> set[str]:
    """Name the packages that it imports, wherever it does."""
    names = set()
    for module in modules().values():
        for node in ast.walk(module):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(str(node.module))
    return {name.split(".")[0] for name in names}


@cache
def tables() -> dict[str, set[str]]:
    """Name the keys of each table that some class of settings reads; what has none is under ""."""
    known: dict[str, set[str]] = {}
    for module in modules().values():
        for node in _classes(module):
            line = list(_ancestors(node, module))
            if any("Section" in map(ast.unparse, at.bases) for at in line):
                table = next((found for at in line if (found := _table(at)) is not None), "")
                known.setdefault(table, set()).update(key for at in line for key in _keys(at))
    return known


def variables() -> set[str]:
    """Name the variables that set a key of some table, and the tables' own."""
    found = {
        f"{table}__{key}" if table else key for table, keys in tables().items() for key in keys
    }
    return {name.upper() for name in found}


@cache
def secrets() -> re.Pattern[str]:
    """Give what the names of variables look like that are read one by one, secrets among them."""
    words = re.compile(r"[A-Z]+(_[A-Z]+)*")
    named: set[str] = set()
    for module in modules().values():
        for node in ast.walk(module):
            if isinstance(node, ast.Constant) and words.fullmatch(str(node.value)):
                named.add(str(node.value))
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "secret":
                named |= {f"[A-Z_]+_{ast.literal_eval(kind)}" for kind in node.args}
            elif isinstance(node, ast.JoinedStr) and (end := _end(node)):
                named.add(f"[A-Z]+{end}")
    return re.compile("|".join(sorted(named)))


def reads(variable: str) -> bool:
    """Tell whether a variable of the environment means anything to it."""
    return variable in variables() or secrets().fullmatch(variable) is not None


def _end(text: ast.JoinedStr) -> str:
    """Give the end of what is made of one part and a name's end, such as `{name}_URL`."""
    if len(text.values) == 2 and isinstance(text.values[0], ast.FormattedValue):
        last = text.values[1]
        if isinstance(last, ast.Constant) and re.fullmatch(r"(_[A-Z]+)+", str(last.value)):
            return str(last.value)
    return ""


def _classes(module: ast.Module) -> list[ast.ClassDef]:
    return [node for node in module.body if isinstance(node, ast.ClassDef)]


def _ancestors(node: ast.ClassDef, module: ast.Module) -> Iterator[ast.ClassDef]:
    """Give a class and those that it inherits from: its module's, or imported by their name."""
    yield node
    for name in map(ast.unparse, node.bases):
        here = [(at, module) for at in _classes(module) if at.name == name]
        everywhere = [(at, other) for other in modules().values() for at in _classes(other)]
        found = here or [(at, other) for at, other in everywhere if at.name == name]
        if found and name != "Section":
            yield from _ancestors(*found[0])


def _table(node: ast.ClassDef) -> str | None:
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and ast.unparse(item.target) == "table" and item.value:
            return str(ast.literal_eval(item.value))
    return None


def _keys(node: ast.ClassDef) -> set[str]:
    """Name the keys of a class of settings as they are written: some have an alias."""
    keys = set()
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and "ClassVar" not in ast.unparse(item.annotation):
            options = item.value.keywords if isinstance(item.value, ast.Call) else []
            alias = [ast.literal_eval(option.value) for option in options if option.arg == "alias"]
            keys.add(str(alias[0]) if alias else ast.unparse(item.target))
    return keys
