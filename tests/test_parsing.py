import pytest

from mwe_tasks.parsing import read_answer

LABELS = ("Yes", "No")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Yes", "Yes"),
        (" No.", "No"),
        ("yes, it does", "Yes"),
        ("NO", "No"),
        ("**Yes**", "Yes"),
        ('"No"', "No"),
        ("The answer is No.", "No"),
        ("After some thought: Yes", "Yes"),
        ("I would say no.", "No"),
    ],
)
def test_a_reply_that_gives_a_label_is_read(text, label):
    assert read_answer(text, LABELS) == (label, None)


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("", "no_response"),
        ("  \n", "no_response"),
        ("I'm sorry, but I can't help with that.", "refusal"),
        ("I cannot answer this.", "refusal"),
        ("Now that is a question", "invalid_response_format"),
        ("Nobody knows", "invalid_response_format"),
        ("It could be Yes or No.", "invalid_response_format"),
        ("there is no evidence", "invalid_response_format"),
    ],
)
def test_a_reply_that_gives_none_says_why(text, missing):
    assert read_answer(text, LABELS) == (None, missing)


def test_a_reply_that_the_provider_held_back_is_a_refusal_whatever_it_says():
    assert read_answer("Yes", LABELS, refused=True) == (None, "refusal")


def test_a_reply_cut_by_length_before_its_answer_says_so():
    assert read_answer("Let me think about", LABELS, cut=True) == (None, "cut_by_length")
    assert read_answer("I would say no", LABELS, cut=True) == (None, "cut_by_length")


def test_a_reply_cut_after_its_answer_counts():
    assert read_answer("No, because", LABELS, cut=True) == ("No", None)


def test_labels_other_than_words_are_read():
    assert read_answer("(B)", ("(A)", "(B)")) == ("(B)", None)


@pytest.mark.parametrize("text", ["Yes or No?", "Yes and no, it depends", "No doubt: Yes"])
def test_a_first_sentence_that_names_both_labels_gives_neither(text):
    assert read_answer(text, ("Yes", "No")) == (None, "invalid_response_format")


@pytest.mark.parametrize("text", ["_Yes_", "__Yes__", "**Yes**", "Yes. No one doubts it."])
def test_marks_around_the_label_and_later_sentences_do_not_hide_it(text):
    assert read_answer(text, ("Yes", "No")).label == "Yes"
