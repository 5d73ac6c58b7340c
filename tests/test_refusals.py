import numpy as np
import pytest

from mwe_tasks.refusals import no_variation, too_few_sizes, too_little

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


def test_one_fact_that_differs_is_variation():
    values = np.zeros((100, 3))
    values[3, 1] = 0.5
    assert no_variation(values, bounded=False) == []
