import numpy as np
import pytest
from scipy import stats

from mwe_tasks.contrasts import arm_mean


def test_with_one_arm_it_is_the_mean_and_its_standard_error():
    values = np.random.default_rng(1).normal(size=50)
    mean, error, freedom = arm_mean(values, ["all"] * 50)
    assert (mean, error, freedom) == (pytest.approx(values.mean()), pytest.approx(stats.sem(values)), 49)


def test_arms_of_unequal_size_weigh_the_same():
    assert arm_mean([1, 1, 1, 1, 5, 5], [0, 0, 0, 0, 1, 1])[0] == 3


def test_the_error_of_two_arms_is_half_that_of_their_difference():
    draw = np.random.default_rng(2)
    one, two = draw.normal(size=30), draw.normal(size=60)
    error = arm_mean([*one, *two], [0] * 30 + [1] * 60)[1]
    assert error == pytest.approx(np.hypot(stats.sem(one), stats.sem(two)) / 2)


def test_from_thirty_topics_up_what_topics_share_widens_the_error():
    draw = np.random.default_rng(3)
    topics = np.repeat(np.arange(40), 10)
    values = draw.normal(size=40)[topics] + 0.1 * draw.normal(size=400)
    by_topic = arm_mean(values, ["all"] * 400, topics)[1]
    assert by_topic == pytest.approx(stats.sem([values[topics == t].mean() for t in range(40)]), rel=1e-6)


def test_under_thirty_topics_the_error_is_by_fact():
    values = np.repeat(np.random.default_rng(4).normal(size=10), 10)
    topics = np.repeat(np.arange(10), 10)
    assert arm_mean(values, ["all"] * 100, topics)[1] == pytest.approx(stats.sem(values))


def test_an_arm_of_one_fact_has_no_error():
    assert np.isnan(arm_mean([1.0, 2.0, 3.0], [0, 0, 1])[1])
