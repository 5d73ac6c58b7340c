"""The family files against the table that they were made from, and the rules a user's own file keeps."""

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner
from inspect_ai.model import get_model

from mwe_tasks.cli import main
from mwe_tasks.errors import MweError, UnknownName
from mwe_tasks.families import SIZES, Member, find_family, known_families, size, sizes
from mwe_tasks.providers.sim import TRUTHS

TABLE = Path(__file__).parent.parent.parent / "shared" / "families.csv"
COLUMNS = {
    "params_total": "params_total",
    "params_active": "params_active",
    "params_non_embedding": "params_nonembedding",
    "training_tokens": "training_tokens",
}
WANTED = [
    "pythia",
    "opt",
    "gpt2",
    "cerebras-gpt",
    "qwen2.5",
    "qwen2.5-instruct",
    "qwen3",
    "llama2",
    "llama3.1",
    "llama3.2",
    "gemma2",
    "gemma3",
    "smollm2",
    "olmo2",
    "bloom",
    "falcon",
    "gpt3-api",
]
FULL = """
name = "mine"
[[members]]
model = "mwe-hf/me/small"
role = "base"
style = "completion"
params_total = 1_000
params_active = 1_000
training_tokens = 20_000
source = "counted"
[[members]]
model = "mwe-hf/me/large"
role = "base"
style = "completion"
"""


def write(folder, text):
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def member():
    values = {"params_total": 100, "params_active": 10, "training_tokens": 7, "moe": True, "source": "made up"}
    return Member(model="openai/x", role="base", style="chat", **values)


@pytest.mark.parametrize("name", known_families())
def test_every_family_of_the_package_is_read_and_named_after_its_file(name):
    assert find_family(name).name == name


def test_the_families_that_people_ask_for_are_there():
    assert set(WANTED) <= set(known_families())


@pytest.mark.skipif(not TABLE.is_file(), reason="needs ../shared/families.csv, which is no part of the repository")
def test_every_number_of_the_table_is_in_the_families_exactly():
    with TABLE.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    families = {name: find_family(name).members for name in {row["family"] for row in table}}
    found = {(name, member.model.rpartition("/")[2]): member for name in families for member in families[name]}
    assert len(found) == len(table)
    for row in table:
        member = found[row["family"], row["inspect_model"].replace(" ", "/").rpartition("/")[2]]
        numbers = {key: getattr(member, key) for key in COLUMNS.values()}
        assert numbers == {key: int(row[column]) if row[column] else None for column, key in COLUMNS.items()}
        assert (member.role, member.model.startswith("mwe-hf/")) == (
            row["role"],
            row["inspect_model"].startswith("hf/"),
        )
        assert (member.pair or "").rpartition("/")[2] == row["pair"].rpartition("/")[2]
        assert row["source"] in (member.source or "") or row["source"] == "as base"


def test_every_recalled_count_is_flagged_as_an_estimate():
    members = [member for name in known_families() for member in find_family(name).members]
    assert all(member.estimated for member in members if "recalled" in (member.source or ""))


def test_pairs_within_the_package_point_at_each_other():
    members = {member.model: member for name in known_families() for member in find_family(name).members}
    distilled = {member.model for member in find_family("deepseek-r1-distill").members}
    both = [(one, members[one.pair]) for one in members.values() if one.pair in members and one.model not in distilled]
    assert both
    assert all(two.pair == one.model and two.role != one.role for one, two in both)


def test_members_stand_in_the_order_of_their_sizes():
    for name in set(known_families()) - {"phi3", "deepseek-r1-distill"}:
        found = [member.params_total or 0 for member in find_family(name).members]
        assert found == sorted(found)


@pytest.mark.parametrize("truth", TRUTHS)
def test_every_simulated_truth_is_a_family_of_eight_sizes_that_the_provider_takes(truth):
    members = find_family(f"sim-{truth}").members
    assert len(members) == 8
    assert all(get_model(member.model).api.parameters == member.params_total for member in members)


def test_the_tokens_of_a_training_checkpoint_are_those_of_its_steps():
    members = find_family("pythia-410m-steps").members
    assert {member.training_tokens / member.step for member in members} == {2_097_152}
    whole = next(each for each in find_family("pythia").members if each.model == members[-1].model)
    assert members[-1].training_tokens == whole.training_tokens


def test_a_file_of_ones_own_is_a_family(tmp_path):
    assert [member.name for member in find_family(write(tmp_path, FULL)).members] == [
        "mwe-hf/me/small",
        "mwe-hf/me/large",
    ]


