import pytest

from mwe_tasks.controls import CONTROLS, Row, run_controls
from mwe_tasks.families import find_family


def test_every_control_is_a_family_of_simulated_models():
    for control in CONTROLS:
        assert all(member.model.startswith("sim/") for member in find_family(control.family).members)


@pytest.mark.parametrize(
    ("expected", "called", "right"),
    [
        ("standard", "standard", True),
        ("standard", "inconclusive", False),
        ("U", "standard", False),
        (None, "flat", True),
        (None, "depends on the score", True),
        (None, "standard", False),
        (None, "inverted-U", False),
    ],
)
def test_right_is_what_was_planted_and_no_claim_beside_it(expected, called, right):
    assert Row(CONTROLS[0], "appeal", expected, called).right is right


def test_a_planted_rise_goes_through_scores_logs_and_fit(tmp_path):
    rows = run_controls(tmp_path, questions=200, controls=CONTROLS[:1])
    assert [(row.score, row.right) for row in rows] == [("appeal", True), ("knowledge", True)]
    assert rows[0].called == "standard"
