"""Pictures say what was found: their axes hold what is drawn, and no line is a point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from fourhats_runtime.business import ActionValue, NumberValue
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.tasks import holdout_plots
from fourhats_runtime.tasks.classification.rule import Rule as ActionRule
from fourhats_runtime.tasks.regression.rule import Rule as NumberRule

from tests.runtime.drawn import sound
from tests.runtime.sample_project import payoff

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

VALUE = ActionValue(
    currency="EUR", monthly_volume=10, act_right=100, act_wrong=-25, missed=-5, left_alone=0
)
FEATURE = Column(name="a", source="a", type="number")


def _plots(
    classes: tuple[str, ...],
    positive: str | None,
    seed: int = 0,
    groups: NDArray[np.int64] | None = None,
) -> dict[str, Figure]:
    random = np.random.default_rng(seed)
    target = Column(name="b", source="b", type="category", role="target", categories=classes)
    contract = Contract(positive=positive, columns=(FEATURE, target))
    outputs = random.dirichlet(np.ones(len(classes)), 300)
    actual = np.array([random.choice(len(classes), p=row) for row in outputs]).astype(np.float64)
    rule = ActionRule(contract, VALUE, payoff("classification"))
    return holdout_plots(outputs, actual, contract, rule, groups)


@pytest.mark.parametrize(
    ("classes", "positive"),
    [(("no", "yes"), "yes"), (("yes", "no"), "yes"), (("a", "b", "c"), None)],
)
def test_the_axes_hold_what_is_drawn(classes: tuple[str, ...], positive: str | None) -> None:
    plots = _plots(classes, positive)
    assert len(plots) >= 4
    for figure in plots.values():
        sound(figure)


def test_intervals_are_as_wide_as_so_many_entities_make_them() -> None:
    alone, together = (
        _plots(("no", "yes"), "yes", groups=groups)
        for groups in (np.arange(300), np.arange(300) // 10)
    )
    title = "What decisions earn, by how many are acted on"
    narrow, wide = (np.ptp(_band(plots[title])) for plots in (alone, together))
    assert wide != narrow
    title = "Are the probabilities calibrated?"
    short, long = (_bars(plots[title]) for plots in (alone, together))
    assert long > short


def test_the_curve_of_what_decisions_earn_acts_on_the_likeliest_first() -> None:
    target = Column(name="b", source="b", type="category", role="target", categories=("no", "yes"))
    contract = Contract(positive="yes", columns=(FEATURE, target))
    rule = ActionRule(contract, VALUE, payoff("classification"))
    chance = np.array([0.9, 0.6, 0.4, 0.05])
    outputs = np.column_stack([1 - chance, chance])
    plots = holdout_plots(outputs, np.array([1.0, 1.0, 0.0, 0.0]), contract, rule, None)
    axes = plots["What decisions earn, by how many are acted on"].axes[0]
    curve, _, decided = (np.column_stack(line.get_data()) for line in axes.get_lines())
    # Two are right to act on: at first each adds what it earns, then what acting in vain costs.
    earned = [(0, -10), (1, 95), (2, 200), (3, 175), (4, 150)]
    assert dict(curve * 4) == pytest.approx(dict(earned))
    assert tuple(decided[0] * 4) == (3, 175)  # from 0.19 on, acting pays


def _band(figure: Figure) -> NDArray[np.float64]:
    """Give the heights of the band around a curve."""
    path = figure.axes[0].collections[0].get_paths()[0]
    return np.asarray(path.vertices, dtype=np.float64)[:, 1]


def _bars(figure: Figure) -> float:
    """Give the length of all error bars."""
    lines = figure.axes[0].collections[0].get_segments()  # type: ignore[attr-defined]
    return float(sum(np.ptp(line[:, 1]) for line in lines))


def test_cases_and_money_add_up_to_all_of_them() -> None:
    figure = _plots(("no", "yes"), "yes")["What the decisions led to, in cases and money"]
    said = [text.get_text().split() for text in figure.axes[0].texts]
    assert len(said) == 4
    assert sum(int(words[0]) for words in said) == 300
    right, in_vain, missed, _ = said
    assert int(right[2].replace(",", "")) == 100 * int(right[0])
    assert int(in_vain[2].replace(",", "")) == -25 * int(in_vain[0])
    assert int(missed[2].replace(",", "")) == -5 * int(missed[0])


def test_one_class_alone_has_no_curve_of_who_is_found() -> None:
    target = Column(name="b", source="b", type="category", role="target", categories=("no", "yes"))
    contract = Contract(positive="yes", columns=(FEATURE, target))
    rule = ActionRule(contract, VALUE, payoff("classification"))
    outputs = np.column_stack([np.linspace(0, 1, 50), np.linspace(1, 0, 50)])
    plots = holdout_plots(outputs, np.zeros(50), contract, rule)
    assert "Who is found, and at what price" not in plots
    for figure in plots.values():
        sound(figure)


@pytest.mark.parametrize("tolerance", [0.1, 50.0])
def test_the_tolerance_of_a_number_lies_within_its_axis(tolerance: float) -> None:
    random = np.random.default_rng(0)
    target = Column(name="b", source="b", type="number", role="target")
    contract = Contract(columns=(FEATURE, target))
    value = NumberValue(currency="EUR", monthly_volume=10, right=10, wrong=-10, tolerance=tolerance)
    rule = NumberRule(contract, value, payoff("regression"))
    actual = random.normal(10, 3, 200)
    for figure in holdout_plots(actual + random.normal(0, 1, 200), actual, contract, rule).values():
        sound(figure)
