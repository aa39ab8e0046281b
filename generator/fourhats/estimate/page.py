"""An estimate for people: a few lines for the terminal, and docs/estimate.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from fourhats.estimate.figures import HORIZON, PERCENTILES
from fourhats.estimate.simulation import mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fourhats.estimate.catalogue import Risk
    from fourhats.estimate.result import Actual, Estimate

STRONGEST = 5


def lines(estimate: Estimate) -> Iterator[str]:
    """Give the lines of the terminal."""
    packages = estimate.plan.packages
    yield f"{estimate.name}: {len(packages)} work packages, from {estimate.terms.start}"
    yield ""
    for row in _figures(estimate):
        yield "  ".join(
            text.ljust(16) if place == 0 else text.rjust(12) for place, text in enumerate(row)
        ).rstrip()
    yield ""
    yield from _money(estimate)
    yield "What moves it most, in days of work:"
    for driver in estimate.drivers[:STRONGEST]:
        yield f"  {driver.low:+6.1f} to {driver.high:+5.1f}  {driver.title}"
    if estimate.experience:
        learnt = ", ".join(
            f"{kind} x {factor.factor:.2f} ({factor.low:.2f} to {factor.high:.2f})"
            for kind, factor in estimate.experience.items()
        )
        yield f"By your own records: {learnt}"


def actual_lines(
    actuals: Sequence[Actual], other: Mapping[str, float], held: tuple[int, int]
) -> Iterator[str]:
    """Set what was spent beside what was expected."""
    yield "Spent against expected, in days:"
    for each in actuals:
        sign = "within" if each.spent <= each.p80 else "beyond"
        expected = f"{each.expected:5.1f}, {sign} P80 {each.p80:5.1f}"
        yield f"  {each.spent:6.1f} of {expected}  {each.title}"
    for task, days in other.items():
        yield f"  {days:6.1f} of   0.0, as no package  {task}"
    yield f"Of your P80s, {held[0]} of {held[1]} held."


def document(estimate: Estimate, pictures: str) -> str:
    """Write docs/estimate.md; `pictures` is the folder beside it."""
    environment = Environment(
        loader=PackageLoader(__package__ or "", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 (it is Markdown)
    )
    plan = estimate.plan

    def affected(risk: Risk) -> str:
        return "; ".join(each.title for each in plan.packages if each.kind in risk.affects)

    return environment.get_template("estimate.md").render(
        estimate=estimate,
        plan=plan,
        terms=estimate.terms,
        experience=estimate.experience,
        pictures=pictures,
        figures=_figures,
        money=_money,
        table=_table,
        cell=_cell,
        three=_three,
        mean=mean,
        affected=affected,
    )


def _figures(estimate: Estimate) -> list[tuple[str, ...]]:
    rows = [
        ("", *(f"P{each}" for each in PERCENTILES)),
        ("days of work", *(f"{days:.1f}" for days in estimate.effort.values())),
        ("done on", *(f"{day:%Y-%m-%d}" for day in estimate.ends.values())),
    ]
    if estimate.cost is not None:
        currency = estimate.terms.currency
        rows.append((f"cost, {currency}", *(f"{cost:,.0f}" for cost in estimate.cost.values())))
    return rows


def _money(estimate: Estimate) -> Iterator[str]:
    terms = estimate.terms
    if terms.day_rate is None:
        yield "No cost without `day_rate` in [estimate] of config/engagement.toml."
    if estimate.running is not None:
        running = estimate.running
        yield f"Running cost: {running.amount:,.2f} {running.currency} a month: {running.origin}."
        if running.currency != terms.currency:
            yield f"No break-even without `running_cost`, in {terms.currency}, there."
    if estimate.worth is None:
        yield (
            "No break-even without `value_a_month` there, or a champion that was judged on the "
            f"client's data, in {terms.currency}."
        )
    else:
        low, likely, high = (f"{each:,.0f}" for each in estimate.worth.three)
        yield (
            f"Adds {likely} {terms.currency} a month ({low} to {high}): {estimate.worth.origin}."
        )
    if estimate.pays_back is not None:
        months = ", ".join(
            f"P{percentile} {'never' if value is None else f'{value:.1f}'}"
            for percentile, value in estimate.pays_back.months.items()
        )
        never = estimate.pays_back.never
        late = f"; not within {HORIZON} months in {never:.0%} of the draws" if never else ""
        yield f"Months until it has paid back: {months}{late}."


def _three(three: tuple[float, float, float]) -> str:
    return "-" if set(three) == {1.0} else " / ".join(f"{each:g}" for each in three)


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    """Keep a text within its cell of a Markdown table."""
    return " ".join(text.split()).replace("|", r"\|")
