import pytest
from made_runs import made_family, made_run

from mwe_tasks.errors import MweError
from mwe_tasks.families import Family, find_family
from mwe_tasks.lineup import families_of, line_up

FAMILY = made_family("sizes", (1e8, 1e9, 1e10))


def runs(*, of=FAMILY, **columns):
    return [made_run(member.name, facts=12, **columns) for member in of.members]


def family_with(number, **fields):
    """The family with other values of one member."""
    members = list(FAMILY.members)
    members[number] = members[number].model_copy(update=fields)
    return Family(name="sizes", members=tuple(members))


def test_runs_stand_in_the_order_of_size_whatever_that_of_the_logs():
    (found,) = line_up(list(reversed(runs())), [FAMILY], "params")
    assert [run.size for run in found.runs] == [1e8, 1e9, 1e10]


def test_members_without_a_log_are_named():
    (found,) = line_up(runs()[:2], [FAMILY], "params")
    assert found.absent == ("sizes/3",)


def test_each_dataset_is_a_lineup_of_its_own():
    other = [run.assign(dataset="another") for run in runs()]
    assert [found.dataset for found in line_up([*runs(), *other], [FAMILY], "params")] == ["made_up", "another"]


def test_where_a_size_is_unknown_the_order_of_the_family_is_all_there_is():
    unknown = made_family("sizes", (1e8, None, 1e10))
    (found,) = line_up(list(reversed(runs())), [unknown], "params")
    assert found.ordinal
    assert [run.member.name for run in found.runs] == ["sizes/1", "sizes/2", "sizes/3"]


def test_a_training_checkpoint_is_known_by_its_revision():
    steps = Family(
        name="steps",
        members=tuple(
            FAMILY.members[0].model_copy(update={"revision": f"step{step}", "step": step}) for step in (1, 1000)
        ),
    )
    tables = [made_run("sizes/1", facts=12, revision=f"step{step}") for step in (1000, 1)]
    (found,) = line_up(tables, [steps], "step")
    assert [run.size for run in found.runs] == [1, 1000]


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("checksum", "f" * 64, "dataset version"),
        ("split", "contested", "split"),
        ("estimator", "sampled", "estimator"),
        ("style", "chat", "style"),
        ("template", "1", "template"),
        ("frame", "opinion", "frame"),
        ("shots", 4, "solved examples"),
        ("shot_seed", 1, "order of solved examples"),
        ("prompts", "another", "wording of templates and frames"),
        ("first_label", "True", "labels"),
        ("draws", 20, "draws"),
        ("quantised", True, "quantisation"),
    ],
)
def test_runs_that_differ_in_more_than_size_are_refused(column, value, what):
    tables = runs()
    tables[1] = tables[1].assign(**{column: value})
    with pytest.raises(MweError, match=f"differ in {what}"):
        line_up(tables, [FAMILY], "params")


def test_runs_on_other_questions_are_refused():
    tables = runs()
    tables[2] = tables[2].iloc[:-4]
    with pytest.raises(MweError, match="was asked 24 questions and sizes/3 20, 20 of them in both"):
        line_up(tables, [FAMILY], "params")


def test_questions_that_ended_in_an_error_are_no_other_questions():
    tables = runs()
    tables[2] = tables[2].iloc[:-4].assign(failed=4)
    assert len(line_up(tables, [FAMILY], "params")) == 1


def test_two_models_of_one_size_are_refused():
    with pytest.raises(MweError, match="sizes/1 and sizes/2 have one size on the axis params"):
        line_up(runs(), [family_with(1, params_total=int(1e8), params_active=int(1e8))], "params")


def test_base_and_instruct_are_no_one_curve():
    with pytest.raises(MweError, match="sizes/1 and sizes/2 are a base and an instruct model"):
        line_up(runs(), [family_with(1, role="instruct")], "params")


def test_two_recipes_are_no_one_curve():
    with pytest.raises(MweError, match=r"sizes/1 and sizes/2 are of two recipes \(None; distilled\)"):
        line_up(runs(), [family_with(1, recipe="distilled")], "params")


@pytest.mark.parametrize("name", ["phi", "deepseek-r1-distill"])
def test_a_family_of_the_package_with_several_recipes_is_no_one_curve(name):
    family = find_family(name)
    with pytest.raises(MweError, match="are of two recipes"):
        line_up([made_run(member.name, facts=12) for member in family.members], [family], "params")


def test_dense_and_mixture_of_experts_are_no_one_curve():
    with pytest.raises(MweError, match="a mixture of experts and a dense model"):
        line_up(runs(), [family_with(1, moe=True, params_active=10)], "params")


def test_a_model_scored_twice_is_refused():
    tables = runs()
    with pytest.raises(MweError, match="several logs of sizes/1"):
        line_up([*tables, tables[0]], [FAMILY], "params")


def test_a_model_of_no_family_is_told_what_to_do():
    made = made_run("somebody/else", facts=12)
    with pytest.raises(MweError, match=f"somebody/else is no member of {FAMILY.name}: name its family"):
        line_up([made], [FAMILY], "params")
    with pytest.raises(MweError, match="somebody/else belongs to no family here: name one with --family"):
        line_up([made], [FAMILY, FAMILY], "params")


def test_a_model_of_two_families_needs_one_to_be_named():
    with pytest.raises(MweError, match=r"belongs to several families \(sizes and twin\)"):
        line_up(runs(), [FAMILY, FAMILY.model_copy(update={"name": "twin"})], "params")


def test_families_are_found_by_the_names_of_models():
    found = families_of([made_run("sim/appeal-up-1.9b", facts=12)], [])
    assert [family.name for family in found] == ["sim-appeal-up"]


def test_a_size_of_0_has_no_place_on_the_axis():
    first = FAMILY.members[0].model_copy(update={"revision": "step0", "step": 0})
    steps = Family(name="steps", members=(first, first.model_copy(update={"revision": "step9", "step": 9})))
    tables = [made_run("sizes/1", facts=12, revision=revision) for revision in ("step0", "step9")]
    with pytest.raises(MweError, match="sizes/1@step0 has step 0, which has no place on a logarithmic axis"):
        line_up(tables, [steps], "step")


def test_models_at_several_training_steps_are_no_one_curve():
    with pytest.raises(MweError, match="several training steps and models"):
        line_up(runs(), [family_with(1, step=7)], "params")


@pytest.mark.parametrize(("column", "value"), [("checksum", "f" * 64), ("template", "1"), ("estimator", "sampled")])
def test_two_families_of_one_report_are_asked_the_same(column, value):
    other = made_family("others", (1e8, 1e9, 1e10))
    with pytest.raises(MweError, match="differ in"):
        line_up([*runs(), *runs(of=other, **{column: value})], [FAMILY, other], "params")


def test_two_families_of_one_report_may_be_asked_in_two_styles():
    other = made_family("others", (1e8, 1e9, 1e10))
    assert len(line_up([*runs(), *runs(of=other, style="chat")], [FAMILY, other], "params")) == 2
