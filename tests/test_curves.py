import numpy as np
import pytest
from made_runs import made_family, made_findings

from mwe_tasks.curve_fits import fit_forms
from mwe_tasks.curves import fit_curve, refused
from mwe_tasks.errors import UnknownName
from mwe_tasks.forms import find_form, known_forms

X = np.linspace(7, 10.5, 8)
PLANTED = {
    "log-linear": (0.3, 0.2),
    "logistic": (0.3, 1.5, 2.0),
    "power-law": (2.0, -0.2),
    "power-law-offset": (1.0, 2.0, 0.6),
}


def scores(form, facts=400):
    """Scores of facts that each lie off the planted curve by as much at every size, and a little more."""
    draw = np.random.default_rng(3)
    means = form.curve(X - X[0], np.array(PLANTED[form.name]))
    return means + 0.1 * draw.normal(size=(facts, 1)) + 0.02 * draw.normal(size=(facts, len(X)))


def test_every_form_has_a_planted_truth_here():
    assert {form.name for form in known_forms()} == set(PLANTED)


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_what_was_planted_lies_in_the_interval_of_each_parameter(name):
    form = find_form(name)
    found = fit_curve(form, scores(form), X)
    for value, low, high in zip(PLANTED[name], found.low, found.high, strict=True):
        assert low - 0.05 <= value <= high + 0.05
    assert found.parameters == pytest.approx(PLANTED[name], abs=0.1)


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_the_same_scores_give_the_same_curve(name):
    form = find_form(name)
    assert fit_curve(form, scores(form, 50), X) == fit_curve(form, scores(form, 50), X)


@pytest.mark.parametrize("x", [np.linspace(7, 10.5, 7), np.linspace(8, 10.4, 8)])
def test_few_sizes_or_a_short_range_bear_no_curve_that_bends(x):
    assert "not fitted" in refused(x)


def test_eight_sizes_over_two_and_a_half_decades_bear_one():
    assert refused(np.linspace(8, 10.5, 8)) is None


def test_curves_are_fitted_only_where_a_change_in_one_direction_is_claimed():
    findings = made_findings(made_family("made", (1e8, 1e9, 1e10, 1e11)), appeal=lambda u: 3 * u)
    fitted = {each.finding.score.name: each for each in fit_forms(findings, [find_form("log-linear")])}
    assert fitted["appeal"].curve is not None
    assert "No change in one direction is claimed" in fitted["knowledge"].refused


def test_a_curve_that_the_sizes_do_not_fix_says_so():
    form = find_form("power-law-offset")
    straight = np.linspace(0, 3, len(X)) + np.random.default_rng(3).normal(size=(100, 1))
    assert fit_curve(form, straight, X).at_bound == ["exponent"]
    assert fit_curve(form, scores(form), X).at_bound == []


def test_a_form_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(UnknownName, match="log-linear, logistic"):
        find_form("spline")
