import numpy as np
import pytest
from verdict_data import SIZES, rising, scores

from mwe_tasks.trend import contrasts, covariance, fit, variance, with_ridge

X = np.log10(SIZES[6])


def test_the_covariance_of_means_is_that_of_the_facts_over_n():
    values = scores(rising, SIZES[6])
    assert covariance(values) == pytest.approx(np.cov(values.T) / 400)


def test_the_covariance_of_many_repeats_is_that_of_each():
    values = np.stack([scores(rising, SIZES[6], seed=seed) for seed in (1, 2)])
    assert covariance(values)[1] == pytest.approx(covariance(values[1]))


def test_clusters_of_one_fact_change_nothing():
    values = scores(rising, SIZES[6])
    assert covariance(values, range(400)) == pytest.approx(covariance(values))


def test_copies_of_facts_in_a_cluster_add_no_precision():
    values = scores(rising, SIZES[6], n=50)
    assert covariance(np.repeat(values, 8, axis=0), np.repeat(range(50), 8)) == pytest.approx(covariance(values))


def test_clusters_may_come_in_any_order():
    values, clusters = scores(rising, SIZES[6]), np.arange(400) % 40
    order = np.random.default_rng(5).permutation(400)
    assert covariance(values[order], clusters[order]) == pytest.approx(covariance(values, clusters))


def test_one_cluster_is_an_error():
    with pytest.raises(ValueError, match="at least two"):
        covariance(scores(rising, SIZES[6]), ["all"] * 400)


def test_the_ridge_is_the_variance_of_half_a_fact_and_leaves_what_sizes_share():
    found = covariance(scores(rising, SIZES[6]))
    assert with_ridge(found, 400, 1.0) - found == pytest.approx(np.eye(6) * (0.5 / 400) ** 2)


def test_the_full_change_is_numpys_least_squares_slope_times_the_range():
    means = np.random.default_rng(3).normal(size=6)
    assert contrasts(X).full @ means == pytest.approx(np.polyfit(X, means, 1)[0] * (X[-1] - X[0]))


def test_an_arm_is_the_change_of_a_line_through_its_own_sizes_alone():
    means = np.random.default_rng(3).normal(size=6)
    slope = np.polyfit(X[2:], means[2:], 1)[0]
    assert contrasts(X).right[1] @ means == pytest.approx(slope * (X[-1] - X[2]))


def test_there_are_two_arms_for_each_interior_size():
    assert (contrasts(X).left.shape, contrasts(X).right.shape) == ((4, 6), (4, 6))


def test_the_bow_is_the_middle_of_a_quadratic_less_the_mean_of_its_ends():
    means = np.random.default_rng(3).normal(size=6)
    curve = np.polyfit(X, means, 2)
    middle, ends = np.polyval(curve, (X[0] + X[-1]) / 2), np.polyval(curve, [X[0], X[-1]])
    assert contrasts(X).bow @ means == pytest.approx(middle - ends.mean())


def test_no_contrast_sees_a_constant():
    lines = contrasts(X)
    assert np.vstack([lines.full, lines.left, lines.right, lines.bow]).sum(axis=1) == pytest.approx(np.zeros(10))


def test_the_variance_of_a_contrast_carries_the_pairing_of_facts():
    values = scores(rising, SIZES[6])
    row = contrasts(X).full
    assert variance(row[None], covariance(values))[0] == pytest.approx(np.var(values @ row, ddof=1) / 400)


def test_a_fit_leaves_over_what_numpy_leaves_over():
    means = np.random.default_rng(4).normal(size=6)
    found = fit(np.stack([np.ones(6), X], axis=1), means, np.zeros((6, 6)))
    assert found.noise == pytest.approx(np.polyfit(X, means, 1, full=True)[1][0] / 4)


def test_noise_is_not_negative_where_sampling_explains_all():
    means = np.random.default_rng(4).normal(size=6)
    assert fit(np.stack([np.ones(6), X], axis=1), means, 100 * np.eye(6)).noise == 0
