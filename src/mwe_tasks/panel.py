"""What a panel of readers says of each question's label: how likely each label is the true one.

Readers are taken to err independently, given the true label; where they share errors all this is too sure.
Every function raises ValueError for a vote that is none of the labels, and where there are no votes at all.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Votes = Mapping[str, Mapping[str, str]]
"""votes[item][reader] is the label that reader gave; a reader without a vote on an item is absent from it."""
Shares = dict[str, dict[str, float]]
"""shares[item][label] sum to 1 over the labels; an item without votes is absent."""
MIN_READERS = 3
"""The fewest that identify the model: two labels leave 2 x readers + 1 unknowns and 2^readers - 1 observed shares."""
MIN_ITEMS = 100
"""On fewer the confusion matrices are too rough to beat a majority: measured by simulation, with five readers."""
SMOOTHING = 0.5
"""Votes added to each confusion count: without them a reader right on all of 20 items would be held infallible."""


class Fit(NamedTuple):
    """Estimates by place: posterior of shape (items, labels), confusion (readers, true, said), prior (labels,)."""

    posterior: Floats
    confusion: Floats
    prior: Floats


class Panel(NamedTuple):
    """Estimates by name; each reader's confusion has shape (true, said), in the order of the labels, rows sum to 1."""

    posterior: Shares
    confusion: dict[str, Floats]
    prior: dict[str, float]


class Confidence(NamedTuple):
    """How likely each label is, and by which method: "Dawid-Skene" or "vote share"."""

    posterior: Shares
    method: str


class _Ballots(NamedTuple):
    items: list[str]
    readers: list[str]
    counts: Floats


def confidence(votes: Votes, labels: Sequence[str]) -> Confidence:
    """The posterior by Dawid and Skene from MIN_READERS readers up, each with MIN_ITEMS votes; else the vote share."""
    voted = Counter(reader for cast in votes.values() for reader in cast)
    if len(voted) >= MIN_READERS and min(voted.values()) >= MIN_ITEMS:
        return Confidence(dawid_skene(votes, labels).posterior, "Dawid-Skene")
    return Confidence(vote_share(votes, labels), "vote share")


def vote_share(votes: Votes, labels: Sequence[str]) -> Shares:
    """The share of an item's votes that each label has."""
    items, _, counts = _count(votes, labels)
    return _named(_shares(counts), items, labels)


def dawid_skene(
    votes: Votes, labels: Sequence[str], *, smoothing: float = SMOOTHING, tolerance: float = 1e-8, rounds: int = 1000
) -> Panel:
    """The labels' posterior and prior, and each reader's confusion matrix, by `fit`, whatever the order of votes."""
    items, readers, counts = _count(votes, labels)
    posterior, confusion, prior = fit(counts, smoothing=smoothing, tolerance=tolerance, rounds=rounds)
    matrices = dict(zip(readers, confusion, strict=True))
    return Panel(_named(posterior, items, labels), matrices, dict(zip(labels, prior.tolist(), strict=True)))


def fit(counts: Floats, *, smoothing: float = SMOOTHING, tolerance: float = 1e-8, rounds: int = 1000) -> Fit:
    """The EM estimates of Dawid and Skene (1979), started from the vote shares (their eq. 3.1).

    counts: shape (items, readers, labels), how often a reader said a label of an item; each item has a vote.
    A round is eq. 2.3 (confusion, with `smoothing` > 0 added to each cell: Laplace), eq. 2.4 (prior) and
    eq. 2.5 (posterior). It ends when no posterior changes by `tolerance`, or after `rounds` >= 1 of them.
    """
    posterior = _shares(counts)
    for _ in range(rounds):
        confusion = np.einsum("ij,ikl->kjl", posterior, counts) + smoothing
        confusion /= confusion.sum(axis=2, keepdims=True)
        prior = posterior.mean(axis=0)
        with np.errstate(divide="ignore"):  # a label that nobody gave has prior 0 and stays there
            log_joint = np.log(prior) + np.einsum("ikl,kjl->ij", counts, np.log(confusion))
        before, posterior = posterior, np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True))
        if np.abs(posterior - before).max() < tolerance:
            break
    return Fit(posterior, confusion, prior)


def _count(votes: Votes, labels: Sequence[str]) -> _Ballots:
    items = sorted(item for item, cast in votes.items() if cast)
    readers = sorted({reader for cast in votes.values() for reader in cast})
    if not items:
        raise ValueError("there are no votes")
    counts = np.zeros((len(items), len(readers), len(labels)))
    for i, item in enumerate(items):
        for reader, label in votes[item].items():
            if label not in labels:
                raise ValueError(f"{reader} voted {label!r} on {item}, which is none of {', '.join(map(repr, labels))}")
            counts[i, readers.index(reader), labels.index(label)] = 1
    return _Ballots(items, readers, counts)


def _shares(counts: Floats) -> Floats:
    return np.asarray(counts.sum(axis=1) / counts.sum(axis=(1, 2))[:, None])


def _named(rows: Floats, items: Sequence[str], labels: Sequence[str]) -> Shares:
    return {item: dict(zip(labels, row, strict=True)) for item, row in zip(items, rows.tolist(), strict=True)}
