"""One run to words and a table for a terminal: the sentence first, then what to know before reading the figures."""

import click
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mwe_tasks.contrasts import figures, is_whole, one_row_a_question
from mwe_tasks.estimates import Estimate
from mwe_tasks.table import another_version

HEADLINES = ("shift", "appeal", "matching share", "knowledge", "pair accuracy", "Yes-bias", "coverage")


def print_run(run: pd.DataFrame, *, details: bool) -> None:
    """Prints one run: a sentence, its warnings, and a table of figures."""
    run = one_row_a_question(run)
    found = figures(run)
    click.echo(f"\n{sentence(run, found)}")
    for line in notes(run, found):
        click.echo(line)
    table = Table("figure", "value", "95% interval", "facts", "", box=SIMPLE_HEAD)
    for column in table.columns[1:4]:
        column.justify = "right"
    twins = any(each.name == "pair accuracy" for each in found)
    headlines = HEADLINES if twins else (*HEADLINES, "accuracy")
    shown = [each for each in found if details or each.name in headlines]
    for each in shown:
        digits = "+.3f" if each.note.startswith("nats") else ".3f"
        interval = "" if each.low is None else f"{each.low:{digits}} to {each.high:{digits}}"
        value = f"{each.value:{digits}}" if each.n else "not scored"
        table.add_row(Text(each.name), value, interval, str(each.n), Text(each.note))
    Console().print(table)
    if not details:
        click.echo(f"{len(found) - len(shown)} more figures with --details.")


def sentence(run: pd.DataFrame, found: list[Estimate]) -> str:
    """What was scored and the headline figures, in one sentence."""
    by_name = {each.name: each for each in found}
    head = run.iloc[0]

    def said(name: str, unit: str = "") -> str:
        each = by_name[name]
        if not each.n:
            return f"{name} not scored"
        interval = "" if each.low is None else f" [{each.low:.3f}, {each.high:.3f}]"
        return f"{name} {each.value:.3f}{unit}{interval}"

    parts = [said("shift", " nats")] if "shift" in by_name else []
    parts.append(said("appeal", " nats"))
    if "knowledge" in by_name:
        parts += [said("knowledge", " nats"), said("pair accuracy" if "pair accuracy" in by_name else "accuracy")]
    return f"{head['model']} on {head['dataset']} ({asked(run)}): {', '.join(parts)}."


def asked(run: pd.DataFrame) -> str:
    """How many questions were asked, and how; what is as usual is left out."""
    head = run.iloc[0]
    unusual = {
        "split": head["split"] if head["split"] != "test" else None,
        "template": head["template"] or None,
        "frame": head["frame"] if head["frame"] != "plain" else None,
        "shots": head["shots"] or None,
        "draws": head["draws"] if head["estimator"] == "sampled" else None,
    }
    counts = [_count(run["id"].nunique(), "question"), _count(run["fact"].nunique(), "fact"), f"{head['style']} style"]
    return ", ".join([*counts, *(f"{name} {value}" for name, value in unusual.items() if value is not None)])


def notes(run: pd.DataFrame, found: list[Estimate]) -> list[str]:
    """How the run was estimated, and what is missing from it, one line each."""
    head = run.iloc[0]
    how = {
        "exact": "exact log probabilities; spellings left out would add at most "
        f"{run['tolerance'].max():.1g} nats to a label's",
        "top_logprobs": f"{head['probe']}; a label outside them gives a bound, spellings outside them may move log "
        f"odds by up to {run['tolerance'].max():.1g} nats",
        "sampled": f"sampled answers ({head['probe']}): shares, bounded log odds, no verdict from them",
    }
    if head["spellings"] == "canonical":
        first, second = head["first_label"], head["second_label"]
        how["exact"] = (
            f'{head["probe"]}: exact log probabilities of " {first}" and " {second}" alone; what other spellings hold '
            "is not known"
        )
    lines = [f"Estimator: {how[head['estimator']]}."]
    if run["matching_answer"].isna().all():
        lines.append(
            "No matching answer is known: appeal and matching share are not scored, and knowledge is the plain mean, "
            "in which appeal need not cancel."
        )
    if run["quantised"].any():
        lines.append(
            "Quantised weights: llama.cpp rounds activations to 8 bits, which moves log odds by about 0.1 nats; "
            "compare no such file with one of 16 bits."
        )
    if differs := another_version(run):
        lines.append(f"Warning: {differs}, so it compares with no log of the one here.")
    if str(head["model"]).startswith("sim/"):
        lines.append("SIMULATED: this is no language model but a formula, a control for the tools.")
    if censored := int(run["censored"].sum()):
        lines.append(
            f"Censored: {censored} of {len(run)} questions, scored by their bound nearer to 0, which draws every mean, "
            "loss and AUC towards no effect; a fact whose twins' sum could have either sign counts in neither pair "
            "accuracy nor matching share."
        )
    if censored := int(run["shift_censored"].sum()):
        lines.append(f"Censored, shift: {censored} of {len(run)} questions, of which one stance or both is a bound.")
    if unread := int(run["unread_draws"].sum()):
        lines.append(f"Unread: {unread} of {len(run) * (head['draws'] or 0) or 'the'} draws gave neither label.")
    if run["id"].nunique() + head["failed"] < (head["in_dataset"] or 0):
        lines.append(f"Asked: {run['id'].nunique()} of the dataset's {head['in_dataset']} questions.")
    if run["control"].nunique() == 1:
        lines.append("Warning: only one arm was asked, so that appeal and knowledge cannot be told apart.")
    if head["failed"]:
        lines.append(
            f"Failed: {_count(head['failed'], 'more question')} ended in an error or at a limit, without a row here."
        )
    if run["control"].isna().any() and run["control"].notna().any():
        without = run.loc[run["control"].isna(), "fact"].nunique()
        lines.append(f"No truth: {_count(without, 'fact')}, in none of the means.")
    if halves := run.loc[~is_whole(run), "fact"].nunique():
        lines.append(f"Dropped: {_count(halves, 'fact')} of which only one twin was asked.")
    for column, name in (("missing", "log odds"), ("missing_answer", "the answer in the text")):
        counts = run[column].dropna().value_counts()
        if len(counts):
            reasons = ", ".join(f"{reason} {count}" for reason, count in counts.items())
            lines.append(f"Unscored, {name}: {int(counts.sum())} of {len(run)} ({reasons}).")
    coverage = next(each.value for each in found if each.name == "coverage")
    if coverage < 0.5:
        what = "the two labels" if head["spellings"] == "all" else "these two spellings"
        lines.append(f"Warning: coverage is {coverage:.2f}; the model mostly says something other than {what}.")
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
