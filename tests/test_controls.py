import pytest

from mwe_tasks.controls import CONTROLS, Called, run_controls
from mwe_tasks.families import find_family


def test_every_control_is_a_family_of_simulated_models():
    for control in CONTROLS:
        assert all(member.model.startswith("sim/") for member in find_family(control.family).members)


@pytest.mark.parametrize(
    ("control", "appeal", "knowledge", "right"),
    [
        ("sim-appeal-up", "standard", "depends on the score", True),
        ("sim-appeal-up", "standard", "standard", False),
        ("sim-appeal-up", "inconclusive", "flat", False),
        ("sim-appeal-u", "standard", "flat", False),
        ("sim-flat", "flat", "inconclusive", True),
        ("sim-flat", "flat", "inverted-U", False),
    ],
)
def test_right_is_what_was_planted_and_no_claim_beside_it(control, appeal, knowledge, right):
    (planted,) = [each for each in CONTROLS if each.family == control]
    assert Called(planted, appeal, knowledge).right is right


def test_a_planted_rise_goes_through_scores_logs_and_fit(tmp_path):
    (found,) = run_controls(tmp_path, questions=200, controls=CONTROLS[:1])
    assert (found.appeal, found.right) == ("standard", True)
