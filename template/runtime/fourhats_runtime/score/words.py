"""What scoring says: who was scored, who got no decision and why, and what to do about it."""

from fourhats_runtime.contract import Contract
from fourhats_runtime.score.rows import Scored

MOST_REASONS = 3


def in_words(scored: Scored, contract: Contract, *, back_test: bool) -> str:
    """Put into one line what was scored."""
    said = [scored.address]
    if back_test:
        said.append("a back-test, which counts as no decision")
    elif not scored.rows:
        said.append(_nobody(scored, contract))
    if scored.unknown:
        said.append(
            f"{scored.unknown:,} of them with a category that the model has never seen (column "
            "unknown_categories)"
        )
    if scored.undecided:
        reasons = [f"{reason} ({rows:,})" for reason, rows in scored.unscored.items()]
        more = ", …" * (len(reasons) > MOST_REASONS)
        said.append(
            f"{scored.undecided:,} open cases got no decision (table unscored): "
            f"{', '.join(reasons[:MOST_REASONS])}{more}"
        )
    return "; ".join(said)


def _nobody(scored: Scored, contract: Contract) -> str:
    """Say that nobody was scored, and how that may change."""
    if scored.undecided:
        return "no open case could be scored"
    return (
        f"no case is open, as every row has its outcome ({contract.target.source}): bring rows in "
        "which it is empty by the same source, or ask the API"
    )
