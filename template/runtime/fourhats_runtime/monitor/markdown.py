"""Pages of Markdown from the templates beside a module."""

from jinja2 import Environment, PackageLoader, StrictUndefined


def templates(package: str) -> Environment:
    """Give the templates of a package, which are filled in without a blank line left over."""
    return Environment(
        loader=PackageLoader(package, "."),
        autoescape=False,  # noqa: S701 (Markdown)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
