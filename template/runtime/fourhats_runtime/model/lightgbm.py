"""LightGBM whose thresholds are the same in single precision: see `thresholds`."""

import re
from typing import Any, Self

import lightgbm
import numpy as np
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
from skl2onnx import update_registered_converter
from skl2onnx.common.shape_calculator import (
    calculate_linear_classifier_output_shapes,
    calculate_linear_regressor_output_shapes,
)

from fourhats_runtime.model.thresholds import rounded_down


class LGBMClassifier(lightgbm.LGBMClassifier):
    """Gradient-boosted trees for classes, with LightGBM's own parameters."""

    def fit(self, *arguments: Any, **options: Any) -> Self:  # noqa: ANN401 (LightGBM's own)
        """Fit as LightGBM does, then round the thresholds."""
        super().fit(*arguments, **options)
        self._Booster = _rounded(self.booster_)
        return self


class LGBMRegressor(lightgbm.LGBMRegressor):
    """Gradient-boosted trees for numbers, with LightGBM's own parameters."""

    def fit(self, *arguments: Any, **options: Any) -> Self:  # noqa: ANN401 (LightGBM's own)
        """Fit as LightGBM does, then round the thresholds."""
        super().fit(*arguments, **options)
        self._Booster = _rounded(self.booster_)
        return self


update_registered_converter(
    LGBMClassifier,
    "LightGbmLGBMClassifier",
    calculate_linear_classifier_output_shapes,
    convert_lightgbm,
    options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
)
update_registered_converter(
    LGBMRegressor,
    "LightGbmLGBMRegressor",
    calculate_linear_regressor_output_shapes,
    convert_lightgbm,
    options={"split": None},
)


def _rounded(booster: lightgbm.Booster) -> lightgbm.Booster:
    text = re.sub(r"(?m)^tree_sizes=.*\n", "", booster.model_to_string())  # in bytes
    return lightgbm.Booster(model_str=re.sub(r"(?m)^threshold=(.*)$", _single, text))


def _single(line: re.Match[str]) -> str:
    thresholds = rounded_down(np.array(line[1].split(), dtype=np.float64))
    return "threshold=" + " ".join(map(repr, thresholds.tolist()))
