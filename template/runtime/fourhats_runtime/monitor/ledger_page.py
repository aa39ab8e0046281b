"""The ledger of experiments as a table for the terminal, and as a page with a picture."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from rich import box
from rich.table import Table
from rich.text import Text

from fourhats_runtime.chance import INTERVAL
from fourhats_runtime.files import write_atomically
from fourhats_runtime.lifecycle.ledger import Experiment
from fourhats_runtime.lifecycle.variants import Trained
from fourhats_runtime.monitor.drawn import as_data
from fourhats_runtime.monitor.page import ENVIRONMENT, amount, interval
from fourhats_runtime.project import Project

DECIDED = ("champion", "promoted", "rolled back")
COLOURS = {True: "#1f5f99", False: "grey"}


def table(found: Sequence[Experiment]) -> Table:
    """Lay experiments out for the terminal, the newest last."""
    shown = Table(box=box.SIMPLE, pad_edge=False)
    shown.add_column("version", no_wrap=True)
    shown.add_column("why, and what was changed", overflow="fold")
    shown.add_column(_measure(found), justify="right")
    shown.add_column(f"adds a month ({INTERVAL})", justify="right")
    shown.add_column("verdict")
    for each in found:
        why = "\n".join(words for words in (each.note, *each.changed) if words)
        figure = "" if each.figure is None else amount(each.figure["figure"])
        cells = (each.version, why, figure, gain_of(each), each.verdict)
        shown.add_row(*map(Text, cells))  # a note may hold what rich takes for its own signs
    return shown


def table_of_variants(found: Sequence[Trained], project: Project) -> Table:
    """Lay compared variants out for the terminal, the project as it is first."""
    volume, currency = project.value.monthly_volume, project.value.currency
    shown = Table(
        box=box.SIMPLE, pad_edge=False, caption=_how_compared(found), caption_justify="left"
    )
    for name in ("variant", "model"):
        shown.add_column(name, overflow="fold")
    for name in (found[0].measure, "loses more a row", "earns more a month", "seconds"):
        shown.add_column(name, justify="right")
    shown.add_column("verdict")
    for each in found:
        cells = [each.name, each.model, interval({**each.figure})]
        more = each.difference
        if more is None:
            cells += ["", "", f"{each.seconds:.0f}", "" if each is found[0] else "other rows"]
        else:
            low, high = more.loss - more.off, more.loss + more.off
            gain, least, most = (
                amount * volume for amount in (more.money.gain, more.money.low, more.money.high)
            )
            cells.append(f"{more.loss:+.4f} ({low:+.4f} to {high:+.4f})")
            cells.append(f"{gain:+,.0f} {currency} ({least:+,.0f} to {most:+,.0f})")
            cells += [f"{each.seconds:.0f}", more.verdict]
        shown.add_row(*map(Text, cells))
    return shown


def _how_compared(found: Sequence[Trained]) -> str:
    rows = max((each.difference.rows for each in found if each.difference), default=0)
    return (
        f"On {rows:,} validation rows, row by row, with the {INTERVAL}; the holdout stays unseen. "
        f"Better or worse is what {len(found) - 1} such variants seldom seem by chance. Nothing is "
        "registered: write what wins into config/, and train."
    )


def write(project: Project, found: Sequence[Experiment]) -> Path:
    """Write the page; gives its path."""
    judged = [each for each in found if each.gain is not None]
    page = ENVIRONMENT.get_template("ledger.html").render(
        name=project.name,
        found=found,
        measure=_measure(found),
        figure_of=figure_of,
        gain_of=gain_of,
        picture=as_data(_picture(judged)) if len(judged) > 1 else "",
    )
    path = project.artifacts / "reports" / "experiments.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, page)
    return path


def figure_of(each: Experiment) -> str:
    """Write the figure on the validation rows with its interval."""
    return "" if each.figure is None else interval({**each.figure})


def gain_of(each: Experiment) -> str:
    """Write what it adds a month, with its interval."""
    if each.gain is None:
        return ""
    gain, low, high, _ = each.gain
    return f"{gain:+,.0f} {each.currency} ({low:+,.0f} to {high:+,.0f})"


def _measure(found: Sequence[Experiment]) -> str:
    return found[-1].measure or "figure"


def _picture(judged: Sequence[Experiment]) -> Figure:
    """Plot what each adds to the best policy without a model, in the order of training."""
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    for decided in (True, False):
        places = [
            place for place, each in enumerate(judged) if (each.verdict in DECIDED) == decided
        ]
        gains = [gain for place in places if (gain := judged[place].gain)]
        if not gains:
            continue
        axes.errorbar(
            places,
            [gain.gain for gain in gains],
            yerr=[
                [gain.gain - gain.low for gain in gains],
                [gain.high - gain.gain for gain in gains],
            ],
            fmt="o",
            capsize=4,
            color=COLOURS[decided],
            label=f"{'became champion' if decided else 'did not'}, {INTERVAL}",
        )
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xticks(range(len(judged)), [each.version.partition("-")[0] for each in judged])
    axes.margins(x=0.2)
    axes.set_ylabel(f"added a month, {judged[-1].currency}")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.legend(loc="best", frameon=False)
    return figure
