"""A small version of `make bench-calibration`, by the same code: fewer repeats, 200 facts alone."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from calibration import measured, words
from calibration_limits import SHAPES, limits
from question_model import CENTRE, TRUTHS, Cell, generator, log_odds
from rivals import rival

FLAT, OTHER = 300, 200
LIMITS = list(limits(ns=(200,)))


@pytest.fixture(scope="module")
def rows():
    return list(measured(LIMITS, FLAT, OTHER))


@pytest.mark.parametrize("at", range(len(LIMITS)), ids=[f"{each.level}: {each.what}" for each in LIMITS])
def test_a_limit_holds_within_four_standard_errors_of_so_few_repeats(rows, at):
    row = rows[at]
    repeats = FLAT if "flat" in row.where else OTHER
    slack = 4 * math.sqrt(row.limit.limit * (1 - row.limit.limit) / repeats)
    assert row.rate >= row.limit.limit - slack if row.limit.least else row.rate <= row.limit.limit + slack


def test_a_limit_that_is_missed_is_told():
    strict = LIMITS[0]._replace(limit=0.001)
    assert [row.holds for row in measured([strict], FLAT, OTHER)] == [False]


@pytest.mark.parametrize("truth", ["standard", "inverse", "U", "inverted-U", "hinge", "plateau", "step"])
def test_the_model_answers_as_often_rightly_as_the_truth_says(truth):
    cell = Cell(truth, 0.3, 6, 500, 0.0)
    share = (log_odds(cell, 100, generator(cell)) > 0).mean(axis=(0, 1))
    assert share == pytest.approx(CENTRE + 0.3 * TRUTHS[truth](cell.u), abs=0.01)


def test_logits_that_scale_up_and_a_yes_bias_of_both_twins_leave_pair_accuracy_alone():
    plain, scaled, biased = (
        Cell("flat", 0.0, 6, 500, 0.0, twins=True, **more) for more in ({}, {"scale": 8.0}, {"bias": 3.0})
    )
    draw = [log_odds(cell, 2, generator(plain)) > 0 for cell in (plain, scaled, biased)]
    assert np.array_equal(draw[0], draw[1])
    assert np.mean(draw[0] != draw[2]) < 0.001


def test_paraphrases_taken_for_facts_claim_a_shape_in_a_third_of_flat_families():
    made = words(Cell("flat", 0.0, 4, 50, 0.0, copies=20), 200, clustered=False)["checkpoints", "accuracy"]
    assert np.isin(made, list(SHAPES)).mean() > 0.3


def test_kendall_has_no_power_at_four_sizes():
    cell = Cell("standard", 0.2, 4, 1000, 0.0)
    means = np.tile([0.5, 0.6, 0.7, 0.8], (3, 1))
    assert not rival("Kendall, p < .05", means, np.zeros((3, 4, 4)), cell).any()


def test_aicc_has_no_power_at_four_sizes():
    cell = Cell("standard", 0.2, 4, 1000, 0.0)
    means = np.tile([0.5, 0.6, 0.7001, 0.8], (3, 1))
    assert not rival("AICc, a line over a constant", means, np.zeros((3, 4, 4)), cell).any()


def test_the_logistic_regression_of_the_comparison_is_statsmodels():
    cell = Cell("standard", 0.1, 6, 200, 0.0)
    draws = (log_odds(cell, 40, generator(cell)) > 0).astype(float)
    u = 2 * cell.u - 1
    terms = np.tile(np.stack([np.ones(6), u, u**2], axis=1), (200, 1))
    theirs = [(sm.Logit(each.ravel(), terms).fit(disp=0).pvalues[1:] < 0.05).any() for each in draws]
    ours = rival("GLM with a quadratic, any p < .05", draws.mean(axis=1), np.zeros((40, 6, 6)), cell)
    assert ours.tolist() == theirs


def test_the_table_in_docs_has_every_limit_as_it_is_asked_for():
    text = (Path(__file__).parent.parent / "docs" / "calibration.md").read_text(encoding="utf-8")
    shown = [
        line.split(" | ")[:3] for line in text.splitlines() if re.match(r"\| .* \| (checkpoints|family) \| [<>]=", line)
    ]
    every = list(limits())
    assert [(what.removeprefix("| "), level) for what, level, _ in shown] == [(each.what, each.level) for each in every]
    for (_, _, bound), each in zip(shown, every, strict=True):
        repeats = 8000 if each.cells[0].truth == "flat" else 2000
        error = math.sqrt(each.limit * (1 - each.limit) / repeats)
        allowed = each.limit + 2 * error * each.allowance
        assert bound == f"{'>=' if each.least else '<='} {allowed:.2%}"
