import math
import random

import pytest

from mwe_tasks.dedup import rouge_l, words
from mwe_tasks.judging import Fact
from mwe_tasks.steering import (
    ALIKE,
    Ranked,
    letters_in,
    nearest,
    orders,
    pick,
    rank_by_logprobs,
    rank_by_votes,
    similarity,
)

COUNTS = range(1, 21)


def fact(question, other=None):
    return Fact(topic="t", arm="control", asked_yes=question, asked_no=other)


def unlike(count):
    """Facts of which no two share a word."""
    return [fact(" ".join(f"w{number}{letter}" for letter in "abcde") + "?") for number in range(count)]


def ranked(*scores):
    return Ranked(list(scores), "log probabilities")


def positions(logprob, shown, quality):
    """What a ranker lists that adds `logprob(position)` to the quality of what stands there."""
    return [{place: quality[number] + logprob(place) for place, number in enumerate(order)} for order in shown]


def differences(scores):
    return [score - scores[0] for score in scores]


@pytest.mark.parametrize("count", COUNTS)
def test_every_order_shows_every_candidate_once(count):
    for shifts in range(1, 25):
        assert all(sorted(order) == list(range(count)) for order in orders(count, shifts=shifts, name="x"))


def test_orders_are_the_same_for_the_same_name():
    assert orders(10, shifts=4, name="x") == orders(10, shifts=4, name="x")


def test_orders_differ_between_names():
    assert orders(10, shifts=1, name="x") != orders(10, shifts=1, name="y")


@pytest.mark.parametrize("count", COUNTS)
def test_two_shifts_are_an_order_and_its_reverse(count):
    first, second = orders(count, shifts=2, name="x")
    assert second == first[::-1]


@pytest.mark.parametrize("count", range(3, 21))
def test_as_many_shifts_as_candidates_show_each_at_each_position_once(count):
    shown = orders(count, shifts=count, name="x")
    assert all(sorted(column) == list(range(count)) for column in zip(*shown, strict=True))


@pytest.mark.parametrize(("count", "shifts"), [(3, 4), (3, 8), (5, 7)])
def test_more_shifts_than_candidates_show_each_at_each_position_once(count, shifts):
    shown = orders(count, shifts=shifts, name="x")
    assert all(sorted(column) == list(range(count)) for column in zip(*shown, strict=True))


@pytest.mark.parametrize("count", range(2, 21))
def test_an_order_and_its_reverse_cancel_a_bias_linear_in_position(count):
    quality = [random.Random(number).gauss(0, 1) for number in range(count)]
    shown = orders(count, shifts=2, name="x")
    found = rank_by_logprobs(shown, positions(lambda place: -1 - 0.7 * place, shown, quality))
    assert differences(found) == pytest.approx(differences(quality))


@pytest.mark.parametrize("count", range(3, 21))
def test_all_cyclic_shifts_cancel_any_bias_of_position(count):
    quality = [random.Random(number).gauss(0, 1) for number in range(count)]
    shown = orders(count, shifts=count, name="x")
    found = rank_by_logprobs(shown, positions(lambda place: -(((place * 7) % 5) ** 2), shown, quality))
    assert differences(found) == pytest.approx(differences(quality))


def test_the_rank_is_the_mean_of_ln_p_over_the_orders():
    assert rank_by_logprobs([[0, 1], [1, 0]], [{0: -1, 1: -2}, {0: -3, 1: -4}]) == [-2.5, -2.5]


def test_a_missing_letter_counts_as_the_least_probable_listed():
    assert rank_by_logprobs([[2, 0, 1]], [{0: -0.1, 1: -3}]) == [-3, -3, -0.1]


def test_votes_count_the_orders_that_named_a_candidate():
    assert rank_by_votes([[0, 1, 2], [2, 1, 0], [1, 2, 0]], [0, 2, None]) == [2, 0, 0]


def test_no_readable_vote_is_no_rank():
    assert rank_by_votes([[0, 1], [1, 0]], [None, None]) is None


def test_a_letter_with_and_without_its_space_is_summed():
    assert letters_in([("A", math.log(0.2)), (" A", math.log(0.3))], 2) == {0: pytest.approx(math.log(0.5))}


def test_the_options_letters_leave_out_the_word_i():
    assert letters_in([("I", -1.0), ("J", -2.0)], 9) == {8: -2.0}


@pytest.mark.parametrize("token", ["C", "a", "AB", "A.", "", " ", "1"])
def test_a_token_that_is_no_letter_of_an_option_is_not_listed(token):
    assert letters_in([(token, -1.0)], 2) == {}


