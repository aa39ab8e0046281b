"""Lineage: which column of which source feeds which feature, drawn for docs/lineage.md."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.data.warehouse import Connection

MERMAID = str.maketrans({"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "\n": " "})
MARKDOWN = str.maketrans({"|": "\\|", "`": "'", "\n": " "})


@dataclass(frozen=True)
class Lineage:
    """Where the columns come from that the model learns from, and what is left out."""

    contract: Contract
    sources: dict[str, list[str]]
    """The sources of each column of `raw`: several have their rows put together."""
    derived: dict[str, str] = field(default_factory=dict)
    """The features that the project derives, with their types."""

    @classmethod
    def read(cls, connection: Connection, contract: Contract, derived: dict[str, str]) -> "Lineage":
        """Read it from what the last extraction noted, with features that the project derives."""
        sources: dict[str, list[str]] = {}
        query = "SELECT column_name, source FROM raw_origins ORDER BY place"
        for column, source in connection.execute(query).fetchall():
            sources.setdefault(column, []).append(source)
        return cls(contract, sources, derived)

    def origin(self, column: Column) -> str:
        """Name the tables and the column that a column comes from, for Markdown."""
        tables = [f"`raw_{source}`" for source in self.sources.get(column.source, [])]
        where = " and ".join(tables) or "nowhere yet"
        return f"`{column.source.translate(MARKDOWN)}` of {where}"

    @property
    def left_out(self) -> dict[str, str]:
        """Give the columns that the contract leaves out, and why, for Markdown."""
        return {
            column.source.translate(MARKDOWN): (
                "personal data" if column.pii else column.note.translate(MARKDOWN)
            )
            for column in self.contract.columns
            if column.role == "ignore"
        }

    @property
    def picture(self) -> str:
        """Draw the sources' columns, those of `clean`, and the model that takes them."""
        return "\n".join(
            ["flowchart LR", *self._raw(), *self._clean(), *self._features(), *self._arrows()]
        )

    def _raw(self) -> Iterator[str]:
        names = {source: None for sources in self.sources.values() for source in sources}
        for source in names:
            yield f"    subgraph raw_{source}"
            for place, column in enumerate(self.contract.used):
                if source in self.sources.get(column.source, []):
                    text = column.source.translate(MERMAID)
                    yield f'        {source}_{place}["{text}"]'
            yield "    end"

    def _clean(self) -> Iterator[str]:
        yield "    subgraph clean"
        for place, column in enumerate(self.contract.used):
            yield f'        clean_{place}["{column.name}: {column.role}"]'
        yield "    end"
        contract = self.contract
        what = (
            f"search of {contract.table}" if contract.fields else f"model of {contract.target.name}"
        )
        yield f'    model(["{what.translate(MERMAID)}"])'

    def _features(self) -> Iterator[str]:
        """Draw what features.py makes: of which columns, its code alone can tell."""
        if not self.derived:
            return
        yield '    subgraph features_py["features.py"]'
        for place, name in enumerate(self.derived):
            yield f'        features_py_{place}["{name.translate(MERMAID)}"]'
        yield "    end"
        yield "    clean --> features_py"

    def _arrows(self) -> Iterator[str]:
        for place, column in enumerate(self.contract.used):
            for source in self.sources.get(column.source, []):
                yield f"    {source}_{place} --> clean_{place}"
            if self.contract.fields or column.role == "target" or column.reaches_model:
                yield f"    clean_{place} --> model"
        for place in range(len(self.derived)):
            yield f"    features_py_{place} --> model"
