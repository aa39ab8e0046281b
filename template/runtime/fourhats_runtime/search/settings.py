"""What a search compares: `config/search.toml`."""

from typing import ClassVar

from fourhats_runtime.pretrained.models import PretrainedModels


class Search(PretrainedModels):
    """What is compared: models and fields."""

    table: ClassVar[str] = "search"

    batch: str = "data/batch.csv"
    """A CSV of questions that `score` answers."""
