import numpy as np
import pytest

from mwe_tasks.refusals import no_variation, of_coverage, of_log_odds, of_unknown_sizes, too_few_sizes, too_little

FAR, NEAR = np.log10([1e8, 1e9, 1e10]), np.log10([1e8, 2e8, 5e8])


def test_a_hundred_facts_and_one_decade_are_enough():
    assert too_little(100, 100, FAR) == []


@pytest.mark.parametrize(("n", "clusters", "x"), [(99, 99, FAR), (500, 29, FAR), (500, 500, NEAR)])
def test_fewer_facts_clusters_or_decades_are_one_reason_each(n, clusters, x):
    assert len(too_little(n, clusters, x)) == 1


@pytest.mark.parametrize(("level", "number"), [("checkpoints", 2), ("family", 3), ("family", 4)])
def test_too_few_sizes_are_a_reason(level, number):
    assert too_few_sizes(level, number)


@pytest.mark.parametrize(("level", "number"), [("checkpoints", 3), ("family", 5)])
def test_enough_sizes_are_none(level, number):
    assert too_few_sizes(level, number) is None


@pytest.mark.parametrize("kind", ["log odds", "loss"])
def test_a_sampled_estimator_has_no_verdict_on_log_odds_or_loss(kind):
    assert len(of_log_odds(kind, "sampled", 0.0)) == 1


@pytest.mark.parametrize(("censored", "reasons"), [(0.05, 0), (0.051, 1)])
def test_more_than_five_percent_censored_have_no_verdict_on_log_odds(censored, reasons):
    assert len(of_log_odds("log odds", "top_logprobs", censored)) == reasons


def test_accuracy_needs_no_log_probabilities():
    assert of_log_odds("accuracy", "sampled", 0.5) == []


def test_coverage_under_a_tenth_at_any_size_names_the_size():
    assert "0.042 at size 1e+09" in of_coverage([0.5, 0.042, 0.099], [1e8, 1e9, 1e10])[0]


def test_coverage_of_a_tenth_is_enough():
    assert of_coverage([0.5, 0.1], [1e8, 1e9]) == []


def test_models_of_unknown_size_are_named():
    assert of_unknown_sizes(["gpt-4", "o1"])[0].startswith("The sizes of gpt-4, o1 are unknown")


def test_known_sizes_are_no_reason():
    assert of_unknown_sizes([]) == []


def test_one_fact_that_differs_is_variation():
    values = np.zeros((100, 3))
    values[3, 1] = 0.5
    assert no_variation(values, bounded=False) == []
