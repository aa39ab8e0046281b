"""Breaks of one place in a module of the runtime: known ones, and those that are drawn."""

from __future__ import annotations

import ast
import random
from typing import TYPE_CHECKING, NamedTuple

from tests.runtime.sample_project import TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNTIME = TEMPLATE / "runtime" / "fourhats_runtime"


class Mutant(NamedTuple):
    """A break of a module: what stands there, and what takes its place."""

    what: str
    module: str
    """Its path in the runtime."""
    before: str
    after: str
    line: int = 0
    """Where it is, for one that was drawn."""
    noticed_by: str = ""
    """The file of tests that is asked first: a hint, for all the others are asked if it passes."""


# Mistakes of method that once went unnoticed.
KNOWN = (
    Mutant(
        "models are tuned on the holdout",
        "model/tuning.py",
        "train, contract), parts.validation, contract)\n        actual = parts.validation",
        "train, contract), parts.holdout, contract)\n        actual = parts.holdout",
        noticed_by="model/test_experiment.py",
    ),
    Mutant(
        "the final model learns from the holdout",
        "model/parts.py",
        "return self.train.joined(self.validation)",
        "return self.train.joined(self.holdout)",
        noticed_by="model/test_experiment.py",
    ),
    Mutant(
        "the rule of one standard error is off",
        "model/tuning.py",
        "each.behind <= each.chance",
        "each.behind <= 0",
        noticed_by="model/test_experiment.py",
    ),
    Mutant(
        "a tie takes the champion's place",
        "lifecycle/comparison.py",
        "is_better=_lower_bound(draws, differing, stake, error_rate) > 0",
        "is_better=gains.mean() >= 0",
    ),
    Mutant(
        "the future predicts the past",
        "model/parts.py",
        "ORDER BY {', '.join(map(quote, contract.time_order))})",
        "ORDER BY {', '.join(map(quote, contract.time_order))} DESC)",
        noticed_by="model/test_experiment.py",
    ),
    Mutant(
        "an entity is on both sides",
        "model/sides.py",
        "return np.where(missing, keys, _hash(rows, [contract.entity]))",
        "return np.where(missing, keys, keys)",
    ),
    Mutant(
        "what was not known yet is learnt from",
        "model/sides.py",
        "train = found.train & (known <= _start(moments, after_train))",
        "train = found.train",
    ),
    Mutant(
        "rows of one entity are so many draws",
        "chance.py",
        "off = _summed(amounts - mean, groups)\n    draws",
        "off = amounts - mean\n    draws",
    ),
    Mutant(
        "an alert knows nothing of the holdout's error",
        "monitor/performance.py",
        "(max(now, before) / rows + before / promised_rows) ** 0.5",
        "(max(now, before) / rows) ** 0.5",
    ),
    Mutant(
        "an unknown category is larger than every known one",
        "model/encoding.py",
        "unknown_value=-1",
        "unknown_value=999",
    ),
)
SWAPS: dict[type, tuple[str, str]] = {
    ast.Lt: ("<", ">="),
    ast.LtE: ("<=", ">"),
    ast.Gt: (">", "<="),
    ast.GtE: (">=", "<"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: (" is ", " is not "),
    ast.IsNot: (" is not ", " is "),
    ast.In: (" in ", " not in "),
    ast.NotIn: (" not in ", " in "),
    ast.And: (" and ", " or "),
    ast.Or: (" or ", " and "),
    ast.Add: (" + ", " - "),
    ast.Sub: (" - ", " + "),
    ast.Mult: (" * ", " / "),
    ast.Div: (" / ", " * "),
}


def modules() -> list[str]:
    """Name the modules that hold something to be broken."""
    names = (path.relative_to(RUNTIME).as_posix() for path in sorted(RUNTIME.rglob("*.py")))
    return [name for name in names if any(places((RUNTIME / name).read_text(encoding="utf-8")))]


def drawn(module: str, seed: int) -> Mutant:
    """Draw one break of a module; the same seed draws the same place of the same text."""
    text = (RUNTIME / module).read_text(encoding="utf-8")
    found = sorted(places(text))
    line, before, after = random.Random(f"{seed} {module}").choice(found)
    return Mutant(f"{before.strip()} -> {after.strip()}", module, before, after, line)


def places(text: str) -> Iterator[tuple[int, str, str]]:
    """Give what can be broken: the line, what stands there once, and what takes its place."""
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            swap = SWAPS.get(type(node.ops[0]))
        elif isinstance(node, ast.BoolOp | ast.BinOp):
            swap = SWAPS.get(type(node.op))
        else:
            continue
        if swap is None or node.lineno != node.end_lineno:
            continue
        line = lines[node.lineno - 1]
        if line.count(swap[0]) == 1 and "TYPE_CHECKING" not in line and "__name__" not in line:
            yield node.lineno, line, line.replace(*swap)


def broken(text: str, mutant: Mutant) -> str:
    """Break the text of a module."""
    if mutant.line:
        lines = text.splitlines(keepends=True)
        assert lines[mutant.line - 1].rstrip("\n") == mutant.before
        lines[mutant.line - 1] = f"{mutant.after}\n"
        return "".join(lines)
    assert text.count(mutant.before) == 1, f"{mutant.module} has changed: break another place"
    return text.replace(mutant.before, mutant.after)
