import math

import numpy as np
import pytest

from mwe_tasks.panel import MIN_ITEMS, confidence, dawid_skene, fit, vote_share

LABELS = ("Yes", "No")
OTHER = {"Yes": "No", "No": "Yes"}

# Dawid and Skene (1979), table 1: one word a patient; observer 1's three readings, then observers 2 to 5.
TABLE_1 = """
1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343
1111111 2223212 1211111 1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222
1111111 1111111 2322222 1111111 1111111 1121121 1111111 3333233 1111111 2222222 2223232 4334343
2212232 2323233 3333432 1111111 1111111 1212111 2322222 1211111 2222222
"""

# Table 2: the share of patients of each class, and each observer's error rates (rows: true, columns: said).
TABLE_2_PRIOR = [0.40, 0.42, 0.11, 0.07]
TABLE_2_RATES = [
    [[0.89, 0.11, 0, 0], [0.07, 0.88, 0.05, 0], [0, 0.34, 0.66, 0], [0, 0, 0.56, 0.44]],
    [[0.83, 0.17, 0, 0], [0.05, 0.63, 0.31, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
    [[1, 0, 0, 0], [0.11, 0.79, 0.11, 0], [0, 0.40, 0.20, 0.40], [0, 0, 0.67, 0.33]],
    [[0.94, 0.06, 0, 0], [0.05, 0.84, 0.10, 0], [0, 0, 0.80, 0.20], [0, 0, 0.33, 0.67]],
    [[1, 0, 0, 0], [0.16, 0.73, 0.11, 0], [0, 0.21, 0.79, 0], [0, 0, 0.33, 0.67]],
]

# Table 4: the class of each patient, and the only patients whose probability of it is not 1.00.
TABLE_4 = "142222132243121111222222112111131224233111212"
TABLE_4_UNSURE = {7: 0.98, 35: 0.95, 38: 0.98}


def anaesthetists():
    """The votes of table 1, shape (patients, observers, classes), and their maximum likelihood fit."""
    counts = np.zeros((45, 5, 4))
    for patient, word in enumerate(TABLE_1.split()):
        for observer, said in zip([0, 0, 0, 1, 2, 3, 4], word, strict=True):
            counts[patient, observer, int(said) - 1] += 1
    return fit(counts, smoothing=1e-9)


def simulated(draw, items, **accuracies):
    """True labels of that many items, and the votes of readers who are right that often."""
    truth = {f"q{i:04}": LABELS[draw.integers(2)] for i in range(items)}
    votes = {
        item: {name: label if draw.random() < right else OTHER[label] for name, right in accuracies.items()}
        for item, label in truth.items()
    }
    return truth, votes


def picked(posterior):
    return {item: max(chances, key=chances.get) for item, chances in posterior.items()}


def naive(votes, labels, smoothing, rounds):
    """Equations 2.3 to 2.5 of Dawid and Skene (1979) as they are written, in products and plain loops."""
    readers = {reader for cast in votes.values() for reader in cast}
    chance = {
        item: {j: sum(said == j for said in cast.values()) / len(cast) for j in labels} for item, cast in votes.items()
    }
    for _ in range(rounds):
        rate = {}
        for k in readers:
            for j in labels:
                said = {
                    m: smoothing + sum(chance[i][j] for i, cast in votes.items() if cast.get(k) == m) for m in labels
                }
                for m in labels:
                    rate[k, j, m] = said[m] / sum(said.values())
        prior = {j: sum(chance[i][j] for i in votes) / len(votes) for j in labels}
        for i, cast in votes.items():
            joint = {j: prior[j] * math.prod(rate[k, j, said] for k, said in cast.items()) for j in labels}
            chance[i] = {j: joint[j] / sum(joint.values()) for j in labels}
    return chance


def test_the_shares_of_classes_are_those_of_the_paper():
    assert anaesthetists().prior == pytest.approx(TABLE_2_PRIOR, abs=0.006)


def test_the_error_rates_of_observers_are_those_of_the_paper():
    assert anaesthetists().confusion == pytest.approx(np.array(TABLE_2_RATES), abs=0.006)


def test_the_classes_of_patients_are_those_of_the_paper():
    expected = np.zeros((45, 4))
    for patient, said in enumerate(TABLE_4):
        sure = TABLE_4_UNSURE.get(patient + 1, 1.0)
        expected[patient, int(said) - 1] = sure
        if sure < 1:  # the rest is on class 2, or on class 3 for the one patient of class 2
            expected[patient, 2 if said == "2" else 1] = 1 - sure
    assert anaesthetists().posterior == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize("seed", range(3))
def test_the_posterior_is_that_of_plain_loops_over_the_equations(seed):
    draw = np.random.default_rng(seed)
    labels = ("a", "b", "c")
    votes = {
        f"q{i}": {f"r{k}": labels[draw.choice(3, p=[0.5, 0.3, 0.2])] for k in range(5) if draw.random() < 0.7 or not k}
        for i in range(40)
    }
    found = dawid_skene(votes, labels, smoothing=0.1, tolerance=0, rounds=30).posterior
    expected = naive(votes, labels, 0.1, 30)
    assert found.keys() == expected.keys()
    for item, chances in expected.items():
        assert found[item] == pytest.approx(chances, abs=1e-6)


def test_among_readers_of_unequal_accuracy_the_posterior_is_right_more_often_than_the_majority():
    draw = np.random.default_rng(1)
    truth, votes = simulated(draw, 3000, good=0.9, fair=0.8, poor=0.6)
    by_posterior, by_majority = (
        sum(label == truth[item] for item, label in picked(posterior).items())
        for posterior in (dawid_skene(votes, LABELS).posterior, vote_share(votes, LABELS))
    )
    assert by_posterior > by_majority


def test_a_readers_confusion_matrix_is_near_its_accuracy():
    _, votes = simulated(np.random.default_rng(2), 3000, a=0.9, b=0.8, c=0.7, d=0.6)
    confusion = dawid_skene(votes, LABELS).confusion
    for reader, right in {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.6}.items():
        assert confusion[reader] == pytest.approx(np.array([[right, 1 - right], [1 - right, right]]), abs=0.05)


def test_the_vote_of_a_reader_who_says_the_opposite_raises_the_other_label():
    _, votes = simulated(np.random.default_rng(3), 300, a=0.85, b=0.85, c=0.85, contrary=0.1)
    votes["without"] = {"a": "Yes", "b": "No"}
    votes["with"] = {"a": "Yes", "b": "No", "contrary": "Yes"}
    posterior = dawid_skene(votes, LABELS).posterior
    assert posterior["with"]["No"] > posterior["without"]["No"] + 0.2


def test_a_reader_who_always_says_yes_leaves_the_others_agreement_as_it_was():
    _, votes = simulated(np.random.default_rng(4), 300, a=0.9, b=0.85, c=0.8)
    alone = dawid_skene(votes, LABELS).posterior
    joined = dawid_skene({item: {**cast, "yes": "Yes"} for item, cast in votes.items()}, LABELS).posterior
    agreed = [item for item, cast in votes.items() if len(set(cast.values())) == 1]
    assert [joined[item]["No"] for item in agreed] == pytest.approx([alone[item]["No"] for item in agreed], abs=0.01)


def test_the_order_of_items_and_readers_changes_no_bit():
    _, votes = simulated(np.random.default_rng(5), 100, a=0.9, b=0.8, c=0.6)
    turned = {item: dict(reversed(votes[item].items())) for item in reversed(votes)}
    one, two = dawid_skene(votes, LABELS), dawid_skene(turned, LABELS)
    assert (one.posterior, one.prior) == (two.posterior, two.prior)
    assert all(np.array_equal(one.confusion[reader], two.confusion[reader]) for reader in "abc")


def test_a_label_that_nobody_gave_has_no_probability():
    _, votes = simulated(np.random.default_rng(6), 50, a=0.9, b=0.8, c=0.7)
    panel = dawid_skene(votes, (*LABELS, "Unsure"))
    assert {chances["Unsure"] for chances in panel.posterior.values()} == {0.0}


def test_a_vote_share_is_of_the_votes_cast_on_the_item():
    votes = {"q1": {"a": "Yes", "b": "Yes", "c": "No"}, "q2": {"b": "No"}, "q3": {}}
    assert vote_share(votes, LABELS) == {"q1": {"Yes": 2 / 3, "No": 1 / 3}, "q2": {"Yes": 0.0, "No": 1.0}}


def test_three_readers_with_enough_votes_are_told_apart():
    _, votes = simulated(np.random.default_rng(7), MIN_ITEMS, a=0.9, b=0.8, c=0.7)
    assert confidence(votes, LABELS) == (dawid_skene(votes, LABELS).posterior, "Dawid-Skene")


def test_two_readers_get_the_vote_share():
    _, votes = simulated(np.random.default_rng(8), 100, a=0.9, b=0.8)
    assert confidence(votes, LABELS) == (vote_share(votes, LABELS), "vote share")


def test_a_reader_with_one_vote_too_few_makes_it_the_vote_share():
    _, votes = simulated(np.random.default_rng(9), MIN_ITEMS, a=0.9, b=0.8, c=0.7)
    del votes["q0000"]["c"]
    assert confidence(votes, LABELS) == (vote_share(votes, LABELS), "vote share")


@pytest.mark.parametrize("ask", [dawid_skene, vote_share, confidence])
def test_a_vote_that_is_no_label_is_refused(ask):
    with pytest.raises(ValueError, match="ann voted 'yes' on q1, which is none of 'Yes', 'No'"):
        ask({"q1": {"ann": "yes"}}, LABELS)


@pytest.mark.parametrize("ask", [dawid_skene, vote_share, confidence])
@pytest.mark.parametrize("votes", [{}, {"q1": {}}])
def test_no_votes_at_all_are_refused(ask, votes):
    with pytest.raises(ValueError, match="no votes"):
        ask(votes, LABELS)
