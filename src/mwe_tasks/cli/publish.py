"""`mwe publish`: a dataset folder to the Hugging Face Hub."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mwe_tasks.publish import Plan


@click.command()
@click.argument("dataset")
@click.option("--to", "repository", required=True, metavar="ORG/NAME", help="The dataset's name on the Hub.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and send nothing.")
@click.option("--private", is_flag=True, help="Make a new dataset private.")
@click.option("--replace", is_flag=True, help="Take the place of another dataset of that name.")
def publish(dataset: str, repository: str, dry_run: bool, private: bool, replace: bool) -> None:
    """Publish a dataset folder on the Hugging Face Hub: checked, in one commit, tagged with its version.

    DATASET is a name in datasets/ or a dataset folder; everything in it is uploaded except hidden files. The
    login is the Hub's own (`hf auth login`), and the version stands in manifest.json. What has not changed is
    not sent again, and a command that failed goes on when it is given again.

    \b
    Examples:
      mwe publish sycophantic_yesno --to ORG/NAME --dry-run
      mwe publish datasets/my_behaviour --to ORG/NAME --private
    """
    from huggingface_hub import HfApi

    from mwe_tasks.publish import carry_out, check_plan, plan

    api = HfApi(library_name="mwe-tasks")
    planned = plan(dataset, repository, private=private, replace=replace, api=api)
    print_plan(planned)
    check_plan(planned)
    if dry_run:
        click.echo(f"{as_files(len(planned.changed))} would change. Nothing was sent: this was a dry run.")
        return
    revision = carry_out(planned, api)
    if not planned.changed:
        click.echo("Nothing has changed: no commit." + ("" if planned.tag else " The tag was missing and is set."))
    click.echo(f"Revision {revision}, tag {planned.version}.")
    click.echo(f"To score it: inspect eval mwe_tasks/yesno -T dataset=hf:{repository}@{planned.version} --model MODEL")


def print_plan(planned: "Plan") -> None:
    """Prints what goes where, each change, and in a line each what stays and what is never uploaded."""
    from mwe_tasks.errors import printable

    seen = "private" if planned.private else "public, unless its organisation keeps new ones private"
    there = f"new to this login; {seen}" if planned.head is None else f"now at revision {planned.head}"
    click.echo(f"{planned.folder} {planned.version} to {planned.repository} ({there})")
    for change in planned.changed:
        size, before = as_size(change.size), "" if change.before is None else as_size(change.before)
        was = f" (was {before})" if change.kind == "changed" and before != size else ""
        click.echo(f"  {change.kind:<9}  {size:>9}  {printable(change.name)}{was}")
    if same := [change.size for change in planned.changes if change.kind == "unchanged"]:
        click.echo(f"  unchanged  {as_size(sum(same)):>9}  {as_files(len(same))}")
    if planned.left_out:
        click.echo(f"Never uploaded: {', '.join(planned.left_out)}.")


def as_files(count: int) -> str:
    """A number of files."""
    return "1 file" if count == 1 else f"{count} files"


def as_size(count: int) -> str:
    """A number of bytes in B, kB or MB."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:,.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:,.1f} MB"
