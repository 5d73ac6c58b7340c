import pytest
from click.testing import CliRunner

from mwe_tasks.cli.power import power


def run(*options):
    return CliRunner().invoke(power, options)


def test_ten_points_at_four_sizes_need_what_the_formula_says():
    result = run("--sizes", "350m,1.3b,6.7b,175b", "--change", ".10", "--correlation", ".3")
    assert "a change of 0.1 takes 236 facts" in result.output


def test_of_few_sizes_the_family_is_not_spoken_of():
    assert "4 sizes cannot tell a trend of the family" in run("--sizes", "1m,10m,100m,1b", "--facts", "500").output


def test_the_family_of_more_sizes_has_its_own_line():
    assert "the family, noise 0.02: 500 facts show a change of" in run("--family", "pythia", "--facts", "500").output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "Name a --family or give --sizes"),
        (("--family", "pythia"), "Give --facts for the smallest change, or --change"),
        (("--family", "pythia", "--sizes", "1b,2b", "--facts", "9"), "Name a --family or give --sizes"),
        (("--sizes", "1b,1b", "--facts", "9"), "no two of them equal"),
        (("--sizes", "big,1b", "--facts", "9"), "'big' is no size"),
        (("--family", "pythai", "--facts", "9"), "No family is named 'pythai'"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(options, said):
    result = run(*options)
    assert (result.exit_code, said in result.output) == (2, True)
