"""Which side of the split a row is on: learnt from, tuned on, or judged by.

- Rows of one entity are all on one side (a group split), by a fixed hash of the entity; without
  one, of the row's id, and without that, of all that the row holds but its outcome. So a row stays
  on its side, whatever comes in later. Rows that hold only what many others do are no copies of
  one case, but cases that look alike: each then stands for itself.
- Where the contract knows the time, the past predicts the future: validation is later than
  training, and the holdout is later than both.
- With both, the holdout has the later rows of its entities, training and validation the earlier
  ones of theirs. The others are left out: they would tell of the entities, or of the future.
- A row whose outcome was not known yet when a later part begins is left out as well: it leaves a
  gap (purging, in Lopez de Prado, Advances in Financial Machine Learning, 2018, section 7.4).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.contract import Column, Contract

TRAIN_SHARE = 0.6
VALIDATION_SHARE = 0.2
HOLDOUT_SHARE = 0.2
ALIKE = 10
"""So many rows with the same content, on average, are no copies of each other."""

Hashes = NDArray[np.uint64]
Chosen = NDArray[np.bool_]


@dataclass(frozen=True)
class Sides:
    """Which rows are on each side, of shape (rows,); no row is on two, and some are on none."""

    train: Chosen
    validation: Chosen
    holdout: Chosen
    keys: Hashes
    """What names each row."""
    groups: Hashes
    """Equal for rows of one entity, which belong together."""
    by: str = ""
    """What decides, in words."""
    notes: tuple[str, ...] = ()
    """What a person should know of it: how many rows are on no side, and why."""


def sides(
    rows: Mapping[str, Sequence[Any]],
    ranks: NDArray[np.float64],
    contract: Contract,
    outcome_days: float,
) -> Sides:
    """Say which side each row is on.

    `ranks` places the rows in time, from 0 for the first moment to 1 for the last; those of one
    moment share it. An outcome is known `outcome_days` after the moment of its row.
    """
    keys = _keys(rows, contract)
    groups = _groups(rows, contract, keys)
    chance = groups / 2.0**64
    by_hash = _cut(chance, keys, groups)
    if not contract.time_order:
        return replace(by_hash, by=f"a hash of {_hashed(contract)}")
    time = " and ".join(contract.time_order)
    if contract.entity is None:
        found = replace(_cut(ranks, keys, groups), by=time)
        return _gaps(found, rows, contract, outcome_days)
    early = ranks < TRAIN_SHARE
    found = replace(
        by_hash,
        train=by_hash.train & early,
        validation=by_hash.validation & early,
        holdout=by_hash.holdout & ~early,
        by=f"a hash of {contract.entity.name}, and {time}",
    )
    lost = len(ranks) - int((found.train | found.validation | found.holdout).sum())
    why = f"later than training, of a {contract.entity.name} learnt from, or earlier, of one judged"
    found = replace(found, notes=(f"{lost:,} of {len(ranks):,} rows are left out ({why})",))
    return _gaps(found, rows, contract, outcome_days)


def hashes(lines: Iterator[tuple[Any, ...]]) -> Hashes:
    """Hash rows of values: equal values have equal hashes, on every machine and in any year."""
    digests = (
        hashlib.blake2b(repr(line).encode("utf-8", "surrogatepass"), digest_size=8).digest()
        for line in lines
    )
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)


def _cut(places: NDArray[np.float64], keys: Hashes, groups: Hashes) -> Sides:
    """Cut places between 0 and 1 at the shares of the parts."""
    learned, seen = TRAIN_SHARE, 1 - HOLDOUT_SHARE
    return Sides(
        train=places < learned,
        validation=(places >= learned) & (places < seen),
        holdout=places >= seen,
        keys=keys,
        groups=groups,
    )


def _gaps(
    found: Sides, rows: Mapping[str, Sequence[Any]], contract: Contract, outcome_days: float
) -> Sides:
    """Leave out the rows whose outcome was not known yet when a later part begins."""
    if not outcome_days:
        return found
    time = next((c for c in contract.columns if c.name == contract.time_order[0]), None)
    if time is None or not time.is_time:
        said = f"no gap for outcomes that come late: {contract.time_order[0]} is no datetime"
        return replace(found, notes=(*found.notes, said))
    moments = np.array(rows[time.name], dtype="datetime64[us]")
    known = moments + np.timedelta64(round(outcome_days * 86_400e6), "us")
    # Of entities, training and validation share their time: the holdout alone comes later.
    after_train = found.holdout if contract.entity else found.validation
    train = found.train & (known <= _start(moments, after_train))
    validation = found.validation & (known <= _start(moments, found.holdout))
    lost = int(found.train.sum() + found.validation.sum() - train.sum() - validation.sum())
    said = (
        f"{lost:,} rows are left out whose outcome, known after {outcome_days:g} days "
        "(performance.outcome_days), was not known yet when a later part begins"
    )
    told = (said,) if lost else ()
    return replace(found, train=train, validation=validation, notes=(*found.notes, *told))


def _start(moments: NDArray[np.datetime64], part: Chosen) -> np.datetime64:
    """Give the first moment of a part; of an empty one, the last of all."""
    first: np.datetime64 = moments[part].min() if part.any() else moments.max()
    return first


def _keys(rows: Mapping[str, Sequence[Any]], contract: Contract) -> Hashes:
    """Hash what names each row: the contract's key; else, all that it holds but its outcome."""
    content = [column for column in contract.used if column.role != "target"]
    if not contract.key:
        return _told_apart(_hash(rows, content))
    keys = _hash(rows, contract.key)
    missing = _missing(rows, contract.key)
    return np.where(missing, _hash(rows, content), keys) if missing.any() else keys


def _told_apart(contents: Hashes) -> Hashes:
    """Give rows of one content a number each, where contents are few: they could not be split."""
    _, which, counts = np.unique(contents, return_inverse=True, return_counts=True)
    if len(contents) < ALIKE * len(counts):
        return contents
    order = np.argsort(which, kind="stable")
    number = np.empty(len(contents), dtype=np.int64)
    number[order] = np.arange(len(contents)) - np.repeat(np.cumsum(counts) - counts, counts)
    return hashes(zip(contents.tolist(), number.tolist(), strict=True))


def _groups(rows: Mapping[str, Sequence[Any]], contract: Contract, keys: Hashes) -> Hashes:
    """Hash whose row each is; one of nobody known stands for itself, as all do without entities."""
    if contract.entity is None:
        return keys
    missing = _missing(rows, [contract.entity])
    return np.where(missing, keys, _hash(rows, [contract.entity]))


def _hash(rows: Mapping[str, Sequence[Any]], columns: Sequence[Column]) -> Hashes:
    return hashes(zip(*(rows[column.name] for column in columns), strict=True))


def _missing(rows: Mapping[str, Sequence[Any]], columns: Sequence[Column]) -> Chosen:
    gaps = [[value is None for value in rows[column.name]] for column in columns]
    return np.asarray(np.array(gaps, dtype=bool).any(axis=0))


def _hashed(contract: Contract) -> str:
    decides = contract.entity or contract.id
    return decides.name if decides else "the row"
