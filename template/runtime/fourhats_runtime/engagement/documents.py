"""A document for both sides: Markdown in docs/, in which people write, and as PDF."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

from fourhats_runtime import blocks
from fourhats_runtime.business import Business
from fourhats_runtime.chance import INTERVAL
from fourhats_runtime.data.extras import needs
from fourhats_runtime.engagement.parties import head
from fourhats_runtime.project import Project

logger = logging.getLogger(__name__)


def write(project: Project, name: str, facts: dict[str, Any], *, overwrite: bool) -> list[Path]:
    """Write a document's blocks, and all of it as PDF; gives the paths of both.

    Raises:
        ProjectError: a mark of a block is damaged, or, unless to `overwrite`, a block was edited:
            nothing is written.

    """
    with needs("monitor"):
        from fourhats_runtime.engagement.printed import print_markdown  # noqa: PLC0415
        from fourhats_runtime.monitor.markdown import templates  # noqa: PLC0415
        from fourhats_runtime.monitor.page import interval  # noqa: PLC0415

    environment = templates(__package__ or "")
    environment.filters["cell"] = cell
    environment.filters["interval"] = interval
    environment.filters["marked"] = lambda text, block: blocks.enclosed(block, text)
    top, business = head(project), project.settings(Business)
    known = {"project": project, "business": business, "head": top, "INTERVAL": INTERVAL, **facts}
    path = project.folder / "docs" / name
    fresh = re.sub(r"\n{3,}", "\n\n", environment.get_template(name).render(known)).lstrip()
    text, without = blocks.write(path, fresh, f"docs/{name}", overwrite=overwrite)
    for block in without:
        logger.warning("docs/%s is without %s: its marks were taken off", name, block)
    printed = path.with_suffix(".pdf")
    print_markdown(text, printed, author=top.maker)
    return [path, printed]


def cell(text: object) -> str:
    """Write a text so that it stays within a cell of a Markdown table, and is no markup."""
    said = " ".join(str(text).split())
    for sign in "\\|<*_`[":
        said = said.replace(sign, f"\\{sign}")
    return said
