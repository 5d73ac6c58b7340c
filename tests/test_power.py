import numpy as np
import pytest
from scipy import stats
from verdict_data import SIZES

from mwe_tasks.claims import checkpoint_words
from mwe_tasks.power import (
    facts_needed,
    family_facts_needed,
    family_power,
    family_smallest_change,
    smallest_change,
)

PYTHIA_10 = (0.14e8, 0.31e8, *SIZES[8])


@pytest.mark.parametrize(("change", "facts"), [(0.05, [674, 943]), (0.10, [169, 236]), (0.20, [43, 59])])
def test_facts_needed_at_four_sizes_are_those_of_the_page(change, facts):
    assert [facts_needed(SIZES[4], change, correlation) for correlation in (0.5, 0.3)] == facts


def test_the_smallest_change_needs_the_facts_it_was_asked_for():
    change = smallest_change(SIZES[6], 400, 0.3)
    assert facts_needed(SIZES[6], change * 1.0001, 0.3) == 400


def test_the_smallest_change_is_called_in_eight_of_ten_repeats():
    covariance = 0.24 / 400 * (0.7 * np.eye(4) + 0.3)
    x, change = np.log10(SIZES[4]), smallest_change(SIZES[4], 400, 0.3)
    line = change * (x - x[0]) / (x[-1] - x[0])
    means = stats.multivariate_normal(line, covariance, seed=3).rvs(2000)
    words = checkpoint_words(means, np.broadcast_to(covariance, (2000, 4, 4)), x, 399, 0.05)
    assert np.mean(words == "standard") == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(("sizes", "power"), [(SIZES[5], 0.47), (SIZES[6], 0.57), (SIZES[8], 0.80), (PYTHIA_10, 0.87)])
def test_power_of_a_family_is_that_of_the_page(sizes, power):
    assert family_power(sizes, 1000, 0.10, 0.2, tau=0.02, delta=0.05) == pytest.approx(power, abs=0.03)


def test_more_sizes_buy_more_than_more_facts():
    more_sizes = family_power(SIZES[8], 1000, 0.1, 0.3, tau=0.02, delta=0.05)
    assert more_sizes > family_power(SIZES[5], 10_000, 0.1, 0.3, tau=0.02, delta=0.05)


def test_a_family_has_eighty_percent_power_at_its_smallest_change():
    change = family_smallest_change(SIZES[8], 500, 0.3, tau=0.03, delta=0.05)
    assert family_power(SIZES[8], 500, change, 0.3, tau=0.03, delta=0.05) == pytest.approx(0.8, abs=0.01)


def test_a_family_has_eighty_percent_power_at_the_facts_it_needs():
    n = family_facts_needed(SIZES[8], 0.2, 0.3, tau=0.02, delta=0.05)
    assert family_power(SIZES[8], n, 0.2, 0.3, tau=0.02, delta=0.05) == pytest.approx(0.8, abs=0.02)


def test_no_number_of_facts_beats_the_noise_of_models():
    assert family_facts_needed(SIZES[6], 0.05, 0.3, tau=0.05, delta=0.05) is None


def test_four_sizes_have_no_power_at_the_family_level():
    with pytest.raises(ValueError, match="needs 5 sizes"):
        family_power(SIZES[4], 1000, 0.1, 0.3, tau=0.02, delta=0.05)
