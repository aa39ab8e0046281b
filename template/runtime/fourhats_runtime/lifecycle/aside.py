"""Training in a folder of its own: nothing of the project is changed."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from shutil import copytree

from fourhats_runtime.data.sql import literal
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.lifecycle.registry import CONTRACT_FILE
from fourhats_runtime.pretrained.models import MODELS
from fourhats_runtime.project import Progress, Project, named
from fourhats_runtime.settings import Section


def put_aside(
    project: Project, folder: Path, contract: bytes, sections: Iterable[Section]
) -> Project:
    """Give the project in an empty folder, with this contract, these settings and its models."""
    copytree(project.folder / "config", folder / "config")
    models = project.artifacts / MODELS
    if models.exists():  # pre-trained ones, large, and never changed
        copytree(models, folder / models.relative_to(project.folder), copy_function=os.link)
    (folder / "config" / CONTRACT_FILE).write_bytes(contract)
    aside = replace(project, root=folder, warehouse="duckdb")
    for section in sections:
        aside.settings.hold(section)
    return aside


def train_aside(project: Project, rows: Path, progress: Progress = lambda _done, _all: None) -> str:
    """Train on the rows of a Parquet file, as the table `clean`; gives the version."""
    with connect(project) as connection:
        connection.execute(f"CREATE TABLE clean AS FROM read_parquet({literal(str(rows))})")
        return named(project.train)(project, connection, progress)
