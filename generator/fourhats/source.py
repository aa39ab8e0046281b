"""Where the template stands: in the checkout that this runs from, or in the installed package."""

from pathlib import Path


def source_root() -> Path:
    """Folder that holds `copier.yml`, `questions/`, `includes/` and `template/`."""
    package = Path(__file__).resolve().parent
    checkout = package.parent.parent
    if package.parent.name == "generator" and (checkout / "copier.yml").is_file():
        return checkout
    return package / "source"
