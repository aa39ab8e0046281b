"""Models whose output only rises, or only falls, with a number: the contract's `monotone`."""

from sklearn.base import clone
from sklearn.pipeline import Pipeline

from fourhats_runtime.contract import Contract
from fourhats_runtime.model.parts import Part

SETTINGS = {"monotonic_cst": "monotonic_cst", "boosting_type": "monotone_constraints"}
"""What estimators call it, by a parameter that tells them: scikit-learn's trees; LightGBM, which
lists no more than what is set."""


def keeps(model: Pipeline, contract: Contract) -> bool:
    """Tell whether a model is one that can be held to what the contract says."""
    return not contract.directions or _setting(model) is not None


def hold(model: Pipeline, part: Part, contract: Contract) -> None:
    """Have an untrained model keep to what the contract says, where it can."""
    setting = _setting(model)
    if not contract.directions or setting is None:
        return
    names = list(part.kinds)
    if len(model.steps) > 1:  # what an encoder gives follows its own order
        encoder = clone(model[:-1]).fit(part.frame, part.labels(contract))
        names = [name.removeprefix("number__") for name in encoder.get_feature_names_out()]
    model[-1].set_params(**{setting: [contract.directions.get(name, 0) for name in names]})


def _setting(model: Pipeline) -> str | None:
    known = model[-1].get_params()
    return next((setting for told, setting in SETTINGS.items() if told in known), None)
