import numpy as np
import pytest
from scipy import stats
from verdict_data import SIZES, level, rising, scores

from mwe_tasks.levels import checkpoints
from mwe_tasks.many import among_many
from mwe_tasks.trend import covariance
from mwe_tasks.verdict import KINDS, judge


def judged(curve, seed):
    values = scores(curve, SIZES[8], n=200, seed=seed)
    return checkpoints(values.mean(axis=0), covariance(values), np.log10(SIZES[8]), 199, 0.05)


def test_adjusted_p_values_are_scipys():
    made = [judged(level, seed) for seed in range(8)]
    expected = stats.false_discovery_control([each.p for each in made])
    assert [each.adjusted for each in among_many(made)] == pytest.approx(expected)


def test_of_many_without_a_change_next_to_none_is_selected():
    made = [judged(level, seed) for seed in range(100)]
    assert sum(each.p < 0.05 for each in made) >= 2
    assert sum(each.selected for each in among_many(made)) <= 1


def test_real_changes_among_many_are_selected():
    made = among_many([*(judged(level, seed) for seed in range(20)), *(judged(rising, seed) for seed in range(5))])
    assert all(each.selected for each in made[20:])


def test_selected_intervals_are_of_level_one_less_alpha_times_the_selected_share():
    levels = [*(judged(level, seed) for seed in range(20)), *(judged(rising, seed) for seed in range(5))]
    made = among_many(levels)
    share = sum(each.selected for each in made) / 25
    assert made[24].confidence == pytest.approx(1 - 0.05 * share)
    reach = stats.t.ppf(1 - 0.05 * share / 2, 199) * levels[24].error
    assert (made[24].low, made[24].high) == pytest.approx((levels[24].slope - reach, levels[24].slope + reach))


def test_one_alone_is_selected_at_five_percent_with_its_own_interval():
    (made,) = among_many([judged(rising, 1)])
    assert (made.confidence, made.low) == (pytest.approx(0.95), pytest.approx(judged(rising, 1).low))


def test_what_is_not_selected_has_no_such_interval():
    made = among_many([judged(level, 2)])
    assert made[0][1:] == (False, None, None, None)


def test_none_have_no_findings():
    assert among_many([]) == ()


def test_a_family_of_two_sizes_counts_among_many_and_is_never_selected():
    two = judge(np.random.default_rng(1).random((200, 2)), SIZES[2], KINDS["accuracy"]).family
    assert not among_many([two, judged(rising, 1)])[0].selected
