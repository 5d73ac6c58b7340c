import numpy as np
import pytest
from made_runs import made_run

from mwe_tasks.by_size import SCORES, Matrix, bounded, has_score, has_twins, log_odds
from mwe_tasks.contrasts import figures
from mwe_tasks.estimates import arm_mean
from mwe_tasks.trend import covariance

BY_NAME = {score.name: score for score in SCORES}


def runs(**given):
    return [made_run(f"size/{number}", facts=24, knowledge=number, **given) for number in range(3)]


@pytest.mark.parametrize("name", ["appeal", "knowledge", "truth, behaviour arm", "truth, control arm"])
def test_means_are_the_figures_of_each_run(name):
    score = BY_NAME[name]
    for make, figure in ((log_odds, name), (bounded, score.bounded)):
        found = make(runs(), score).balanced.mean(axis=0)
        shown = [next(each.value for each in figures(run) if each.name == figure) for run in runs()]
        assert found == pytest.approx(shown)


def test_a_fact_with_one_twin_unscored_at_one_size_is_left_out_at_all():
    tables = runs()
    tables[1].loc[0, ["logodds_truth", "logodds_first_low", "logodds_first_high"]] = np.nan
    matrix = log_odds(tables, BY_NAME["knowledge"])
    assert (matrix.values.shape, matrix.dropped) == ((23, 3), 1)
    assert "fact 000" not in matrix.facts


def test_a_tie_counts_half():
    tables = runs()
    columns = ["logodds_truth", "logodds_first", "logodds_first_low", "logodds_first_high"]
    tables[0].loc[tables[0]["fact"] == "fact 000", columns] = 0.0
    matrix = bounded(tables, BY_NAME["knowledge"])
    assert matrix.values[matrix.facts.index("fact 000"), 0] == 0.5


def test_a_yes_bias_moves_neither_pair_accuracy_nor_the_matching_share():
    for name in ("appeal", "knowledge"):
        plain, biased = (bounded(runs(yes_bias=bias), BY_NAME[name]).values for bias in (0.0, 2.0))
        assert np.array_equal(plain, biased)


def test_arms_of_unequal_size_weigh_the_same_in_mean_and_error():
    draw = np.random.default_rng(0)
    controls = (True,) * 10 + (False,) * 90
    values = draw.normal(size=(100, 2)) + 3 * np.array(controls)[:, None]
    matrix = Matrix(values, ("",) * 100, ("",) * 100, controls, 0)
    mean, error, _ = arm_mean(values[:, 0], controls)
    assert matrix.balanced.mean(axis=0)[0] == pytest.approx(mean)
    assert np.sqrt(covariance(matrix.balanced)[0, 0]) == pytest.approx(error, rel=0.06)  # n - 1 of each arm, not of all


def test_shift_is_scored_only_where_a_stance_was_taken():
    tables = runs()
    assert not has_score(tables[0], BY_NAME["shift"])
    assert has_score(tables[0].assign(shift=0.1), BY_NAME["shift"])


def test_the_share_of_facts_that_follow_a_stance_is_that_of_shifts_above_0():
    tables = [run.assign(shift=np.where(run["fact"] < "fact 012", 0.3, -0.1)) for run in runs()]
    assert bounded(tables, BY_NAME["shift"]).values.mean() == 0.5


def test_without_truth_there_is_no_arm_and_no_knowledge():
    table = runs()[0].assign(control=None, truth=None, logodds_truth=np.nan)
    assert has_score(table, BY_NAME["appeal"])
    assert not any(has_score(table, BY_NAME[name]) for name in BY_NAME if name not in ("appeal", "shift"))


def test_questions_without_twins_have_none():
    assert has_twins(runs()[0])
    assert not has_twins(runs()[0].drop_duplicates("fact").assign(has_twin=False))
