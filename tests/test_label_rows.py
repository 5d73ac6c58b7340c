import math
from itertools import product

import pytest

from mwe_tasks.label_rows import Wanted, batches, read_labels, token_rows
from mwe_tasks.labels import continuations, logsumexp

PROMPT = tuple(map(ord, "A:"))
VOCABULARY = range(128)


def letters(text):
    return [ord(letter) for letter in text]


def pairs(text):
    """Two letters a token, where there are two."""
    return [hash_of(text[n : n + 2]) for n in range(0, len(text), 2)]


def hash_of(letters):
    return sum(ord(letter) * 200**n for n, letter in enumerate(letters))


def logprob(before, token):
    """A made-up model over 128 letters: ln P of a token after others."""
    weights = [1 + (each * 13 + sum(before) * 5) % 17 for each in VOCABULARY]
    return math.log(weights[token] / sum(weights))


def run(rows):
    return {
        wanted: logprob(row.tokens[: row.position(wanted) + 1], wanted.token) for row in rows for wanted in row.wanted
    }


def test_a_label_has_the_probability_of_its_spellings_token_by_token():
    added = continuations(letters, "A:", ["Yes", "No"])
    found = read_labels(run(token_rows(PROMPT, added)), added)
    for label, sequences in added.items():
        each = []
        for tokens in sequences:
            each.append(math.fsum(logprob((*PROMPT, *tokens[:n]), token) for n, token in enumerate(tokens)))
        assert found.logprob[label] == pytest.approx(logsumexp(each), abs=1e-12)
    assert found.canonical == {label: found.spellings[f" {label}"] for label in added}
    assert found.tolerance == 0


@pytest.mark.parametrize("encode", [letters, pairs])
def test_each_number_is_wanted_of_one_row(encode):
    added = continuations(encode, "A:", ["Yes", "No"])
    rows = token_rows(tuple(encode("A:")), added)
    numbers = [wanted for row in rows for wanted in row.wanted]
    expected = {Wanted(x[:n], x[n]) for sequences in added.values() for x in sequences for n in range(len(x))}
    assert (len(numbers), set(numbers)) == (len(expected), expected)


def test_each_number_is_read_after_its_own_tokens():
    added = continuations(letters, "A:", ["Yes", "No"])
    for row in token_rows(PROMPT, added):
        for wanted in row.wanted:
            assert row.tokens[: row.position(wanted) + 1] == (*PROMPT, *wanted.after)


def test_labels_of_one_token_take_one_row_that_is_the_prompt():
    rows = token_rows((1, 2), {"Yes": {(3,): " Yes", (4,): "Yes"}, "No": {(5,): " No"}})
    assert [row.tokens for row in rows] == [(1, 2)]


def test_a_row_is_as_long_as_what_comes_before_the_last_token():
    rows = token_rows((1, 2), {"Yes": {(3,): " Yes"}, "No": {(5, 6, 7): " No"}})
    assert [row.tokens for row in rows] == [(1, 2, 5, 6)]


def test_a_label_of_which_another_spelling_came_first_has_no_canonical_one():
    added = {"No": {(5,): "No"}}
    assert read_labels({Wanted((), 5): -1.0}, added).canonical == {"No": None}


@pytest.mark.parametrize(("most", "padded"), list(product((1, 3, 100), (True, False))))
def test_every_row_is_in_one_batch_none_too_large(most, padded):
    lengths = [5, 3, 5, 9, 3, 5, 1]
    found = list(batches(lengths, most=most, padded=padded))
    assert sorted(number for batch in found for number in batch) == list(range(len(lengths)))
    assert max(map(len, found)) <= most


def test_rows_that_must_not_be_padded_share_their_length():
    lengths = [5, 3, 5, 9, 3, 5, 1]
    found = [[lengths[number] for number in batch] for batch in batches(lengths, most=100, padded=False)]
    assert found == [[1], [3, 3], [5, 5, 5], [9]]


def test_no_rows_make_no_batch():
    assert list(batches([], most=4, padded=True)) == []
