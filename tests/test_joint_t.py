import numpy as np
import pytest
from scipy import stats

from mwe_tasks.joint_t import bounds, critical


def equal(number, correlation):
    return (1 - correlation) * np.eye(number) + correlation


def test_of_one_statistic_it_is_students():
    assert critical(np.eye(1), 20, 0.05) == pytest.approx(stats.t.ppf(0.975, 20), abs=0.01)


def test_of_copies_of_one_statistic_it_is_students():
    assert critical(equal(6, 1.0), 20, 0.05) == pytest.approx(stats.t.ppf(0.975, 20), abs=0.01)


@pytest.mark.parametrize("number", [2, 6, 20])
def test_of_independent_normals_it_is_sidaks(number):
    sidak = stats.norm.ppf((1 + 0.95 ** (1 / number)) / 2)
    assert critical(np.eye(number), 1e6, 0.05) == pytest.approx(sidak, abs=0.01)


def test_of_three_correlated_statistics_it_is_dunnetts_table():
    # Two-sided, three comparisons with a control, equal groups, 20 degrees of freedom: 2.54 (Dunnett 1964, table 2).
    assert critical(equal(3, 0.5), 20, 0.05) == pytest.approx(2.54, abs=0.01)


def test_it_covers_what_scipys_multivariate_t_says():
    found = critical(equal(3, 0.4), 15, 0.05)
    inside = stats.multivariate_t(shape=equal(3, 0.4), df=15, seed=1).cdf([found] * 3, lower_limit=[-found] * 3)
    assert inside == pytest.approx(0.95, abs=0.002)


def test_the_order_of_the_statistics_does_not_matter():
    shape = np.array([[1, 0.8, 0.1], [0.8, 1, -0.3], [0.1, -0.3, 1]])
    order = [2, 0, 1]
    assert critical(shape[np.ix_(order, order)], 50, 0.05) == pytest.approx(critical(shape, 50, 0.05), abs=0.01)


def test_it_lies_between_one_statistic_and_bonferroni():
    low, high = bounds(0.05, 4, 10)
    assert low < critical(equal(4, 0.5), 10, 0.05) < high


def test_bounds_are_students_and_bonferronis():
    assert bounds(0.05, 4, 10) == pytest.approx((2.2281, 3.0382), abs=1e-4)
