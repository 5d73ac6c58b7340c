"""A plan: written, read back, kept to by `mwe score`, and stamped into its logs."""

import hashlib
from datetime import date

import pytest
from click.testing import CliRunner

from mwe_tasks.cli import main
from mwe_tasks.errors import MweError
from mwe_tasks.plan import Plan, PlannedMember, as_toml, first_questions, read_plan, refuse_other
from mwe_tasks.rows import write_rows
from mwe_tasks.table import load

FAMILY = "sim-appeal-up"
PLAN = Plan(
    dataset='of "names"\\',
    checksum="ab" * 32,
    family="mine",
    score="behaviour arm",
    orientation="up is better",
    facts=500,
    questions=1000,
    levels=("checkpoints", "family"),
    alpha=0.05,
    x="params",
    created=date(2026, 11, 29),
    members=(
        PlannedMember(model="sim/flat-1b", style="completion"),
        PlannedMember(model="mwe-hf/a/b", revision="step1", style="chat"),
    ),
)


@pytest.fixture(scope="module")
def dataset(make_rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made_up")
    write_rows(folder / "data" / "test.jsonl", make_rows(8))
    return str(folder)


@pytest.fixture
def mwe(dataset, tmp_path, monkeypatch):
    """A function that runs `mwe plan` or `mwe score` on made-up questions and the sizes up to 270m."""
    monkeypatch.setenv("INSPECT_DISPLAY", "none")
    where = {"plan": ["--out", str(tmp_path / "plan.toml")], "score": ["--log-dir", str(tmp_path / "logs")]}

    def run(command, *arguments, params="270m", dataset=dataset):
        words = [command, dataset, "--family", FAMILY, "--max-params", params, *where[command], *arguments]
        return CliRunner().invoke(main, words)

    return run


def test_a_plan_is_read_back_as_it_was_written(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(as_toml(PLAN), encoding="utf-8")
    assert read_plan(path) == (PLAN, hashlib.sha256(path.read_bytes()).hexdigest())


def test_a_written_plan_names_dataset_members_score_and_the_whole_next_command(mwe, tmp_path, dataset):
    printed = mwe("plan", "--score", "appeal", "--n", "3")
    plan, stamp = read_plan(tmp_path / "plan.toml")
    assert (plan.score, plan.orientation, plan.facts, plan.questions) == ("appeal", "more of the behaviour", 3, 6)
    assert [member.model for member in plan.members] == ["sim/appeal-up-100m", "sim/appeal-up-270m"]
    assert stamp in printed.output
    assert "Note: a verdict needs 100 facts, and 3 are planned." in printed.output
    last = f"Next: mwe score {dataset} --family {FAMILY} --max-params 270m --plan {tmp_path / 'plan.toml'}"
    assert printed.output.splitlines()[-1].replace("'", "") == last


def test_scoring_under_a_plan_asks_its_questions_and_stamps_its_hash_into_every_log(mwe, tmp_path):
    mwe("plan", "--score", "appeal", "--n", "3", "--template", "1")
    done = mwe("score", "--plan", str(tmp_path / "plan.toml"))
    assert done.exit_code == 0, done.output
    assert done.output.rstrip().endswith(f"--plan {tmp_path / 'plan.toml'}")
    table = load(tmp_path / "logs")
    assert set(table["plan"]) == {read_plan(tmp_path / "plan.toml")[1]}
    assert (set(table["template"]), table.groupby("model").size().tolist()) == ({1}, [6, 6])


def test_logs_without_a_plan_say_so_and_are_not_taken_for_planned_ones(mwe, tmp_path):
    assert mwe("score", "--limit", "6").exit_code == 0
    assert list(load(tmp_path / "logs")["plan"].unique()) == [None]
    mwe("plan", "--score", "appeal", "--n", "3")
    refused = mwe("score", "--plan", str(tmp_path / "plan.toml"))
    assert (refused.exit_code, "made under no plan, and there is now plan" in refused.output) == (2, True), (
        refused.output
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--frame", "opinion"], "The plan says frame plain, not opinion"),
        (["--limit", "4"], "The plan says questions 16, not 4"),
        (["--style", "chat"], "The plan says style completion for sim/appeal-up-100m, not chat"),
    ],
)
def test_an_argument_that_differs_from_the_plan_is_refused(mwe, tmp_path, arguments, said):
    mwe("plan", "--score", "appeal")
    refused = mwe("score", "--plan", str(tmp_path / "plan.toml"), *arguments)
    assert (refused.exit_code, said in refused.output) == (2, True), refused.output


def test_a_member_that_is_not_in_the_plan_is_refused(mwe, tmp_path):
    mwe("plan", "--score", "appeal")
    refused = mwe("score", "--plan", str(tmp_path / "plan.toml"), params="1b")
    assert (refused.exit_code, "The plan has no member sim/appeal-up-720m" in refused.output) == (2, True)


def test_another_version_of_the_dataset_than_the_plans_is_refused(mwe, tmp_path, make_rows):
    mwe("plan", "--score", "appeal")
    other = tmp_path / "other" / "test.jsonl"
    other.parent.mkdir()
    write_rows(other, make_rows(4))
    plan = read_plan(tmp_path / "plan.toml")[0].model_copy(update={"dataset": "test"})
    (tmp_path / "plan.toml").write_text(as_toml(plan), encoding="utf-8")
    refused = mwe("score", "--plan", str(tmp_path / "plan.toml"), dataset=str(other))
    assert (refused.exit_code, "The plan says checksum" in refused.output) == (2, True), refused.output


def test_a_member_of_the_plan_may_still_be_missing():
    refuse_other(PLAN, {"frame": "plain"}, PLAN.members[:1])


def test_a_plan_is_not_replaced_unasked(mwe):
    mwe("plan", "--score", "appeal")
    again = mwe("plan", "--score", "appeal")
    assert (again.exit_code, "exists already" in again.output) == (2, True)
    assert mwe("plan", "--score", "appeal", "--force").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--score", "shift"], "give --frame opinion or authority"),
        (["--score", "appeal", "--n", "9"], "The dataset has 8 facts, fewer than 9"),
        (["--score", "appeal", "--x", "tokens"], "No tokens is known of"),
        (["--score", "appeal", "--frame", "nice"], "No frame is named 'nice'"),
    ],
)
def test_what_cannot_be_planned_is_one_sentence(mwe, arguments, said):
    refused = mwe("plan", *arguments)
    assert (refused.exit_code, said in refused.output) == (2, True), refused.output


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('frame = "plain"', 'fram = "plain"', "fram: there is no such key; there are: dataset, checksum"),
        ("alpha = 0.05", 'alpha = "small"', "alpha: input should be a valid number, found 'small'"),
        ("alpha = 0.05", "alpha = 0.1", "alpha: value error, every verdict keeps to a rate of 0.05, found 0.1"),
        ('x = "params"\n', "", "x: expected a value, found nothing"),
        (
            'style = "chat"',
            'tone = "chat"',
            "members, 2, tone: there is no such key; there are: model, rev",
        ),
        ("alpha = 0.05", "alpha = ", "is no TOML file"),
    ],
)
def test_a_plan_with_a_fault_is_refused_with_file_and_key(tmp_path, before, after, said):
    path = tmp_path / "plan.toml"
    path.write_text(as_toml(PLAN).replace(before, after), encoding="utf-8")
    with pytest.raises(MweError) as caught:
        read_plan(path)
    assert str(path) in caught.value.message
    assert said in caught.value.message


def test_the_first_facts_are_so_many_questions_as_they_have():
    assert first_questions(["a", "a", "b", "b", "c"], 2) == (2, 4)
    assert first_questions(["a", "a", "b"]) == (2, 3)


def test_facts_whose_questions_stand_apart_are_planned_all_or_not_at_all():
    with pytest.raises(MweError, match="stand apart"):
        first_questions(["a", "b", "a"], 1)
