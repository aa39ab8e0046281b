"""Documents that both sides sign: what they are made of, in the client's language, on paper."""

from fourhats_runtime.documents.parts import Document, Points, Section, Table, typed
from fourhats_runtime.documents.phrase import Phrase
from fourhats_runtime.documents.written import Written, prepare, save

__all__ = [
    "Document",
    "Phrase",
    "Points",
    "Section",
    "Table",
    "Written",
    "prepare",
    "save",
    "typed",
]
