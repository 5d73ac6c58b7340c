import numpy as np
import pytest
from verdict_data import SIZES, level, rising, scores

from mwe_tasks.headline import DEPENDS, agreed, headline
from mwe_tasks.verdict import KINDS, judge

WORDS = ("standard", "inverse", "U", "inverted-U", "flat", "inconclusive")


@pytest.mark.parametrize("word", WORDS)
def test_where_both_claim_the_same_the_headline_stands(word):
    assert agreed(word, word) == word


@pytest.mark.parametrize("one", WORDS)
@pytest.mark.parametrize("other", WORDS)
def test_what_only_one_claims_depends_on_the_score(one, other):
    assert (agreed(one, other) == DEPENDS) == (one != other)


@pytest.mark.parametrize("word", [*WORDS, "refused"])
def test_a_refused_score_leaves_no_headline(word):
    assert agreed(word, "refused") == agreed("refused", word) == "refused"


def judged(curve, **more):
    return judge(scores(curve, SIZES[8], n=1000), SIZES[8], KINDS["log odds"]._replace(delta=0.05), **more)


def test_a_headline_is_of_the_level_that_was_given():
    made = judged(rising)
    assert headline(made.family, made.family)[:2] == ("family", "standard")
    assert headline(made.checkpoints, made.checkpoints)[:2] == ("checkpoints", "standard")


def test_confidence_that_grows_at_constant_accuracy_depends_on_the_score():
    flat, grows = judged(level), judged(rising)
    assert headline(flat.family, grows.family).word == DEPENDS


def test_a_refused_headline_says_why_once_for_each_reason():
    one, other = judged(rising, refusals=["Too many were censored."]), judged(rising)
    assert headline(one.family, one.family).refused == "Too many were censored."
    assert headline(other.family, one.family).refused == "Too many were censored."


def test_two_levels_are_an_error():
    made = judged(rising)
    with pytest.raises(ValueError, match="two levels"):
        headline(made.checkpoints, made.family)


def test_logits_that_scale_up_at_constant_accuracy_make_no_headline():
    odds = scores(level, SIZES[8], n=2000)
    scaled = odds * np.linspace(1, 8, 8)
    right, grown = (judge(v, SIZES[8], KINDS[k]) for v, k in ((odds > 0, "accuracy"), (scaled, "log odds")))
    assert (grown.checkpoints.word, headline(right.checkpoints, grown.checkpoints).word) == ("standard", DEPENDS)
