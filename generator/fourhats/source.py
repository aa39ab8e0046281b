"""Where the template stands: in the checkout that this runs from, or in the installed package."""

from pathlib import Path

CANONICAL_URL = "https://github.com/fourhats/fourhats.git"
"""What a project notes as its template's source: it means the same on every machine."""


ANSWERS_FILE = ".copier-answers.yml"
"""Where a project keeps what was answered, and which version of the template it is of."""


def source_root() -> Path:
    """Folder that holds `copier.yml`, `questions/`, `includes/` and `template/`."""
    return _checkout() or _carried()


def bundle() -> Path | None:
    """Git bundle of the template's versions up to this one; None in a checkout, which has them."""
    return None if _checkout() else _carried() / "template.bundle"


def version() -> str:
    """Version of an installed template: its tag, or the name of its commit by `git describe`."""
    return (_carried() / "template.version").read_text(encoding="utf-8").strip()


def _checkout() -> Path | None:
    package = Path(__file__).resolve().parent
    checkout = package.parent.parent
    if package.parent.name == "generator" and (checkout / "copier.yml").is_file():
        return checkout
    return None


def _carried() -> Path:
    return Path(__file__).resolve().parent / "source"
