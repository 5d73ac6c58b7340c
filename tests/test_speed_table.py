"""The table of `make bench`: what counts as met, and what is printed where nothing was measured."""

import pytest
from lines import Line, show


@pytest.mark.parametrize(
    ("line", "met"),
    [
        (Line("a", "b", [0.9, 1.0, 9.0], 1.0), True),
        (Line("a", "b", [0.9, 0.9, 9.0], 1.0), False),
        (Line("a", "b", [1.0, 1.2, 9.0], 1.2, most=True), True),
        (Line("a", "b", [1.0, 1.3, 1.3], 1.2, most=True), False),
        (Line("a", "b", [0.0, 0.0, 2.0], 1.0, most=True, every=True), False),
        (Line("a", "b", [0.0, 0.0, 1.0], 1.0, most=True, every=True), True),
        (Line("a", "b", [], 1.0), None),
        (Line("a", "b", [2.0]), None),
    ],
)
def test_the_median_decides_or_every_value_where_that_is_asked(line, met):
    assert line.met is met


def test_a_line_shows_the_median_with_the_least_and_largest():
    assert "| 1.50 (1.00 to 2.00) | >= 1.40 | met |" in show([Line("a", "b", [1, 2], 1.4)])
    assert "| 2.0e-05 (0.00 to 3.0e-04) | <= 1.0e-04 | MISSED |" in show(
        [Line("a", "b", [0, 2e-5, 3e-4], 1e-4, most=True, every=True)]
    )


def test_what_was_not_measured_is_said_with_the_reason():
    assert show([Line("a", "b", (), 0.9, note="ray is not installed")]).endswith(
        "| a | b |  | >= 0.90 | not measured | ray is not installed |"
    )
