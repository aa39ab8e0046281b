"""`fourhats profile`: whether it is worth building, where that can be said; what the data holds."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING

from fourhats.diagnose.command import as_data, first_page
from fourhats.terminal import one_line, styled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fourhats_runtime.profile import Column, Profile

    from fourhats.diagnose.command import Request

NOT_YET = (
    "Whether it is worth building comes first, once it is known what decisions are worth: "
    "--project FOLDER that predicts it, or -d value_right=… -d value_wrong=… "
    "-d value_monthly_volume=…"
)


def profile_command(request: Request) -> int:
    """Run `fourhats profile`."""
    profile, diagnosis = first_page(request)
    if request.json:
        found = None if diagnosis is None else as_data(diagnosis)
        data = _plain(asdict(profile) | {"diagnosis": found})
        print(json.dumps(data, indent=2, ensure_ascii=False))
        return 0
    if diagnosis is not None:
        from fourhats.diagnose import page  # noqa: PLC0415 (it brings matplotlib)

        for line in page.lines(page.said(diagnosis)):
            print(one_line(line))
        print()
    for line in _page(profile):
        print(line)
    if diagnosis is None and profile.target is not None:
        print(NOT_YET)
    return 0


def _page(profile: Profile) -> Iterable[str]:
    yield styled(f"{profile.path}: {profile.rows:,} rows, {len(profile.columns)} columns", "bold")
    yield ""
    header = ("column", "type", "role", "missing", "distinct", "note")
    rows = [header, *(_row(column) for column in profile.columns)]
    widths = [min(40, max(len(row[place]) for row in rows)) for place in range(len(header) - 1)]
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)]
        line = "  ".join([*cells, row[-1]]).rstrip()
        yield styled(line, "dim") if number == 0 else line
    yield ""
    if profile.target is None:
        yield f"Likely targets: {', '.join(profile.likely_targets) or 'none stands out'}"
    else:
        positive = "" if profile.positive is None else f", positive class {profile.positive}"
        yield one_line(f"Target: {profile.target} ({profile.task}){positive}")
    for warning in profile.warnings:
        yield f"{styled('warning:', 'yellow')} {one_line(warning)}"


def _row(column: Column) -> tuple[str, ...]:
    name = column.name if column.name == column.source else f"{column.name} ({column.source})"
    personal = "personal data" if column.pii and "personal data" not in column.note else ""
    switch = f"to use it: {column.switch}" if column.switch else ""
    remark = "; ".join(part for part in (column.note, personal, switch) if part)
    missing = f"{column.missing:,}" if column.missing else ""
    cells = (name, column.type, column.role, missing, f"{column.distinct:,}", remark)
    return tuple(one_line(cell) for cell in cells)


def _plain(value: object) -> object:
    """Make JSON of what a profile holds: dates as text, no NaN."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | bool) or value is None else str(value)
