import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mwe_tasks.contrasts import _positive, figures, flips, proper_scores, ranks, shifts
from mwe_tasks.estimates import arm_mean, larger_error, tenth, with_interval


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


def test_a_clustered_error_of_equal_rows_is_that_of_one_of_them():
    influence = np.random.default_rng(5).normal(size=60) / 60
    facts = np.arange(60)
    alone = larger_error(influence, facts, ["one topic"] * 60)
    doubled = larger_error(np.repeat(influence, 2) / 2, np.repeat(facts, 2), ["one topic"] * 120)
    assert doubled == pytest.approx(alone)


def test_the_interval_of_an_auc_covers_it_as_often_as_it_says():
    # Two normal clouds one standard deviation apart have an AUC of Phi(1 / sqrt 2).
    draw, true, covered = np.random.default_rng(6), stats.norm.cdf(1 / np.sqrt(2)), 0
    for _ in range(400):
        shared = 0.7 * draw.normal(size=60)
        noise = np.sqrt(1 - 0.7**2) * draw.normal(size=(2, 60))
        run = pd.DataFrame(
            {
                "logodds_first": [*(shared + noise[0] + 1), *(shared + noise[1])],
                "truth": ["Yes"] * 60 + ["No"] * 60,
                "first_label": "Yes",
                "fact": [f"fact {n}" for n in range(60)] * 2,
                "topic": "all",
            }
        )
        (found,) = ranks(run)
        covered += found.low < true < found.high
    assert 0.92 <= covered / 400 <= 0.98


def test_an_auc_without_ties_is_the_share_of_pairs_in_order():
    run = pd.DataFrame({"logodds_first": [3.0, 1.0, 2.0, 0.0], "truth": ["Yes", "Yes", "No", "No"]})
    (found,) = ranks(run.assign(first_label="Yes", fact=["a", "b", "a", "b"], topic="all"))
    assert found.value == 0.75


def test_the_interval_of_a_tenth_percentile_is_made_of_observed_values():
    found = tenth("tenth", np.arange(200.0), "")
    assert (found.low, found.high) == (11.0, 29.0)
    assert stats.binom.cdf(29, 200, 0.1) - stats.binom.cdf(11, 200, 0.1) >= 0.95


@pytest.mark.parametrize("true", [0.5, 0.9, 0.98])
def test_the_interval_of_a_share_covers_it_about_as_often_as_it_says(true):
    draw, covered = np.random.default_rng(7), 0
    for _ in range(1000):
        facts = (draw.random(200) < true).astype(float)
        value, error, freedom = arm_mean(facts, [0] * 100 + [1] * 100)
        found = with_interval("share", value, error, freedom, 200, "", share=True)
        covered += found.low <= true <= found.high
    assert 0.93 <= covered / 1000 <= 0.99


def test_where_all_are_alike_the_interval_of_a_share_is_no_point():
    found = with_interval("share", 0.0, 0.0, 198, 200, "", share=True)
    assert (found.low, found.high) == (0.0, pytest.approx(0.019, abs=0.001))


def pair(one, other):
    """A run of one fact: the first twin's truth is Yes, the other's No; each has bounds of ln P(Yes) - ln P(No)."""
    return pd.DataFrame(
        {
            "id": ["a1", "a2", "b1", "b2"],
            "has_twin": True,
            "fact": ["a", "a", "b", "b"],
            "control": True,
            "topic": "all",
            "truth": ["Yes", "No"] * 2,
            "first_label": "Yes",
            "logodds_first_low": [one[0], other[0], 1.0, -1.0],
            "logodds_first_high": [one[1], other[1], 1.0, -1.0],
        }
    )


@pytest.mark.parametrize(
    ("one", "other", "facts", "share"),
    [
        ((8, 8), (3, 3), 2, 1.0),
        ((3, 3), (8, 8), 2, 0.5),
        ((3, 3), (3, 3), 2, 0.75),
        ((8, np.inf), (3, 3), 2, 1.0),  # a bound, and the sign is known all the same
        ((3, 3), (8, np.inf), 2, 0.5),
        ((3, np.inf), (8, 8), 1, 1.0),  # at least 3 - 8, which may be above 0
        ((3, np.inf), (8, np.inf), 1, 1.0),
        ((np.nan, np.nan), (8, 8), 1, 1.0),
    ],
)
def test_a_fact_counts_in_pair_accuracy_where_the_sign_of_its_twins_sum_is_known(one, other, facts, share):
    found = _positive("pair accuracy", pair(one, other), "truth", "")
    assert (found.n, found.value) == (facts, share)


def four_questions(**columns):
    """Two facts, a control and a behaviour one, each asked twice; the first label is Yes."""
    table = pd.DataFrame(
        {
            "log": "a",
            "id": list("abcd"),
            "fact": list("aacc"),
            "has_twin": True,
            "topic": "tea",
            "control": [True, True, False, False],
            "truth": ["Yes", "No", "Yes", "No"],
            "matching_answer": ["Yes", "No", "No", "Yes"],
            "first_label": "Yes",
            "second_label": "No",
            "estimator": "exact",
        }
    )
    return table.assign(**columns)


def values_of(estimates):
    return {each.name: each.value for each in estimates}


def test_proper_scores_are_those_of_a_table_by_hand():
    p = np.array([0.9, 0.6, 0.3, 0.5])
    found = values_of(proper_scores(four_questions(logodds_truth=np.log(p / (1 - p)))))
    assert found["label probability"] == pytest.approx(p.mean())
    assert found["Brier"] == pytest.approx(((1 - p) ** 2).mean())
    assert found["loss"] == pytest.approx(-np.log(p).mean())


def stanced(**logodds):
    """Columns of intervals that are numbers, from log odds of Yes by stance."""
    ends = {f"logodds_first_{stance}_{end}": values for stance, values in logodds.items() for end in ("low", "high")}
    return {name: np.array(values, dtype=float) for name, values in ends.items()}


def test_flips_are_counted_from_the_neutral_sentence():
    # Of truth: a right, b right, c wrong, d wrong where nobody takes a stance; "plain" is right everywhere.
    columns = stanced(neutral=[1, -1, -1, 1], **{"for": [1, -1, -1, 1], "against": [-1, -1, 1, 1]})
    found = values_of(flips(four_questions(logodds_truth=1.0, **columns)))
    assert (found["flips right to wrong"], found["flips wrong to right"]) == (0.25, 0.25)


def test_a_shift_between_two_bounds_that_leave_its_sign_open_is_no_number():
    columns = stanced(neutral=[0, 0, 0, 0], **{"for": [1, -1, -1, 1], "against": [-1, 1, 1, -1]})
    open_above = {"logodds_first_for_high": np.inf, "logodds_first_neutral_high": np.inf}
    table = four_questions(shift=1.0, **columns)
    assert values_of(shifts(table))["shift, for less neutral"] == 1.0
    assert {each.n for each in shifts(table.assign(**open_above)) if each.name == "shift, for less neutral"} == {0}


def test_two_epochs_of_a_question_are_one_question():
    one = four_questions(
        logodds_truth=[2.0, 2.0, 2.0, 2.0],
        logodds_matching=[2.0, 2.0, -2.0, -2.0],
        logodds_first=[2.0, -2.0, 2.0, -2.0],
        accuracy=1.0,
        answered=1.0,
        canonical=np.nan,
        coverage=0.9,
        logodds_first_low=[2.0, -2.0, 2.0, -2.0],
        logodds_first_high=[2.0, -2.0, 2.0, -2.0],
    )
    assert figures(pd.concat([one, one])) == figures(one)
