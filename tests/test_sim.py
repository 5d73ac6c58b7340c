import math

import pytest

from mwe_tasks.errors import MweError
from mwe_tasks.families import parse_size
from mwe_tasks.providers.sim import TRUTHS, SimAPI, normal

LABELS = ("Yes", "No")


def row(number, *, truth="Yes", matching="Yes"):
    return {"id": f"q{number}", "fact": f"f{number}", "truth": truth, "matching": matching, "stance": "plain"}


def mean(model, **kind):
    return math.fsum(SimAPI(model).logodds(row(number, **kind), LABELS) for number in range(2000)) / 2000


def test_draws_by_name_are_standard_normal():
    draws = [normal(str(number)) for number in range(4000)]
    assert (sum(draws) / 4000, sum(x * x for x in draws) / 4000) == pytest.approx((0, 1), abs=0.06)


def test_a_name_without_a_size_is_told_so():
    with pytest.raises(MweError, match="sim/appeal-up has no size"):
        SimAPI("appeal-up")


@pytest.mark.parametrize("truth", ["appeal-up", "knowledge-up", "bias-up"])
def test_a_planted_rise_is_a_rise_of_its_own_term_alone(truth):
    def terms(model):
        both, neither = mean(model), mean(model, truth="No", matching="No")
        behaviour = mean(model, truth="No", matching="Yes")
        bias = (both + neither) / 2
        return {
            "bias-up": bias,
            "appeal-up": (both - neither) / 4 + (behaviour - bias) / 2,
            "knowledge-up": (both - neither) / 4 - (behaviour - bias) / 2,
        }

    small, large = terms(f"{truth}-100m"), terms(f"{truth}-100b")
    risen = {name for name in small if large[name] - small[name] > 0.5}
    assert risen == {truth}


def test_flat_is_the_same_at_every_size():
    assert mean("flat-100m") == mean("flat-100b")


def test_every_truth_is_a_model():
    assert all(SimAPI(f"{truth}-1b").parameters == 1e9 for truth in TRUTHS)


@pytest.mark.parametrize(("size", "parameters"), [("135m", 135e6), ("6.7b", 6.7e9), ("1T", 1e12)])
def test_a_size_is_read_with_its_unit(size, parameters):
    assert parse_size(size) == parameters


@pytest.mark.parametrize("name", ["flat", "flat-", "flat-big", "flat-0b", "nonsense-1b", "1b"])
def test_a_name_that_is_no_truth_and_size_is_one_sentence(name):
    with pytest.raises(MweError):
        SimAPI(name)
