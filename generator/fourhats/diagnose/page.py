"""The two pages that a client reads: what is said, once, for HTML, PDF and the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from fourhats_runtime.business import ActionValue, NumberValue
from fourhats_runtime.chance import INTERVAL
from fourhats_runtime.monitor.drawn import as_data
from fourhats_runtime.monitor.pdf import LARGE, QUIET, SMALL, TITLE, Pages
from fourhats_runtime.wording import number
from jinja2 import Environment, PackageLoader, StrictUndefined

from fourhats.diagnose.money import written
from fourhats.diagnose.pictures import frontier, ladder
from fourhats.diagnose.terms import ASSUMED
from fourhats.diagnose.verdict import TITLES, adds_or_loses

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matplotlib.figure import Figure

    from fourhats.diagnose.first_point import Acted
    from fourhats.diagnose.result import Diagnosis

Rows = list[tuple[str, ...]]
SIZE = 8.5
PAGES, SCALES = 2, (1.0, 0.93, 0.86, 0.79, 0.72, 0.65)
RECALLS = (0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True)
class Said:
    """What the pages say, in their order."""

    title: str
    problem: str
    answer: str
    reason: str
    questions: Rows
    unsaid: str
    """The questions that nobody has answered yet."""
    money: Rows
    beneath: list[str]
    takes: Rows
    picture: Figure
    first: list[str]
    needed: Rows
    facts: list[tuple[str, str]]
    notes: list[str]
    foot: str


def said(diagnosis: Diagnosis) -> Said:
    """Put a diagnosis into words."""
    found, engagement = diagnosis.found, diagnosis.engagement
    asked = _questions(diagnosis)
    unsaid = [name.lower() for name, answer in asked.items() if not answer]
    if found.stakes is not None:
        picture = frontier(found.stakes, diagnosis.cost, found.point)
    else:
        picture = ladder(found.limits, diagnosis.cost, found.point, diagnosis.value)
    return Said(
        title=f"Is it worth building? {diagnosis.name}",
        problem=engagement.problem or f"To predict {diagnosis.target} from {diagnosis.source}.",
        answer=TITLES[found.verdict.answer],
        reason=found.verdict.reason,
        questions=[(name, answer) for name, answer in asked.items() if answer],
        unsaid=f"Not answered yet: {', '.join(unsaid)}." if unsaid else "",
        money=_money(diagnosis),
        beneath=list(_beneath(diagnosis)),
        takes=_takes(diagnosis),
        picture=picture,
        first=list(_first(diagnosis)),
        needed=_needed(diagnosis),
        facts=found.facts,
        notes=[*_notes(diagnosis), *diagnosis.remarks],
        foot=f"Written on {diagnosis.written:%Y-%m-%d}, from {diagnosis.source}.",
    )


def html(words: Said) -> str:
    """Write the page as HTML that needs no other file."""
    environment = Environment(
        loader=PackageLoader(__package__ or "", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style = files("fourhats_runtime.monitor").joinpath("pages.css").read_text("utf-8")
    picture = as_data(words.picture)
    return environment.get_template("diagnosis.html").render(
        said=words, style=style, picture=picture
    )


def pdf(words: Said, path: Path) -> None:
    """Write the two pages; where much is to be said, in smaller letters."""
    for scale in SCALES:
        page = _pages(words, scale)
        if page.pages_count <= PAGES:
            break
    page.output(path)


def _pages(words: Said, scale: float) -> Pages:
    page = Pages(words.title, "", scale)
    page.text(words.title, TITLE, bold=True)
    page.text(words.problem, SIZE, color=QUIET)
    page.text(words.answer, TITLE, bold=True)
    page.text(words.reason, LARGE)
    page.heading("The problem")
    if words.questions:
        page.rows(("Asked", "Said"), words.questions, (24, 76))
    page.text(words.unsaid, SIZE, color=QUIET)
    page.heading("What there is to win")
    page.rows(words.money[0], words.money[1:], (64, 18, 18), numbers=(1, 2))
    for sentence in words.beneath:
        page.text(sentence, SIZE)
    page.heading("What it takes")
    page.rows(words.takes[0], words.takes[1:], (50, 25, 25), numbers=(1, 2))
    page.add_page()
    page.text("How good it has to be, and how good a first model is", LARGE, bold=True)
    page.figure("", words.picture)
    for sentence in words.first:
        page.text(sentence, SIZE)
    if words.needed:
        width = 45 // (len(words.needed[0]) - 1)
        page.rows(words.needed[0], words.needed[1:], (55, *[width] * (len(words.needed[0]) - 1)))
    page.heading("What the data can support")
    page.rows(("Looked at", "Found"), words.facts, (20, 80))
    page.points(words.notes)
    page.text(words.foot, SMALL, color=QUIET)
    return page


def lines(words: Said) -> Iterator[str]:
    """Give the lines of the terminal."""
    yield words.title
    yield ""
    yield f"{words.answer}: {words.reason}"
    for table in (words.money, words.takes):
        yield ""
        widths = [max(len(row[place]) for row in table) for place in range(len(table[0]))]
        for name, *numbers in table:
            cells = [n.rjust(width) for n, width in zip(numbers, widths[1:], strict=True)]
            yield "  ".join([name.ljust(widths[0]), *cells]).rstrip()
    yield ""
    yield from words.beneath
    yield from words.first
    yield ""
    width = max(len(name) for name, _ in words.facts)
    for name, found in words.facts:
        yield f"{name.ljust(width)}  {found}"
    yield from words.notes


def _questions(diagnosis: Diagnosis) -> dict[str, str]:
    engagement = diagnosis.engagement
    whys = [
        f"{why.because} ({'assumed' if why.evidence == ASSUMED else why.evidence})"
        for why in engagement.whys
    ]
    budget = engagement.budget
    return {
        "Whose it is": engagement.owner,
        "What it costs today": engagement.costs_today,
        "Why it is so": "; because ".join(whys),
        "What is done today": engagement.today,
        "What a prediction changes": diagnosis.decision,
        "Ways without a model": "; ".join(engagement.alternatives),
        "Who has a stake": "; ".join(f"{e.name}: {e.stake}" for e in engagement.stakeholders),
        "Limits": "; ".join(
            [
                *([f"done by {engagement.deadline:%Y-%m-%d}"] if engagement.deadline else []),
                *([f"at most {budget:,.0f} {diagnosis.value.currency}"] if budget else []),
                *engagement.constraints.words,
            ]
        ),
        "What done means": engagement.done,
    }


def _money(diagnosis: Diagnosis) -> Rows:
    limits, currency = diagnosis.found.limits, diagnosis.value.currency
    best = limits.policies[limits.best]
    rows: Rows = [("A month", f"earns, {currency}", "against the best")]
    rows += [
        (
            f"Without a model: {name}",
            f"{each:,.0f}",
            f"{each - best:+,.0f}" if each != best else "0",
        )
        for name, each in limits.policies.items()
    ]
    rows.append(
        ("With a model that is never wrong", f"{limits.perfect:,.0f}", f"{limits.headroom:+,.0f}")
    )
    return rows


def _beneath(diagnosis: Diagnosis) -> Iterator[str]:
    found, value = diagnosis.found, diagnosis.value
    most = (
        f"No model, however good, adds more than {found.limits.headroom:,.0f} {value.currency} a "
        "month."
    )
    if isinstance(value, NumberValue):
        yield (
            f"{value.monthly_volume:,} decisions a month; an exact number earns {value.right:,.6g} "
            f"{value.currency}, one that is off by {value.tolerance:,.6g} nothing, one that is far "
            f"off {value.wrong:,.6g}. {most}"
        )
        return
    assert isinstance(value, ActionValue)  # noqa: S101 (there is no third)
    amounts = [
        f"acting rightly earns {value.act_right:,.6g}",
        f"acting in vain {value.act_wrong:,.6g}",
    ]
    if value.missed or value.left_alone:
        amounts += [
            f"missing a case {value.missed:,.6g}",
            f"rightly leaving one {value.left_alone:,.6g}",
        ]
    if value.payoff:
        amounts.append("some pairs of classes what [value.payoff] says")
    calls = ""
    if found.stakes is not None:
        calls = f", of which {found.stakes.share:.1%} call for action, as in the data"
    yield (
        f"{value.monthly_volume:,} decisions a month{calls}; {', '.join(amounts)} "
        f"{value.currency}. {most}"
    )


def _takes(diagnosis: Diagnosis) -> Rows:
    cost, currency = diagnosis.cost, diagnosis.value.currency
    rows: Rows = [("To build it", "enough in 1 case of 2", "enough in 4 of 5")]
    rows.append(("days of work", *(f"{cost.days[each]:,.0f}" for each in (50, 80))))
    if cost.day_rate is None:
        rows.append(("cost", "no day rate given", "no day rate given"))
        return rows
    rows.append(
        (
            f"cost at {cost.day_rate:,.0f} {currency} a day, {currency}",
            *(f"{cost.amount(each):,.0f}" for each in (50, 80)),
        )
    )
    if cost.running:
        rows.append((f"to run it a month, {currency}", *[f"{cost.running:,.0f}"] * 2))
    headroom = diagnosis.found.limits.headroom
    rows.append(
        (
            "months until even a perfect model has paid back",
            *(_months(cost.pays_back(each, headroom)) for each in (50, 80)),
        )
    )
    return rows


def _months(months: float | None) -> str:
    return "never" if months is None else f"{months:,.1f}"


def _first(diagnosis: Diagnosis) -> Iterator[str]:
    point, volume, currency = (
        diagnosis.found.point,
        diagnosis.value.monthly_volume,
        diagnosis.value.currency,
    )
    if point is None:
        return
    low, gain, high = (volume * e for e in (point.gain.low, point.gain.gain, point.gain.high))
    yield (
        f"A first plain model was tried on {point.rows:,} cases; {point.how}. It "
        f"{adds_or_loses(gain, currency)} the best without a model, which is to {point.over} "
        f"({INTERVAL}: {written(low)} to {written(high)})."
    )
    right, low, high = (100 * each for each in point.ranking)
    times = f"{right:.0f} times of 100 ({low:.0f} to {high:.0f}); a coin does 50 times."
    if point.acted is not None:
        yield from _acts(point.acted)
        yield f"Of two cases of which one calls for action, it tells which one {times}"
        return
    assert point.off is not None  # noqa: S101 (of each case, one or the other)
    mean, low, high = point.off
    if isinstance(diagnosis.value, NumberValue):
        off, least, most = (number(each) for each in (mean, low, high))
        yield f"It is off by {off} on average ({least} to {most})."
        yield f"Of two cases of which one is of the larger half, it tells which one {times}"
    else:
        yield f"It names the right class {mean:.0%} of the time ({low:.0%} to {high:.0%})."
        yield f"Of two cases of which one is of a class, it tells which one {times}"


def _acts(acted: Acted) -> Iterator[str]:
    if acted.precision.value != acted.precision.value:
        yield "It finds no case on which acting would pay."
        return
    (hit, hit_low, hit_high), (all_, all_low, all_high) = acted.precision, acted.recall
    yield (
        f"It acts on {all_:.0%} ({all_low:.0%} to {all_high:.0%}) of the cases that call for "
        f"it, and {hit:.0%} of those it acts on do ({hit_low:.0%} to {hit_high:.0%})."
    )


def _needed(diagnosis: Diagnosis) -> Rows:
    """Give the precision that pays back within some months, by recall."""
    stakes, cost = diagnosis.found.stakes, diagnosis.cost
    if stakes is None:
        return []
    horizons = sorted({6, 12, cost.horizon} if cost.day_rate else {cost.horizon})
    heads = (
        [f"within {each} months" for each in horizons] if cost.day_rate else ["to earn its running"]
    )
    rows: Rows = [("To pay back, of those acted on so many have to call for it:", *heads)]
    for recall in RECALLS:
        shares = (stakes.precision_needed(recall, cost.needed(80, each)) for each in horizons)
        cells = ("not possible" if each is None else f"{each:.0%} or more" for each in shares)
        rows.append((f"where it acts on {recall:.0%} of all that call for it", *cells))
    return rows


def _notes(diagnosis: Diagnosis) -> Iterator[str]:
    cost, engagement = diagnosis.cost, diagnosis.engagement
    most = cost.amount(80)
    if engagement.budget is not None and most is not None and most > engagement.budget:
        yield (
            f"The cost that is enough in 4 of 5 cases, {most:,.0f}, is more than the budget of "
            f"{engagement.budget:,.0f} {diagnosis.value.currency}."
        )
    if diagnosis.found.point is not None:
        yield (
            "The first model is not tuned, and knows nothing but these columns: a project may do "
            "better. It may also do worse, where tomorrow is not like the data."
        )
