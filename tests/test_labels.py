import math

import pytest

from mwe_tasks.errors import MweError
from mwe_tasks.label_logprobs import measure
from mwe_tasks.labels import continuations, from_top_logprobs, logsumexp, spellings


def letters(text):
    return [ord(letter) for letter in text]


def test_a_label_is_spelled_with_and_without_space_in_every_case():
    assert set(spellings("Yes")) == {" Yes", " yes", " YES", "Yes", "yes", "YES"}


def test_a_label_that_is_upper_case_already_has_no_spelling_twice():
    assert len(spellings("YES")) == len(set(spellings("YES"))) == 6


def test_a_spelling_that_merges_with_the_prompt_is_left_out():
    def joins(text):
        return letters(text.replace(": ", ";"))

    assert set(continuations(joins, "A:", ["No"])["No"].values()) == {"No", "no", "NO"}


def test_labels_that_share_a_sequence_are_refused():
    with pytest.raises(MweError, match="same tokens"):
        continuations(letters, "A:", ["Yes", "yes"])


def test_labels_of_which_one_begins_the_other_are_refused():
    with pytest.raises(MweError, match="same tokens"):
        continuations(letters, "A:", ["No", "None"])


def test_two_spellings_with_the_same_tokens_are_one_event():
    found = continuations(lambda text: letters(text.replace(" ", "")), "A:", ["No"])
    assert list(found["No"].values()) == [" No", " no", " NO"]


def test_longer_words_that_begin_with_a_label_never_count():
    top = [(" Noam", -0.5), (" Not", -1.5), ("Now", -3.0), ("None", -3.0), (" No", -4.0)]
    bounds = from_top_logprobs(top, ["Yes", "No"])
    assert bounds.low == {"Yes": None, "No": pytest.approx(-4.0)}


def test_equal_strings_are_distinct_tokens_and_are_summed():
    bounds = from_top_logprobs([(" No", math.log(0.25)), (" No", math.log(0.25))], ["No"])
    assert bounds.low["No"] == pytest.approx(math.log(0.5))


def test_an_unlisted_label_has_at_most_its_spellings_times_the_least_listed():
    bounds = from_top_logprobs([(" Yes", math.log(0.5)), (" the", math.log(0.01))], ["Yes", "No"])
    assert bounds.high["No"] == pytest.approx(math.log(0.06))


def test_an_unlisted_label_has_at_most_what_is_left():
    bounds = from_top_logprobs([(" Yes", math.log(0.6)), (" the", math.log(0.39))], ["Yes", "No"])
    assert bounds.high["No"] == pytest.approx(math.log(0.01))


def test_a_censored_label_leaves_one_side_of_the_log_odds_open():
    bounds = from_top_logprobs([(" Yes", math.log(0.6)), (" the", math.log(0.01))], ["Yes", "No"])
    assert bounds.logodds("Yes", "No") == (pytest.approx(math.log(0.6 / 0.06)), math.inf)


def test_two_censored_labels_have_no_log_odds():
    assert from_top_logprobs([(" the", -1.0)], ["Yes", "No"]).logodds("Yes", "No") is None


def test_an_empty_list_gives_no_bounds():
    assert from_top_logprobs([], ["Yes", "No"]) is None


def test_a_sum_of_nothing_is_minus_infinity():
    assert logsumexp([]) == -math.inf


def alphabet(tokens, k):
    """An engine over letters whose probabilities depend on what came before."""
    weights = {code: 1 + (code * 7 + sum(tokens) * 3) % 11 for code in range(32, 127)}
    total = sum(weights.values())
    logs = {code: math.log(weight / total) for code, weight in weights.items()}
    return dict(sorted(logs.items(), key=lambda one: -one[1])[:k])


def test_a_label_of_several_tokens_has_the_product_of_their_probabilities():
    added = continuations(letters, "A:", ["Yes", "No"])
    found = measure(alphabet, tuple(letters("A:")), added)
    for label, sequences in added.items():
        each = []
        for tokens in sequences:
            so_far, total = tuple(letters("A:")), 0.0
            for token in tokens:
                total += alphabet(so_far, 200)[token]
                so_far = (*so_far, token)
            each.append(total)
        assert logsumexp(each) - found.logprob[label] == pytest.approx(0, abs=found.tolerance + 1e-9)
        assert found.tolerance <= 1e-4


def test_nothing_left_out_gives_no_tolerance():
    added = continuations(letters, "A:", ["Yes", "No"])
    assert measure(alphabet, tuple(letters("A:")), added).tolerance == 0


def test_a_listed_token_that_begins_an_unlisted_spelling_is_in_the_bound():
    bounds = from_top_logprobs([(" No", math.log(0.6)), (" Y", math.log(0.3)), ("So", math.log(0.01))], ["Yes", "No"])
    assert math.exp(bounds.high["Yes"]) == pytest.approx(0.3 + 0.06)


def test_a_list_that_adds_up_to_one_by_rounding_leaves_room_for_what_is_not_listed():
    bounds = from_top_logprobs([("Yes", 0.0), ("yes", -17.0), ("Sure", -19.0)], ("Yes", "No"))
    assert bounds.high["No"] > -19.0 - 1e-9
    assert all(math.isfinite(bound) or bound == math.inf for bound in bounds.logodds("Yes", "No"))


@pytest.mark.parametrize("value", [math.nan, 0.7])
def test_a_list_with_what_is_no_log_of_a_probability_is_refused(value):
    with pytest.raises(MweError, match="The log probability of ' the' is given as"):
        from_top_logprobs([(" Yes", -1.0), (" the", value)], ["Yes", "No"])


def test_a_provider_may_round_above_0():
    assert from_top_logprobs([(" Yes", 1e-6), (" No", -12.0)], ["Yes", "No"]).low["Yes"] == 1e-6
