"""Judge the money: what decisions earned against what the holdout promised."""

import numpy as np

from ..contract import Contract
from ..frames import columns_of
from ..model import Model
from ..registry import Registry
from ..settings import Settings
from ..split import actual
from ..sql import literal
from ..warehouse import Connection, frame
from .findings import Finding

INCIDENT = "performance:value"


def check(connection: Connection, settings: Settings, contract: Contract) -> list[Finding]:
    """Judge the champion's latest decisions whose outcomes are known, in money.

    The champion predicts the logged records anew: its decision rule and the values of
    business.toml are those of today.
    """
    champion = Model.champion(settings)
    rows = frame(
        connection,
        f"SELECT * FROM predictions WHERE model_version = ? AND {known(contract)} "
        f"ORDER BY given_at DESC LIMIT {settings.drift.window_rows}",
        [champion.version],
    )
    if len(rows) < settings.performance.min_outcomes:
        message = f"{len(rows)} outcomes are known, too few to judge by"
        return [Finding(INCIDENT, fine=True, message=message)]
    columns = columns_of(rows)
    outcomes = actual(columns["actual"], contract)
    earned = float(np.mean(champion.rule.realised(champion.predict(columns), outcomes)))
    evaluation = (
        Registry(settings.artifacts / "registry").noted(champion.version, "evaluation") or {}
    )
    least = settings.performance.min_value_share * evaluation["value"]
    return [
        Finding(
            INCIDENT,
            fine=earned >= least,
            message=f"{len(rows):,} decisions earned {earned:,.4g} {settings.value.currency} each "
            f"(at least {least:,.4g} was to be expected)",
        )
    ]


def known(contract: Contract) -> str:
    """Give the SQL of an outcome that is known, and one that the target can have."""
    possible = "TRY_CAST(actual AS DOUBLE) IS NOT NULL"
    if contract.classes:
        possible = f"actual IN ({', '.join(map(literal, contract.classes))})"
    return f"actual IS NOT NULL AND {possible}"
