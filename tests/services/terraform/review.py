"""What is wrong with Terraform files, as far as it can be said without a provider.

Each type, argument, block and attribute is held against the recorded facts of its provider; each
reference against what is declared. What a value is, and whether the cloud takes it, is not known.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.services.terraform import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.services.terraform.hcl import HclFile

Body = dict[str, Any]

META = {"count", "for_each", "depends_on", "provider", "lifecycle"}
TOP = {"terraform", "provider", "variable", "locals", "resource", "data", "output", "check"}
ROOTS = re.compile(r"(?<![\w.])(var|local|path|terraform|each|count|self|module)\.(\w+)")


def review(files: Mapping[str, HclFile], provider: str) -> list[str]:
    """Say what is wrong with the files of a folder, a line each."""
    facts = json.loads((FACTS / f"{provider}.json").read_text(encoding="utf-8"))
    code = {name: file.parsed for name, file in files.items() if name.endswith(".tf")}
    return [
        *(f"{name}: {file.fault}" for name, file in files.items() if file.fault),
        *_unknown_parts(code),
        *_twice(code),
        *_types(code, facts),
        *_references(code, facts),
        *_variables(code),
        *_values(files, code),
        *_versions(code, facts),
    ]


def bodies(code: Mapping[str, Body], kind: str) -> Iterator[tuple[str, str, str, Body]]:
    """Give each resource or data source: its file, type, name and body."""
    for file, parsed in code.items():
        for of_type, named in parsed.get(kind, {}).items():
            for name, found in named.items():
                yield from ((file, of_type, name, body) for body in found)


def declared(code: Mapping[str, Body], kind: str) -> dict[str, Body]:
    """Give each variable or output by its name."""
    return {n: b[0] for parsed in code.values() for n, b in parsed.get(kind, {}).items()}


def expressions(value: Any) -> Iterator[str]:  # noqa: ANN401 - whatever a file says
    """Give the code of each expression in a value, with the words of its texts left out."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from expressions(name)
            yield from expressions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from expressions(inner)
    elif isinstance(value, str):
        yield from _in_text(value)


def _in_text(text: str) -> Iterator[str]:
    """Give the code between `${` and `}`, and what its own texts hold between theirs."""
    at = 0
    while (start := text.find("${", at)) >= 0:
        if text[start - 1 : start] == "$":  # $${ is no expression
            at = start + 2
            continue
        found, depth, at = [], 1, start + 2
        while depth and at < len(text):
            sign = text[at]
            if sign == '"':
                end = _end_of_text(text, at)
                yield from _in_text(text[at + 1 : end])
                sign, at = '""', end
            depth += {"{": 1, "}": -1}.get(sign, 0)
            found.append(sign)
            at += 1
        yield "".join(found[:-1])


def _end_of_text(text: str, start: int) -> int:
    at, depth = start + 1, 0
    while at < len(text) and (text[at] != '"' or depth):
        if text[at] == "\\":
            at += 1
        elif text.startswith("${", at):
            depth += 1
        elif text[at] == "}" and depth:
            depth -= 1
        at += 1
    return at


def _unknown_parts(code: Mapping[str, Body]) -> Iterator[str]:
    for file, parsed in code.items():
        for part in parsed.keys() - TOP:
            yield f"{file}: a part {part}, which is not known here"


def _twice(code: Mapping[str, Body]) -> Iterator[str]:
    seen: dict[str, str] = {}
    found = [
        (file, f"{kind} {of_type}.{name}")
        for kind in ("resource", "data")
        for file, of_type, name, _ in bodies(code, kind)
    ]
    for kind in ("variable", "output"):
        found += [
            (file, f"{kind} {name}")
            for file, parsed in code.items()
            for name, given in parsed.get(kind, {}).items()
            for _ in given
        ]
    found += [
        (file, f"local {name}")
        for file, parsed in code.items()
        for given in parsed.get("locals", [])
        for name in given
    ]
    for file, what in found:
        if what in seen:
            yield f"{file}: {what} is in {seen[what]} already"
        seen[what] = file


def _types(code: Mapping[str, Body], facts: Body) -> Iterator[str]:
    for kind in ("resource", "data"):
        for file, of_type, name, body in bodies(code, kind):
            where = f"{file}: {of_type}.{name}"
            if of_type not in facts[kind]:
                yield f"{where}: no fact is recorded of this {kind}"
                continue
            given = {key: value for key, value in body.items() if key not in META}
            yield from _block(where, given, facts[kind][of_type])
    for file, parsed in code.items():
        for given in parsed.get("provider", {}).values():
            for body in given:
                yield from _block(f"{file}: provider", body, facts["provider"])


