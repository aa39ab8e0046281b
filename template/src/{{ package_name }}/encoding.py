"""How columns become numbers inside the model, so that the served graph holds it too."""

from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from .contract import Contract


def for_trees(contract: Contract) -> ColumnTransformer:
    """Encode categories as numbers, an unknown one as -1; let numbers pass, gaps included."""
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return _transformer(contract, ordinal, "passthrough")


def for_linear(contract: Contract) -> ColumnTransformer:
    """Give each category a column of its own; fill and scale the numbers."""
    one_hot = OneHotEncoder(handle_unknown="ignore")
    scaled = Pipeline(
        [("fill", SimpleImputer(keep_empty_features=True)), ("scale", StandardScaler())]
    )
    return _transformer(contract, one_hot, scaled)


def _transformer(contract: Contract, categories: object, numbers: object) -> ColumnTransformer:
    names = {
        kind: [c.name for c in contract.features if c.is_number is kind] for kind in (True, False)
    }
    steps = [("categories", categories, names[False]), ("numbers", numbers, names[True])]
    return ColumnTransformer([step for step in steps if step[2]])
