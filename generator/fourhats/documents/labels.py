"""What stands in answers and in the catalogue of work, as the client calls it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from fourhats.estimate.catalogue import read_catalogue

if TYPE_CHECKING:
    from fourhats_runtime.documents.language import Language

    from fourhats.estimate.catalogue import Catalogue, Package

NAMES = {
    "airflow": "Apache Airflow",
    "aws": "Amazon Web Services",
    "azure": "Microsoft Azure",
    "bigquery": "BigQuery",
    "duckdb": "DuckDB",
    "excel": "Excel",
    "gcp": "Google Cloud",
    "kubernetes": "Kubernetes",
    "lightgbm": "LightGBM",
    "mysql": "MySQL",
    "postgres": "PostgreSQL",
    "rest_api": "REST API",
    "sklearn": "scikit-learn",
    "snowflake": "Snowflake",
    "spark": "Apache Spark",
}
"""Names that are the same in every language."""


def label(answer: str, say: Language) -> str:
    """Name an answer."""
    _ = say.text
    own = {
        "classification": _("a class"),
        "regression": _("a number"),
        "search": _("documents that answer a question"),
        "files": _("files"),
        "object_storage": _("object storage"),
        "local": _("the warehouse and one machine"),
        "api": _("one case at a time, over an interface with a page for people"),
        "batch": _("whole tables, in batches"),
        "stream": _("records from a stream"),
        "containers": _("containers"),
        "none": _("none"),
    }
    return own.get(answer) or NAMES.get(answer) or answer.replace("_", " ")


def hat(name: str, say: Language) -> str:
    """Name a role of the maker's."""
    _ = say.text
    return {
        "project manager": _("project manager"),
        "data engineer": _("data engineer"),
        "data scientist": _("data scientist"),
        "ML engineer": _("ML engineer"),
    }[name]


def title(package: Package, say: Language) -> str:
    """Name a work package: ours in the client's language, the user's own as they are."""
    entry = _ours().packages.get(package.kind)
    if entry is None or not entry.each:
        return say.text(package.title)
    value = package.name.removeprefix(f"{package.kind}-")
    as_ours = entry.title.replace("{}", value.replace("_", " "))
    if package.title != as_ours:
        return package.title
    return say.text(entry.title).replace("{}", label(value, say))


@cache
def _ours() -> Catalogue:
    return read_catalogue()