def _block(where: str, body: Body, schema: Body) -> Iterator[str]:
    blocks = schema["blocks"]
    dynamic = body.get("dynamic", {})
    given = body.keys() | dynamic.keys()
    needed = {name for name, block in blocks.items() if block["needed"]}
    for name in sorted({*schema["required"], *needed} - given):
        yield f"{where} lacks {name}"
    for name, found in dynamic.items():
        contents = [content for one in found for content in one["content"]]
        yield from _inner(where, name, contents, blocks)
    for name, value in body.items():
        if name in blocks:
            yield from _inner(where, name, value, blocks)
        elif name not in (*schema["required"], *schema["optional"], "dynamic"):
            yield f"{where} knows no {name}"


def _inner(where: str, name: str, value: Any, blocks: Body) -> Iterator[str]:  # noqa: ANN401
    if name not in blocks:
        yield f"{where} knows no block {name}"
    elif not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        yield f"{where}: {name} is a block"
    else:
        if blocks[name]["once"] and len(value) > 1:
            yield f"{where}: {name} more than once"
        for one in value:
            yield from _block(f"{where} {name}", one, blocks[name])


def _references(code: Mapping[str, Body], facts: Body) -> Iterator[str]:
    known = {
        (kind, of_type, name)
        for kind in ("resource", "data")
        for _, of_type, name, _ in bodies(code, kind)
    }
    variables = declared(code, "variable")
    local_names = {n for p in code.values() for given in p.get("locals", []) for n in given}
    prefix = facts["source"].rpartition("/")[2]
    pattern = re.compile(rf"(?<![\w.])(data\.)?({prefix}_\w+)\.(\w+)(?:\[[^]]*\])?(?:\.(\w+))?")
    used: set[str] = set()
    for file, text in ((f, t) for f, parsed in code.items() for t in expressions(parsed)):
        for root, name in ROOTS.findall(text):
            used.add(f"{root}.{name}")
            if root == "var" and name not in variables:
                yield f"{file}: var.{name} is not declared"
            if root == "local" and name not in local_names:
                yield f"{file}: local.{name} is not declared"
        for data, of_type, name, attribute in pattern.findall(text):
            kind = "data" if data else "resource"
            if (kind, of_type, name) not in known:
                yield f"{file}: {data}{of_type}.{name} is not declared"
            elif attribute and not _has(facts[kind].get(of_type), attribute):
                yield f"{file}: {data}{of_type}.{name} has no attribute {attribute}"
    for name in sorted(variables.keys() - {u.removeprefix("var.") for u in used}):
        yield f"variable {name} is of no use"
    for name in sorted(local_names - {u.removeprefix("local.") for u in used}):
        yield f"local {name} is of no use"


def _has(schema: Body | None, attribute: str) -> bool:
    if schema is None:
        return False  # told already
    written = {*schema["required"], *schema["optional"], *schema["blocks"]}
    return attribute in written or attribute in schema["attributes"]


def _variables(code: Mapping[str, Body]) -> Iterator[str]:
    for name, body in declared(code, "variable").items():
        asked = {"description", "type"} | (
            {"validation"} if body.get("type") != "${bool}" else set()
        )
        if lacking := sorted(asked - body.keys()):
            yield f"variable {name} lacks {', '.join(lacking)}"
        if body.keys() - {"description", "type", "validation", "default", "nullable", "sensitive"}:
            yield f"variable {name} knows no {sorted(body)}"
    for name, body in declared(code, "output").items():
        if {"description", "value"} - body.keys():
            yield f"output {name} lacks a description or a value"


def _values(files: Mapping[str, HclFile], code: Mapping[str, Body]) -> Iterator[str]:
    variables = declared(code, "variable")
    for name, file in files.items():
        if not name.endswith(".tfvars"):
            continue
        for given in sorted(file.parsed.keys() - variables.keys()):
            yield f"{name}: there is no variable {given}"
        needed = {key for key, body in variables.items() if "default" not in body}
        for missing in sorted(needed - file.parsed.keys() - {"image_tag"}):
            yield f"{name} lacks {missing}"


def _versions(code: Mapping[str, Body], facts: Body) -> Iterator[str]:
    wanted = re.escape(".".join(facts["version"].split(".")[:2]))
    (settings,) = [body for p in code.values() for body in p.get("terraform", [])] or [{}]
    providers = [one for given in settings.get("required_providers", []) for one in given.values()]
    for one in providers:
        if one.get("source") == facts["source"] and re.fullmatch(
            rf"~> {wanted}(\.0)?", one["version"]
        ):
            return
    yield f"no {facts['source']} ~> {wanted} is required, whose facts are recorded"
