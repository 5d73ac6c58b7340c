import numpy as np
import pytest
from verdict_data import SIZES, level, rising, scores, valley

from mwe_tasks.verdict import KINDS, judge

ACCURACY, LOG_ODDS = KINDS["accuracy"], KINDS["log odds"]


def answers(curve, number, n=1000, seed=2, base=0.4):
    """Right or wrong answers, shape (n, K), whose expected share follows a curve."""
    draw = np.random.default_rng(seed)
    x = np.log10(SIZES[number])
    u = (x - x[0]) / (x[-1] - x[0])
    return (draw.random((n, number)) < base + np.vectorize(curve)(u)).astype(float)


def judged(values, number, kind=ACCURACY, **more):
    return judge(values, SIZES[number], kind, **more)


def words(made):
    return made.checkpoints.word, made.family.word


def test_a_planted_rise_is_standard_at_both_levels():
    assert words(judged(answers(rising, 8), 8)) == ("standard", "standard")


def test_the_order_of_facts_does_not_matter():
    values = answers(valley, 8)
    one, other = judged(values, 8), judged(values[np.random.default_rng(1).permutation(1000)], 8)
    assert words(one) == words(other)
    assert one.family.tau1 == pytest.approx(other.family.tau1, rel=1e-9)


def test_it_says_what_it_was_given():
    values = answers(rising, 4)
    made = judged(values, 4)
    assert (made.kind, made.n, made.sizes) == ("accuracy", 1000, SIZES[4])
    assert made.means == pytest.approx(values.mean(axis=0))
    assert made.errors == pytest.approx(values.std(axis=0, ddof=1) / np.sqrt(1000))


def test_arms_are_jointly_wider_than_the_interval_of_one():
    made = judged(answers(rising, 4), 4)
    values = answers(rising, 4)
    step = values[:, 1] - values[:, 0]
    arm = next(each for each in made.arms if (each.first, each.last) == (0, 1))
    assert arm.change == pytest.approx(step.mean())
    assert arm.high - arm.low > 2 * 1.97 * step.std(ddof=1) / np.sqrt(1000)


@pytest.mark.parametrize(
    ("number", "checkpoints", "family"), [(3, False, False), (4, True, False), (5, True, False), (6, True, True)]
)
def test_words_without_a_size_are_given_where_enough_sizes_are_left(number, checkpoints, family):
    made = judged(answers(rising, number), number).left_out
    assert [each.index for each in made] == list(range(number))
    assert {each.checkpoints is not None for each in made} == {checkpoints}
    assert {each.family is not None for each in made} == {family}


def test_the_word_without_a_size_is_that_of_the_others():
    values = answers(valley, 8)
    without = judge(np.delete(values, 3, axis=1), np.delete(SIZES[8], 3), ACCURACY)
    assert judged(values, 8).left_out[3][1:] == words(without)


@pytest.mark.parametrize("kind", ["accuracy", "log odds"])
def test_every_word_without_a_size_is_that_of_a_verdict_on_the_others(kind):
    values, topics = answers(valley, 6, n=200), np.arange(200) % 40
    made = judged(values, 6, KINDS[kind], topics=topics)
    for index in range(6):
        others = judge(np.delete(values, index, axis=1), np.delete(SIZES[6], index), KINDS[kind], topics=topics)
        assert made.left_out[index][1:] == words(others)


def test_a_size_that_carries_the_trend_is_seen_when_it_is_left_out():
    values = answers(level, 4, n=4000)
    values[:, 3] = answers(lambda u: 0.3, 4, n=4000, seed=3)[:, 3]
    made = judged(values, 4)
    assert (made.checkpoints.word, made.left_out[3].checkpoints) == ("standard", "flat")


# What is refused.


def test_under_a_hundred_facts_have_no_word_but_an_interval():
    made = judged(answers(rising, 8, n=99), 8)
    assert words(made) == ("refused", "refused")
    assert made.checkpoints.refused == "99 facts are too few: a verdict needs 100."
    assert made.checkpoints.low < made.checkpoints.slope < made.checkpoints.high


def test_a_hundred_facts_have_one():
    assert words(judged(answers(rising, 8, n=100), 8))[0] == "standard"


def test_under_one_decade_there_is_no_trend():
    made = judge(answers(rising, 6), (1e9, 2e9, 3e9, 5e9, 7e9, 9.9e9), ACCURACY)
    assert words(made) == ("refused", "refused")
    assert "0.99 decades" in made.family.refused


def test_one_decade_is_enough_whatever_rounding_does_to_its_logarithms():
    sizes = (0.35e9, 0.7e9, 1.4e9, 2.0e9, 3.0e9, 3.5e9)
    assert "refused" not in words(judge(answers(rising, 6), sizes, ACCURACY))


def test_a_reason_found_elsewhere_refuses_both_levels_and_every_size_left_out_and_keeps_the_numbers():
    values = answers(rising, 8)
    plain, made = judged(values, 8), judged(values, 8, refusals=["Too many were censored."])
    assert words(made) == ("refused", "refused")
    assert {each[1:] for each in made.left_out} == {("refused", "refused")}
    assert made.family.refused == "Too many were censored."
    assert made.family._replace(word="standard", refused=None) == plain.family
    assert made.checkpoints.tau_star is None  # no claim rests on it
    assert (
        made.checkpoints._replace(word="standard", refused=None, tau_star=plain.checkpoints.tau_star)
        == plain.checkpoints
    )


def test_every_reason_is_given():
    made = judged(answers(rising, 4, n=50), 4, refusals=["Too many were censored."])
    assert made.family.refused.count(".") == 3


# What clusters.


def test_under_thirty_topics_do_not_cluster():
    values = np.repeat(answers(level, 6, n=29), 20, axis=0)
    assert judged(values, 6, topics=np.repeat(range(29), 20)).clustered_by == "fact"


