"""README against the disk and the commands: the tree, every command, every option."""

import inspect
import re
import shlex
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from mwe_tasks.cli import COMMANDS, main
from mwe_tasks.cli.score import score
from mwe_tasks.engines.bulk import read_shard
from mwe_tasks.foreign_tasks import anthropic_mwe, inverse_scaling
from mwe_tasks.generators.sycophantic_yesno import write_sycophantic_yesno
from mwe_tasks.readers import read_rows
from mwe_tasks.sources import known_datasets, split_files
from mwe_tasks.tasks import yesno

PROJECT = Path(__file__).parent.parent
README = (PROJECT / "README.md").read_text(encoding="utf-8")
SCORING = (PROJECT / "docs" / "scoring.md").read_text(encoding="utf-8")
PAGES = README + SCORING
DOCUMENTED = sorted(
    {
        each.strip()
        for each in re.findall(r"(?:mwe|inspect eval|make) [^`\n#|]+", " ".join(re.findall(r"`[^`\n]+`", PAGES)))
    }
)
GENERAL = {"yesno": yesno, "anthropic_mwe": anthropic_mwe, "inverse_scaling": inverse_scaling}


def tree():
    """The names in the README's tree, with the folder they stand in."""
    block = README.split("## The tree")[1].split("```")[1]
    folder = ""
    for line in block.splitlines()[1:]:
        if not line.strip():
            continue
        name = line.split()[0]
        if not line.startswith(" "):
            folder = name if name.startswith("src") else ""
        yield (folder if line.startswith(" ") else "") + name


def test_everything_in_the_tree_is_on_the_disk():
    missing = [name for name in tree() if not ((PROJECT / name).exists() or (PROJECT / f"{name}.py").exists())]
    assert missing == []


def test_every_module_is_in_the_tree():
    modules = {path.stem for path in (PROJECT / "src/mwe_tasks").glob("*.py") if not path.stem.startswith("_")}
    assert modules <= {name.removeprefix("src/mwe_tasks/") for name in tree()}


@pytest.mark.parametrize("command", [each for each in DOCUMENTED if each.startswith("mwe ")])
def test_every_mwe_command_in_the_readme_exists_and_takes_its_options(command):
    words = shlex.split(command)[1:]
    found = main.get_command(None, words[0])
    assert found is not None
    assert {word for word in words if word.startswith("--")} <= {name for each in found.params for name in each.opts}


def test_the_line_for_slurm_runs_a_share_by_the_number_of_its_task():
    words = shlex.split(next(line for line in SCORING.splitlines() if line.startswith("sbatch ")))
    command = shlex.split(words[words.index("--wrap") + 1])
    assert {each for each in command if each.startswith("--")} <= {name for each in score.params for name in each.opts}
    shares = command[command.index("--shard") + 1].replace("$SLURM_ARRAY_TASK_ID", "3")
    assert read_shard(shares).of == int(words[1].rpartition("-")[2])


@pytest.mark.parametrize("command", [each for each in DOCUMENTED if each.startswith("inspect eval mwe_tasks/")])
def test_every_inspect_command_in_the_readme_names_a_task_of_ours_and_its_arguments(command):
    words = shlex.split(command)
    name = words[2].removeprefix("mwe_tasks/")
    module = f"mwe_tasks.generators.{name.removeprefix('write_')}"
    made = GENERAL[name] if name in GENERAL else getattr(import_module(module), name)
    arguments = {after.partition("=")[0] for before, after in pairwise(words) if before == "-T"}
    assert arguments <= set(inspect.signature(made).parameters)
    assert "--model" in words


def test_every_task_argument_in_the_readme_exists_and_each_is_named():
    every = (*GENERAL.values(), write_sycophantic_yesno)
    taken = {name for made in every for name in inspect.signature(made).parameters}
    assert set(re.findall(r"-T (\w+)=", README)) <= taken
    assert all(f"`{name}`" in README for name in taken)


def test_the_output_in_the_readme_is_that_of_the_log_behind_it():
    log = PROJECT / "logs/sycophantic_yesno/smollm2-135m.eval"
    printed = CliRunner().invoke(main, ["show", str(log)]).output.split()
    assert README.split("```text")[1].split("```")[0].split() == printed


def test_the_log_behind_the_readme_is_of_the_dataset_as_it_is():
    log = str(PROJECT / "logs/sycophantic_yesno/smollm2-135m.eval")
    assert CliRunner().invoke(main, ["show", log, "--dataset", "sycophantic_yesno"]).exit_code == 0


def test_the_table_of_lm_eval_has_every_split_of_every_dataset_with_all_its_rows():
    shown = re.findall(r"^\| (\w+) \| (\w+) \| (\d+) \| \3 \| \3 \| \3 \|", README, re.M)
    splits = [(name, split) for name, folder in known_datasets().items() for split in split_files(folder)]
    assert shown == [(name, split, str(len(read_rows(name, split).rows))) for name, split in splits]


def test_every_make_target_in_the_readme_exists():
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert set(re.findall(r"make ([a-z-]+)", README)) <= targets


def test_every_command_has_an_example_in_its_help():
    for name in COMMANDS:
        assert f"mwe {name}" in main.get_command(None, name).help


def test_every_option_of_every_command_says_what_it_does():
    commands = {name: main.get_command(None, name) for name in COMMANDS}
    options = [
        (name, each) for name, command in commands.items() for each in command.params if each.opts[0] != each.name
    ]
    assert [f"{name} {each.name}" for name, each in options if not getattr(each, "help", None)] == []
