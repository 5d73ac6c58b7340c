"""The verdict on GPT-3's answers to the seed's questions, to the digits of the page that fixes the procedure."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mwe_tasks.verdict import KINDS, judge

RESULTS = Path(__file__).parents[2] / "shared" / "seed" / "results"
pytestmark = pytest.mark.skipif(not RESULTS.is_dir(), reason="the seed's results are not beside the repository")

SIZES = (0.35e9, 1.3e9, 6.7e9, 175e9)
SCORES = {
    "accuracy": (1, "accuracy", lambda run: run["correct"]),
    "log odds": (1, "log odds", lambda run: -np.log(np.expm1(run["loss"]))),
    "loss": (-1, "loss", lambda run: run["loss"]),
    "label probability": (1, "probability", lambda run: np.exp(-run["loss"])),
    "Brier": (-1, "Brier", lambda run: (1 - np.exp(-run["loss"])) ** 2),
}
MEANS = {
    "accuracy": (0.602, 0.547, 0.726, 0.816),
    "log odds": (0.375, 0.423, 0.888, 1.452),
    "loss": (0.6257, 0.6482, 0.5457, 0.4381),
    "label probability": (0.574, 0.574, 0.644, 0.739),
    "Brier": (0.2225, 0.2347, 0.1893, 0.1351),
}
SLOPES = {
    "accuracy": (0.0940, 0.0609, 0.1270),
    "log odds": (0.4239, 0.3357, 0.5120),
    "loss": (-0.0779, -0.1170, -0.0387),
    "label probability": (0.0656, 0.0497, 0.0814),
    "Brier": (-0.0364, -0.0514, -0.0213),
}
TAU_STAR = {"accuracy": 0.090, "log odds": 0.424, "loss": 0.069, "label probability": 0.065, "Brier": 0.034}
TAU1 = {
    "accuracy": (0.0599, 0.030, 0.281),
    "log odds": (0.0979, 0.048, 0.460),
    "loss": (0.0308, 0.013, 0.152),
    "label probability": (0.0176, 0.008, 0.084),
    "Brier": (0.0152, 0.007, 0.074),
}
FAMILY = {
    "accuracy": (-0.083, 0.271),
    "log odds": (0.081, 0.767),
    "loss": (-0.208, 0.053),
    "label probability": (0.004, 0.127),
    "Brier": (-0.092, 0.020),
}
EVERY = pytest.mark.parametrize("name", SCORES)


def runs():
    return [pd.read_csv(RESULTS / f"{name}.csv") for name in ("ada", "babbage", "curie", "davinci")]


def made(name):
    sign, kind, score = SCORES[name]
    return judge(np.stack([sign * score(run) for run in runs()], axis=1), SIZES, KINDS[kind])


def as_plotted(name, low, high):
    return (low, high) if SCORES[name][0] > 0 else (-high, -low)


@EVERY
def test_means(name):
    digits = 4 if name in {"loss", "Brier"} else 3
    assert tuple(round(SCORES[name][0] * mean, digits) for mean in made(name).means) == MEANS[name]


@EVERY
def test_slope_at_the_checkpoints_level(name):
    level = made(name).checkpoints
    assert round(SCORES[name][0] * level.slope, 4) == SLOPES[name][0]
    assert as_plotted(name, level.low, level.high) == pytest.approx(SLOPES[name][1:], abs=0.002)


@EVERY
def test_word_and_tau_star(name):
    level = made(name).checkpoints
    assert (level.word, round(level.tau_star, 3)) == ("standard", TAU_STAR[name])


@EVERY
def test_the_family_is_refused_with_its_noise(name):
    level = made(name).family
    assert level.word == "refused"
    assert round(level.tau1, 4) == TAU1[name][0]
    assert (level.tau1_low, level.tau1_high) == pytest.approx(TAU1[name][1:], abs=0.002)


@EVERY
def test_interval_at_the_family_level(name):
    level = made(name).family
    assert as_plotted(name, level.low, level.high) == pytest.approx(FAMILY[name], abs=0.002)


@EVERY
def test_every_size_left_out_is_standard_and_too_few_for_the_family(name):
    assert [each[1:] for each in made(name).left_out] == [("standard", None)] * 4


def test_standard_errors_of_accuracy():
    assert [round(error, 3) for error in made("accuracy").errors] == [0.035, 0.035, 0.032, 0.027]


@pytest.mark.parametrize(
    ("first", "last", "change", "low", "high"), [(0, 1, -0.055, -0.132, 0.022), (1, 3, 0.250, 0.144, 0.356)]
)
def test_arms_of_accuracy(first, last, change, low, high):
    arm = next(each for each in made("accuracy").arms if (each.first, each.last) == (first, last))
    assert arm[2:] == pytest.approx((change, low, high), abs=0.002)


def yes(run):
    return run["predicted"].str.strip() == "Yes"


def test_predicted_yes():
    assert [round(yes(run).mean(), 2) for run in runs()] == [0.80, 0.84, 0.55, 0.39]


def test_auc_of_the_labels_that_the_answers_imply():
    areas = []
    for run in runs():
        truth = yes(run) == (run["correct"] == 1)
        odds = -np.log(np.expm1(run["loss"])) * np.where(truth, 1, -1)
        areas.append(stats.mannwhitneyu(odds[truth], odds[~truth]).statistic / truth.sum() / (~truth).sum())
    assert [round(area, 2) for area in areas] == [0.81, 0.79, 0.80, 0.86]
