"""Findings to scaling curves: each form asked for, fitted where sizes and score bear it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mwe_tasks.curves import Curve, fit_curve, refused
from mwe_tasks.fit import Finding, Scored
from mwe_tasks.forms import Form


class Fitted(NamedTuple):
    """One form and one score of a finding."""

    finding: Finding
    scored: Scored
    form: Form
    curve: Curve | None
    """None where it was not fitted."""
    refused: str | None
    """Why not, a sentence; None too where the form does not suit such a score."""


def fit_forms(findings: Sequence[Finding], forms: Sequence[Form]) -> list[Fitted]:
    """Every form fitted to both scores of every finding, or why it was not."""
    return [_fitted(finding, scored, form) for finding in findings for scored in finding.pair for form in forms]


def _fitted(finding: Finding, scored: Scored, form: Form) -> Fitted:
    x = np.log10(scored.verdict.sizes)
    if reason := no_trend(finding) or (refused(x) if form.bends else None):
        return Fitted(finding, scored, form, None, reason)
    suits = form.suits(np.array(scored.verdict.means), scored.kind != "log odds")
    return Fitted(finding, scored, form, fit_curve(form, scored.matrix.balanced, x) if suits else None, None)


def no_trend(finding: Finding) -> str | None:
    """Why a finding has no trend that a curve could describe; None where it has."""
    if finding.lineup.ordinal:
        return "Sizes are not known: there is no curve."
    word = finding.deciding.word
    return None if word in ("standard", "inverse") else f"No change in one direction is claimed ({word})."