@pytest.mark.parametrize(
    ("one", "two", "score"),
    [
        ("a b c d", "a b c d", 1),
        ("a b c d", "e f g h", 0),
        ("a b c d", "d c b a", 1 / 4),
        ("a b c d", "a x b y c z", 2 * 3 / 10),
        ("a a a", "a", 2 * 1 / 4),
        ("police killed the gunman", "police kill the gunman", 3 / 4),  # Lin 2004
        ("police killed the gunman", "the gunman kill police", 2 / 4),
        ("", "a", 0),
        ("", "", 0),
    ],
)
def test_rouge_l_is_the_f1_of_the_longest_common_subsequence(one, two, score):
    assert rouge_l(one.split(), two.split()) == pytest.approx(score)


def test_rouge_l_is_the_same_both_ways():
    draw = random.Random(0)
    for _ in range(100):
        one, two = ([draw.choice("abcd") for _ in range(draw.randint(1, 9))] for _ in range(2))
        assert rouge_l(one, two) == rouge_l(two, one)


def test_similarity_is_the_highest_of_any_two_wordings():
    one, two = fact("Is ice cold?", "Is ice hot?"), fact("Does it rain often?", "Is ice hot?")
    assert similarity(one, [two]) == 1


def test_nothing_is_similar_to_no_facts():
    assert similarity(fact("Is ice cold?"), []) == 0


def test_the_best_ranked_are_picked_best_first():
    assert pick(unlike(4), ranked(-3, -1, -4, -2), [], most=2)[0] == [1, 3]


def test_candidates_are_picked_in_their_order_where_nothing_was_ranked():
    facts = [fact("one two three four?"), fact("one two five six?"), *unlike(2)]
    assert pick(facts, Ranked(None, "order"), [facts[0]], most=3)[0] == [1, 2, 3]


def test_one_alike_to_an_accepted_one_is_never_picked():
    accepted = fact("Is the water in this lake cold?")
    alike = fact("Is the water in that lake cold?")
    assert pick([alike, *unlike(1)], ranked(9, 0), [accepted], most=2)[0] == [1]


def test_one_alike_to_a_picked_one_is_never_picked():
    facts = [fact("Is the water in this lake cold?"), fact("Is the water in that lake cold?"), *unlike(1)]
    assert pick(facts, ranked(9, 8, 0), [], most=3)[0] == [0, 2]


def test_what_is_picked_is_never_alike_among_random_candidates():
    draw = random.Random(1)
    for _ in range(50):
        facts = [fact(" ".join(draw.choice("abcdef") for _ in range(5)) + "?") for _ in range(14)]
        picked, _ = pick(facts[4:], ranked(*(draw.random() for _ in range(10))), facts[:4], most=8)
        taken = facts[:4]
        for number in picked:
            assert similarity(facts[4:][number], taken) < ALIKE
            taken = [*taken, facts[4:][number]]


def test_at_equal_rank_the_more_novel_one_is_picked():
    accepted = fact("one two three four?")
    assert pick([fact("one two five six?"), *unlike(1)], ranked(-1, -1), [accepted], most=1)[0] == [1]


def test_at_equal_rank_and_novelty_the_first_is_picked():
    assert pick(unlike(3), ranked(-1, -1, -1), [], most=1)[0] == [0]


def test_a_rank_far_above_outweighs_novelty():
    facts = [fact("one two five six?"), *unlike(9)]
    assert pick(facts, ranked(0, *[-1] * 9), [fact("one two three four?")], most=1)[0] == [0]


def test_every_candidate_is_picked_or_has_a_reason():
    draw = random.Random(2)
    for most in range(8):
        facts = [fact(" ".join(draw.choice("abcdef") for _ in range(5)) + "?") for _ in range(10)]
        picked, reasons = pick(facts, ranked(*(draw.random() for _ in range(10))), [], most=most)
        assert sorted([*picked, *reasons]) == list(range(10))


def test_the_reasons_tell_lower_ranked_from_alike_ones():
    facts = [*unlike(2), unlike(1)[0]]
    assert pick(facts, ranked(3, 1, 2), [], most=1)[1] == {1: "ranked lower", 2: "alike to an accepted or picked one"}


def test_of_no_candidates_none_is_picked():
    assert pick([], Ranked(None, "unread"), [], most=3) == ([], {})


def test_the_nearest_facts_stand_in_their_order():
    to = fact("one two three four?")
    near, nearer = fact("one two five six?"), fact("one two three five?")
    assert nearest([near, *unlike(3), nearer], to, most=2) == [near, nearer]


@pytest.mark.parametrize(("most", "numbers"), [(0, []), (2, [2, 3]), (9, [0, 1, 2, 3])])
def test_the_last_facts_are_the_nearest_to_nothing(most, numbers):
    facts = unlike(4)
    assert nearest(facts, None, most=most) == [facts[number] for number in numbers]


def test_words_are_compared_without_case_and_marks():
    assert words("Isn’t ICE, then, cold?") == ["isn't", "ice", "then", "cold"]
