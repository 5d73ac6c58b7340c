"""Slopes and standard errors against statsmodels' generalised estimating equations, an independent implementation."""

import numpy as np
import pytest
import statsmodels.api as sm
from verdict_data import SIZES, rising, scores

from mwe_tasks.verdict import KINDS, judge


@pytest.fixture(scope="module")
def both():
    """For facts, and for topics above them: our checkpoints level, and GEE with independent working correlation."""
    n, number = 600, 6
    topics = np.repeat(np.arange(60), 10)
    values = scores(rising, SIZES[number], n=n) + 0.1 * np.random.default_rng(2).normal(size=(60, number))[topics]
    x = np.tile(np.log10(SIZES[number]), n)

    def gee(groups):
        model = sm.GEE(values.ravel(), sm.add_constant(x), groups=np.repeat(groups, number))
        fitted = model.fit()
        return fitted.params[1], fitted.bse[1]

    return {
        "fact": (judge(values, SIZES[number], KINDS["log odds"]), gee(np.arange(n))),
        "topic": (judge(values, SIZES[number], KINDS["log odds"], topics=topics), gee(topics)),
    }


@pytest.mark.parametrize("cluster", ["fact", "topic"])
def test_it_clusters_by_what_was_meant(both, cluster):
    assert both[cluster][0].clustered_by == cluster


@pytest.mark.parametrize("cluster", ["fact", "topic"])
def test_the_slope_is_that_of_gee(both, cluster):
    ours, (slope, _) = both[cluster]
    assert ours.checkpoints.slope == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("cluster", ["fact", "topic"])
def test_the_standard_error_is_within_one_percent_of_gees(both, cluster):
    ours, (_, error) = both[cluster]
    assert ours.checkpoints.error == pytest.approx(error, rel=0.01)