def test_from_thirty_topics_up_they_cluster_where_they_vary_more():
    values = np.repeat(answers(level, 6, n=40), 20, axis=0)
    made = judged(values, 6, topics=np.repeat(range(40), 20))
    assert (made.clustered_by, made.clusters, made.checkpoints.freedom) == ("topic", 40, 39)


def test_topics_that_balance_each_other_do_not_make_an_interval_narrower():
    values = answers(rising, 6, n=1000)
    full = values @ np.polyfit(np.log10(SIZES[6]), np.eye(6), 1)[0]
    order = np.argsort(full)
    topics = np.empty(1000, dtype=int)
    topics[order] = np.minimum(np.arange(1000), 999 - np.arange(1000)) % 500
    made = judged(values, 6, topics=topics)
    assert (made.clustered_by, made.checkpoints.error) == ("fact", judged(values, 6).checkpoints.error)


def test_sure_clusters_count_and_under_thirty_are_refused():
    values = np.repeat(answers(rising, 6, n=29), 20, axis=0)
    made = judged(values, 6, clusters=np.repeat(range(29), 20))
    assert (made.clustered_by, made.checkpoints.refused) == (
        "cluster",
        "29 clusters of facts are too few: a verdict needs 30.",
    )


def test_paraphrases_of_a_question_add_nothing_to_what_it_says():
    values = answers(rising, 6, n=200)
    made = judged(np.repeat(values, 20, axis=0), 6, clusters=np.repeat(range(200), 20))
    assert made.checkpoints.error == pytest.approx(judged(values, 6).checkpoints.error, rel=0.01)


# What is no evidence.


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_all_right_or_all_wrong_everywhere_is_flat_by_the_error_of_half_a_fact(value):
    made = judged(np.full((200, 8), value), 8)
    assert words(made) == ("flat", "flat")
    assert made.checkpoints.error > 0


@pytest.mark.parametrize(
    ("kind", "value"), [("accuracy", 0.5), ("probability", 0.3), ("log odds", 0.0), ("log odds", 2.5), ("loss", -0.7)]
)
def test_one_score_for_every_fact_is_refused(kind, value):
    made = judged(np.full((200, 8), value), 8, KINDS[kind])
    assert words(made) == ("refused", "refused")
    assert made.checkpoints.refused.startswith("Every fact has the same score")


def test_one_score_for_every_fact_at_each_size_is_no_trend_however_it_moves():
    made = judged(np.tile(np.linspace(-1, 1, 8), (200, 1)), 8, LOG_ODDS)
    assert words(made) == ("refused", "refused")


def test_sums_that_round_differently_are_one_score():
    values = np.full((200, 8), 0.3)
    values[::2] = 0.1 + 0.2
    assert words(judged(values, 8, LOG_ODDS)) == ("refused", "refused")


@pytest.mark.parametrize(
    ("values", "sizes", "kind", "message"),
    [
        (np.ones((1, 4)), SIZES[4], ACCURACY, "at least two"),
        (np.ones((0, 4)), SIZES[4], ACCURACY, "at least two"),
        (np.ones((200, 1)), (1e9,), ACCURACY, "one size"),
        (np.ones((200, 0)), (), ACCURACY, "one size"),
        (np.ones((200, 3)), SIZES[4], ACCURACY, "one column a size"),
        (np.ones(200), SIZES[4], ACCURACY, "one row a fact"),
        (np.full((200, 4), np.nan), SIZES[4], ACCURACY, "missing or infinite"),
        (np.full((200, 4), np.inf), SIZES[4], LOG_ODDS, "missing or infinite"),
        (np.ones((200, 3)), (1e8, 1e8, 1e10), ACCURACY, "no two equal"),
        (np.ones((200, 3)), (1e10, 1e9, 1e8), ACCURACY, "from small to large"),
        (np.ones((200, 3)), (0, 1e9, 1e10), ACCURACY, "above 0"),
        (np.ones((200, 3)), (1e8, 1e9, np.nan), ACCURACY, "above 0"),
        (np.ones((200, 3)), (1e8, 1e9, np.inf), ACCURACY, "above 0"),
    ],
)
def test_what_is_no_evidence_is_an_error(values, sizes, kind, message):
    with pytest.raises(ValueError, match=message):
        judge(values, sizes, kind)


@pytest.mark.parametrize("what", ["topics", "clusters"])
def test_topics_of_other_facts_are_an_error(what):
    with pytest.raises(ValueError, match="one a fact"):
        judged(answers(rising, 4), 4, **{what: range(999)})


def test_one_missing_score_is_an_error():
    values = answers(rising, 4)
    values[17, 2] = np.nan
    with pytest.raises(ValueError, match="leave that fact out"):
        judged(values, 4)


def test_log_odds_scaled_with_their_delta_give_the_same_word_and_noise():
    values = scores(rising, SIZES[8], n=1000)
    one = judged(values, 8, LOG_ODDS)
    ten = judged(10 * values, 8, LOG_ODDS._replace(delta=5.0))
    assert words(one) == words(ten)
    assert ten.family.tau1 == pytest.approx(10 * one.family.tau1)


def test_brier_turned_by_its_sign_and_by_its_complement_say_the_same():
    loss = np.random.default_rng(4).random((300, 6)) ** 2
    one, other = (judged(values, 6, KINDS["Brier"]) for values in (-loss, 1 - loss))
    assert words(one) == words(other)
    assert one.checkpoints.slope == pytest.approx(other.checkpoints.slope)


def test_a_verdict_is_the_same_whenever_it_is_asked():
    values = answers(valley, 6)
    assert judged(values, 6) == judged(values, 6)
