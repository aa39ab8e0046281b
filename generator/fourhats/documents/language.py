"""The client's language with the texts of these documents, beside those of the runtime's."""

from pathlib import Path

from fourhats_runtime.documents.language import Language

CATALOGUES = Path(__file__).parent / "locale"


def language(name: str) -> Language:
    """Give the language of an answer to `client_language`."""
    return Language(name, CATALOGUES)
