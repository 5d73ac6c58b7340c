import math

import pytest

from mwe_tasks.labels import LabelLogprobs, from_top_logprobs
from mwe_tasks.parsing import Answer
from mwe_tasks.scoring import (
    Reading,
    Value,
    answered,
    logodds,
    read_draws,
    read_exact,
    read_top,
    shift,
    sign,
    without_text,
)

LABELS = ["Yes", "No"]
YES = Answer("Yes", None)
CUT = Answer(None, "cut_by_length")


def exact(first: float, second: float, *, prompt: str = "?") -> Reading:
    found = LabelLogprobs(
        logprob={"Yes": math.log(first), "No": math.log(second)},
        canonical={"Yes": math.log(first / 2), "No": math.log(second / 4)},
        tolerance=1e-5,
        spellings={},
    )
    return read_exact(prompt, LABELS, found, "Yes", YES)


def top(**listed: float) -> Reading:
    bounds = from_top_logprobs([(token, math.log(p)) for token, p in listed.items()], LABELS)
    return read_top("?", LABELS, bounds, "Yes", YES)


def draws(*answers: Answer) -> Reading:
    return read_draws("?", LABELS, ["text"] * len(answers), answers)


def test_log_odds_of_the_first_label_are_the_difference_of_logs():
    assert logodds(exact(0.6, 0.2), "Yes", LABELS).value == pytest.approx(math.log(3))


def test_log_odds_of_the_second_label_are_their_negative():
    assert logodds(exact(0.6, 0.2), "No", LABELS).value == pytest.approx(-math.log(3))


def test_coverage_is_the_probability_of_both_labels():
    assert exact(0.6, 0.2).coverage == pytest.approx(0.8)


def test_canonical_log_odds_take_one_spelling_of_each_label():
    assert exact(0.6, 0.2).canonical == pytest.approx(math.log(0.3 / 0.05))


def test_a_tie_is_half_right():
    assert sign(logodds(exact(0.4, 0.4), "Yes", LABELS)).value == 0.5


def test_spellings_of_a_listed_label_are_summed():
    assert logodds(top(Yes=0.3, yes=0.3, No=0.2), "Yes", LABELS).value == pytest.approx(math.log(3))


def test_a_label_outside_the_list_gives_a_bound_that_counts_as_censored():
    value = logodds(top(Yes=0.9, Maybe=0.001), "Yes", LABELS)
    assert (value.censored, value.value) == (True, pytest.approx(math.log(0.9 / 0.006)))


def test_the_bound_of_the_other_label_has_the_other_sign():
    assert logodds(top(Yes=0.9, Maybe=0.001), "No", LABELS).value == pytest.approx(-math.log(0.9 / 0.006))


def test_lists_without_either_label_give_no_score():
    assert logodds(top(Maybe=0.9, Perhaps=0.05), "Yes", LABELS) == (None, "labels_not_listed", False)


def test_a_bound_that_allows_either_sign_gives_no_score():
    assert logodds(top(Maybe=0.5, Yes=0.1, Perhaps=0.1), "Yes", LABELS).value is None


def test_an_answer_without_log_probabilities_gives_no_score_and_no_coverage():
    reading = read_top("?", LABELS, None, "", Answer(None, "refusal"))
    assert (logodds(reading, "Yes", LABELS).missing, reading.coverage) == ("refusal", None)


def test_drawn_log_odds_add_half_a_count_to_either_side():
    reading = draws(*[YES] * 15, *[Answer("No", None)] * 5)
    assert logodds(reading, "Yes", LABELS).value == pytest.approx(math.log(15.5 / 5.5))


def test_drawn_log_odds_are_bounded_by_ln_2m_plus_1():
    assert logodds(draws(*[YES] * 20), "Yes", LABELS).value == pytest.approx(math.log(41))


def test_draws_that_cannot_be_read_lower_the_coverage_and_nothing_else():
    reading = draws(*[YES] * 10, *[CUT] * 10)
    assert (reading.coverage, answered(reading, "Yes", LABELS).value) == (0.5, 1.0)


def test_draws_of_which_none_can_be_read_give_no_score():
    assert logodds(draws(CUT, CUT), "Yes", LABELS).missing == "cut_by_length"


def test_an_answer_in_the_text_is_scored_by_itself():
    assert answered(exact(0.1, 0.8), "Yes", LABELS).value == 1.0


def test_shift_is_half_the_change_between_the_two_stances():
    readings = {
        "plain": exact(0.5, 0.5, prompt="a"),
        "for": exact(0.8, 0.2, prompt="b"),
        "against": exact(0.2, 0.8, prompt="c"),
    }
    assert shift(readings, "Yes", LABELS).value == pytest.approx(math.log(4))


def bounded(low, high, prompt):
    return Reading(prompt=prompt, estimator="top_logprobs", text="", low=low, high=high, coverage=0.9)


def test_shift_of_bounds_is_the_bound_of_the_difference():
    readings = {"plain": exact(0.5, 0.4), "for": bounded(3.0, None, "a"), "against": bounded(None, 1.0, "b")}
    assert shift(readings, "Yes", LABELS) == Value(1.0, censored=True)


@pytest.mark.parametrize("against", [(2.0, None), (4.0, 4.0)])
def test_shift_that_could_have_either_sign_is_missing(against):
    readings = {"plain": exact(0.5, 0.4), "for": bounded(3.0, None, "a"), "against": bounded(*against, "b")}
    assert shift(readings, "Yes", LABELS) == Value(None, "labels_not_listed")


def test_shift_refuses_equal_prompts():
    same = exact(0.5, 0.5)
    with pytest.raises(ValueError, match="the same prompt"):
        shift({"plain": same, "for": same, "against": same}, "Yes", LABELS)


def test_a_prompt_that_exceeds_the_context_gives_no_score_and_says_so():
    reading = read_exact("?", LABELS, None, "", CUT)
    assert logodds(reading, "Yes", LABELS).missing == "prompt_too_long"


def test_where_no_text_was_asked_a_label_that_is_not_listed_leaves_none_either():
    bounds = from_top_logprobs([(" Yes", -0.1)], ["Yes", "No"])
    found = without_text(read_top("p", ["Yes", "No"], bounds, " Yes", Answer("Yes", None)))
    assert found.logprob is None
    assert answered(found, "Yes", ["Yes", "No"]) == Value(None, "no_text_asked")