def test_two_revisions_of_one_model_are_two_members(tmp_path):
    text = FULL.replace("me/large", "me/small") + 'revision = "step1"\n'
    assert find_family(write(tmp_path, text)).members[1].name == "mwe-hf/me/small@step1"


FAULTS = {
    "an unknown key": ("params_total", "parameters", "mwe-hf/me/small, parameters: there is no such key"),
    "a size as text": ("= 1_000\nparams_a", '= "1B"\nparams_a', "params_total: expected a whole number, found '1B'"),
    "a negative size": ("= 20_000", "= -5", "training_tokens: expected 0 or a number above it, found -5"),
    "no parameters at all": ("= 1_000\nparams_a", "= 0\nparams_a", "params_total: expected a number above 0, found 0"),
    "two of one name": ("me/large", "me/small", "mwe-hf/me/small stands in it more than once"),
    "another role": ('"base"', '"chat"', "role: expected 'base' or 'instruct', found 'chat'"),
    "no model": ('model = "mwe-hf/me/small"\n', "", "member 1, model: expected a value, found nothing"),
    "no source": ('source = "counted"\n', "", "source: expected where its numbers are from"),
    "an estimate without a reason": ('"counted"', '"counted"\nestimated = true', "reason: expected"),
    "a mixture of experts unsaid": ("active = 1_000", "active = 10", "moe: expected true"),
    "more active than there are": ("active = 1_000", "active = 2_000", "params_active: expected no more than"),
    "no name": ('name = "mine"', "", "name: expected a value, found nothing"),
    "members of another kind": (FULL[FULL.index("[[") :], "members = [1]", "member 1: expected [[members]], found 1"),
    "an unknown key in each": ('style = "completion"', 'style = "completion"\ntone = 1', "tone: there is no such key"),
    "no members": (FULL[FULL.index("[[") :], "", "members: expected a value, found nothing"),
    "no TOML": ("[[members]]", "[[members", "is no TOML file"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_names_file_member_and_key(fault, tmp_path):
    before, after, said = FAULTS[fault]
    path = write(tmp_path, FULL.replace(before, after))
    with pytest.raises(MweError) as raised:
        find_family(str(path))
    assert str(path) in raised.value.message
    assert said in raised.value.message
    assert "at least one" not in raised.value.message


def test_a_name_that_is_none_lists_the_known_ones():
    with pytest.raises(UnknownName, match="pythia"):
        find_family("pythai")


@pytest.mark.parametrize("path", ["nowhere.toml", "."])
def test_a_file_that_cannot_be_read_is_one_sentence(path, tmp_path):
    with pytest.raises(MweError, match="cannot be read"):
        find_family(tmp_path / path)


def test_sizes_are_read_off_a_member(member):
    assert {x: size(member, x) for x in SIZES} == {
        "params": 100,
        "nonembedding": None,
        "compute": 6 * 10 * 7,
        "tokens": 7,
        "step": None,
    }


def test_a_size_that_is_none_lists_those_there_are(member):
    with pytest.raises(UnknownName, match="params, nonembedding"):
        size(member, "flops")


def test_a_member_without_the_size_asked_for_is_named(tmp_path):
    family = find_family(write(tmp_path, FULL))
    with pytest.raises(MweError, match=r"No compute is known of mwe-hf/me/large:"):
        sizes(family.members, "compute")


def test_the_command_lists_every_family():
    lines = CliRunner().invoke(main, ["families"]).output.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(known_families())


def test_the_range_of_sizes_is_shown():
    assert "14.1M to 11.8B" in CliRunner().invoke(main, ["families"]).output


@pytest.mark.parametrize(("name", "flag"), [("gpt3-api", "replay only"), ("qwen3-moe", "MoE"), ("llama2", "estimated")])
def test_a_member_is_shown_with_its_flags(name, flag):
    assert flag in CliRunner().invoke(main, ["families", name]).output


def test_a_file_of_ones_own_is_shown(tmp_path):
    output = CliRunner().invoke(main, ["families", str(write(tmp_path, FULL))]).output
    assert "mwe-hf/me/large  base  completion  unknown" in output


def test_an_unknown_family_is_one_sentence_and_exit_2():
    result = CliRunner().invoke(main, ["families", "pythai"])
    assert (result.exit_code, "No family is named 'pythai'" in result.output) == (2, True)
