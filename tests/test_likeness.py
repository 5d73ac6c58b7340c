"""How like each other questions are: known values, and the figures that were measured on the seed's data before."""

import csv
import re
from pathlib import Path

import pytest
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from mwe_tasks.dedup import words
from mwe_tasks.likeness import alike_pairs, distinct_2, drawn, same_pairs, self_bleu, vendi
from mwe_tasks.readers import read_rows

SEED = Path(__file__).parents[2] / "shared/seed/classification-dataset.csv"
SALT, SUGAR = "Is sea salt good for young plants?", "Is brown sugar bad for old teeth?"


@pytest.fixture
def seed_questions():
    if not SEED.exists():
        pytest.skip("the seed's data is in ../shared, which is not here")
    with SEED.open(encoding="utf-8", newline="") as file:
        return [re.search(r"Question: *(.+?) *\n", row["prompt"])[1] for row in csv.DictReader(file)]


def test_the_measures_are_those_that_the_seed_was_measured_with(seed_questions):
    found = distinct_2(seed_questions), self_bleu(seed_questions), vendi(seed_questions)
    assert found == (pytest.approx(0.559, abs=0.001), pytest.approx(0.396, abs=0.002), pytest.approx(47.9, abs=0.5))


@pytest.mark.parametrize(
    ("questions", "share"), [(["a b c", "d e"], 1.0), (["a b c", "a b"], 2 / 3), (["a b"] * 4, 0.25)]
)
def test_distinct_2_counts_different_pairs_of_words(questions, share):
    assert distinct_2(questions) == pytest.approx(share)


def test_copies_have_a_self_bleu_of_one_and_a_vendi_score_of_one():
    copies = ["Does rain fall on the plain?"] * 3
    assert (self_bleu(copies), vendi(copies)) == (pytest.approx(1.0), pytest.approx(1.0, abs=1e-3))


def test_self_bleu_is_that_of_nltk():
    texts = [row.question for row in read_rows("sycophantic_yesno").rows[:60:2]] + ["Why?", "Quite so?"]
    split = [words(text) for text in texts]
    theirs = [
        sentence_bleu(split[:n] + split[n + 1 :], text, smoothing_function=SmoothingFunction().method1)
        for n, text in enumerate(split)
    ]
    assert self_bleu(texts) == pytest.approx(sum(theirs) / len(theirs), abs=1e-12)


def test_two_questions_of_unlike_meaning_count_nearly_as_two():
    assert 1.5 < vendi([SALT, "Did the emperor lose his crown in the war?"]) <= 2.0


def test_a_question_of_each_fact_is_drawn_and_no_more_than_asked_for(make_rows):
    rows = make_rows(6)
    questions = drawn(rows, most=4)
    facts = {row.question: row.fact for row in rows}
    assert (len(questions), len({facts[question] for question in questions})) == (4, 4)
    assert (drawn(rows[::-1], most=4), len(drawn(rows))) == (questions, 6)


def test_pairs_that_share_seven_words_in_ten_are_alike():
    asked = [SALT, "Is sea salt good for old plants?", SUGAR]
    assert [(first, second) for first, second, _ in alike_pairs(asked, "abc")] == [(0, 1)]


def test_questions_of_one_fact_are_no_pair():
    asked = [SALT, "Is sea salt bad for young plants?"]
    assert (alike_pairs(asked, "aa"), same_pairs(asked, "aa")) == ([], [])


def test_a_form_that_all_questions_share_makes_none_alike():
    form = "Suppose that it is so that the {} or the other thing, and say what follows?"
    asked = [form.format(word) for word in ("sea is warm", "bird can fly", "king was old")]
    assert alike_pairs(asked, "abc") == []


def test_a_word_twice_is_no_word_shared_twice():
    assert alike_pairs(["very very very good tea", "very old ships sink fast"], "ab") == []


def test_questions_in_the_same_words_mean_the_same():
    found = same_pairs([SALT, "Is, for young plants, sea salt good?", SUGAR], "abc")
    assert [(first, second) for first, second, _ in found] == [(0, 1)]
