"""`mwe build`: the dataset that was written in some logs."""

import gc
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from mwe_tasks.errors import MweError


@click.command()
@click.argument("logs", nargs=-1, required=True)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The dataset's folder; where it holds one already, the logs add to it.",
)
@click.pass_context
def build(context: click.Context, logs: tuple[str, ...], out: Path) -> None:
    """Build a dataset folder from the logs of write tasks: rows, trees, what was rejected, card.

    LOGS are files that `inspect eval mwe_tasks/write_...` wrote, or folders of them. The exit code is 1 where
    `mwe check` finds a fault in what was built.

    \b
    Example:
      mwe build logs/writing --out datasets/my_behaviour
    """
    from mwe_tasks.building import build_dataset
    from mwe_tasks.cli.check import print_faults

    gc.disable()  # it takes a fifth of the time to look for cycles among millions of nodes, which have none
    try:
        built, report = build_dataset(logs, out)
    finally:
        gc.enable()
    for split, rows in built.splits.items():
        click.echo(f"{split}: {len(rows)} rows, {len({row.fact for row in rows})} facts")
    for warning in warnings_of(json.loads((out / "manifest.json").read_text(encoding="utf-8"))):
        click.echo(f"Warning: {warning}")
    click.echo(f"rejected: {len(built.rejected)} candidates (rejected.jsonl says why)")
    click.echo(f"Dataset: {out}. To see how it was written: mwe tree {out} --out tree.html")
    if report is None:
        raise MweError("No fact passed, so there is no row: rejected.jsonl says why.")
    if not print_faults(report):
        context.exit(1)


def warnings_of(manifest: Mapping[str, Any]) -> list[str]:
    """What a user should know of how a dataset was written, from its manifest; a sentence each."""
    found = []
    ended = [(why, many) for why, many in manifest["ended"].items() if why != "complete"]
    missing = manifest["asked for"] - manifest["candidates"]["test"]
    if missing > 0:
        told = f" Trees that ended early: {', '.join(f'{why} ({many})' for why, many in ended)}." if ended else ""
        found.append(
            f"{missing} of the {manifest['asked for']} facts asked for are missing.{told} A run that was cut short goes"
            " on when it is started again, with a larger budget where one was spent; else write more with another"
            " -T seed= and build both logs."
        )
    wrong = manifest["known_wrong"]
    if wrong["caught"] < wrong["mixed in"] / 2:
        found.append(
            f"of {wrong['mixed in']} known-wrong facts the open-book reading caught {wrong['caught']}: its judge says"
            " yes to what is not so, and the labels rest on it. Use another."
        )
    if manifest["label_confidence"] == "computed" and not manifest["readers"]:
        found.append(
            "the truths are computed, but nobody has read the matching answers: name judges to have them read."
        )
    faults = sorted(manifest["faults"].items(), key=lambda fault: -fault[1])[:3]
    if faults:
        found.append(f"faults of the models, most first: {', '.join(f'{why} ({many})' for why, many in faults)}.")
    return found
