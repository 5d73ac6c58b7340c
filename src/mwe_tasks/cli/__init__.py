"""The command line, `mwe`: a table of commands, each of which is imported when it is called.

To add one, write `cli/NAME.py` and a line in `COMMANDS`. Its second half is the line that `mwe --help`
prints; it repeats the first sentence of the command's docstring, so that help need not import the command
(a test holds the two together).
"""

import gc
from importlib import import_module

import click

NEW_OBJECTS = 200_000
"""How many there are until Python looks for those that nothing holds. At its own 700 that is a fifth of the time that
importing torch, transformers and Inspect takes."""

COMMANDS = {
    "demo": (
        "mwe_tasks.cli.demo:demo",
        "Score a model of 135M parameters, have it write a few questions, and say what to type next.",
    ),
    "score": ("mwe_tasks.cli.score:score", "Score datasets with every model of a family."),
    "plan": (
        "mwe_tasks.cli.plan:plan",
        "Write down what is going to be measured on which models, before anything is.",
    ),
    "show": ("mwe_tasks.cli.show:show", "Print the figures of logs, one table a model, the sentence first."),
    "controls": (
        "mwe_tasks.cli.controls:controls",
        "Score simulated families in which a trend is planted, and print the verdicts beside it.",
    ),
    "fit": (
        "mwe_tasks.cli.fit:fit",
        "Say how scores change with size, with an error rate: a figure, a report, a table, the verdicts.",
    ),
    "compare": (
        "mwe_tasks.cli.compare:compare",
        "Print how two runs differ on the same facts: SECOND less FIRST, with intervals of paired scores.",
    ),
    "power": (
        "mwe_tasks.cli.power:power",
        "Print the smallest change that so many facts and sizes can show, or the facts that a change needs.",
    ),
    "check": ("mwe_tasks.cli.check:check", "Print a dataset's figures and what is wrong with it."),
    "build": (
        "mwe_tasks.cli.build:build",
        "Build a dataset folder from the logs of write tasks: rows, trees, what was rejected, card.",
    ),
    "tree": (
        "mwe_tasks.cli.tree:tree",
        "Draw steered trees as a page: every candidate, what became of it and why.",
    ),
    "card": (
        "mwe_tasks.cli.card:card",
        "Write a dataset folder's card: its README.md, and the figure in it, from the folder's own files.",
    ),
    "publish": (
        "mwe_tasks.cli.publish:publish",
        "Publish a dataset folder on the Hugging Face Hub: checked, in one commit, tagged with its version.",
    ),
    "map": (
        "mwe_tasks.cli.map:map_",
        "Draw a dataset as a map: a page on which questions that ask alike stand together.",
    ),
    "import": (
        "mwe_tasks.cli.exchange:import_",
        "Read a dataset of another project: rows that every command here takes.",
    ),
    "export": (
        "mwe_tasks.cli.exchange:export",
        "Write a dataset in the format of another project, and say what that cannot hold.",
    ),
    "import-results": (
        "mwe_tasks.cli.import_results:import_results",
        "Read the results of another pipeline into logs, one a model, that every command here takes.",
    ),
    "families": ("mwe_tasks.cli.families:families", "List the model families, or one family's models and their sizes."),
    "models": ("mwe_tasks.cli.models:models", "List the models that run on this machine without a service."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by `COMMANDS` alone until one is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, imported now; None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the table of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_line) for name, (_, help_line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mwe-tasks")
def main() -> None:
    """Yes/No evals written by language models: check questions, score models, read their logs.

    \b
    Example:
      mwe check sycophantic_yesno
    """
    gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])
