"""What a card says of a dataset, section by section: words for its rows, its manifest and its check."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from mwe_tasks.findings import Report
from mwe_tasks.rows import Row
from mwe_tasks.sources import lm_eval_task

SPLITS = ("test", "contested", "shots")
UNITS = ("facts", "candidates", "pairs")
"""What a manifest counts, each under a key of this name."""

RUN = """\
With [Inspect](https://inspect.aisi.org.uk) and mwe-tasks: {scores}, from the next token's
probabilities where the model gives them.

```console
inspect eval mwe_tasks/yesno -T dataset=hf:ORG/NAME@{version} --model openai/gpt-4o-mini
```

{generated}With `datasets`:

```python
datasets.load_dataset("ORG/NAME", revision="{version}", split="test")
```

With lm-evaluation-harness, from a copy of this folder that is called {name}:

```console
mwe export ./{name} --format lm-eval --out tasks
lm_eval --include_path tasks --tasks {task} --model hf --model_args pretrained=EleutherAI/pythia-160m
```"""
GENERATED = """\
`inspect eval hf/ORG/NAME` runs it without mwe-tasks, by `eval.yaml`. What that reports is `answered`: whether the
generated text gives the truth. It has no log odds, and its figures do not go into one table with those above.

"""
FIELDS = {
    "id": "first 16 hex digits of the sha256 of the normalised question",
    "question": "the question",
    "answer_matching_behavior": "the answer of a model that shows the behaviour, with the space that it begins with",
    "answer_not_matching_behavior": "the other answer",
    "truth": "the correct answer",
    "pair_id": "shared by twins; the fact, and not the row, is the unit of n",
    "topic": "what it is about",
    "why": "the sentence that decides the truth",
    "reference": "a source that somebody looked at",
    "label_confidence": "how far blind readings agreed on the truth",
    "source": "the tree and step that it was written in, or who put it here",
}
TAKEN_OVER = {
    "reference": "a source, as the file has it that the rows came from",
    "source": "the words that stood around the question in that file, or who put it here",
}
"""What fields of rows hold that were not written here."""
CONFIDENCE_TAKEN_OVER = "as the file has it that the rows came from; what it measures is not known here"
BUILT = """\
Written by {generators} with the task `mwe_tasks/write_{name}`; `mwe build` made this folder from its logs. What was
picked was picked by: {picked}. {truth}

**No person has audited it.** Readings of one model repeat each other: their agreement is no measure of accuracy."""
PANEL = """\
Truth was settled by an open-book reading: does the sentence in `why` decide the answers, and is it so? Three blind
readings of the bare questions are recorded as agreement in `label_confidence` ({method}); where they do not all give
the truth the fact is in `contested`. The readers: {readers}."""
COMPUTED = """\
The truth of every row is computed from its question, and never taken from a model. Its matching answer is the one that
the generator was asked for{matched}."""
UNKNOWN = "Nothing in this folder records how its questions were written."
QUALITY = """\
As `mwe check` prints it of the split `test`. AUC: how well a classifier that knows no fact tells two kinds of question
apart, cross-validated, a fact's rows in one fold; .5 tells nothing. That of the matching answer has no aim."""


def how_to_run(name: str, version: str, *, alone: bool, with_truth: bool) -> str:
    """The commands; `alone`: the folder has an eval.yaml, by which Inspect runs it by itself."""
    return RUN.format(
        name=name,
        version=version,
        scores=f"{'accuracy, log odds of truth and' if with_truth else 'log odds'} of the matching answer",
        generated=GENERATED if alone else "",
        task=lm_eval_task(name, with_truth=with_truth),
    )


def size_in_words(rows: Sequence[Row]) -> str:
    """How many rows, facts and topics."""
    facts, topics = len({row.fact for row in rows}), len({row.topic for row in rows} - {""})
    asked = f" about {facts:,} facts, {len(rows) - facts:,} of which are asked twice" if facts < len(rows) else ""
    if facts * 2 == len(rows):
        asked = f" about {facts:,} facts, each asked twice, by twins with opposite answers"
    return f"**{len(rows):,} questions**{asked}{f', in {topics} topics' if topics > 1 else ''}."


def what_is_measured(rows: Sequence[Row], *, ours: bool, read: bool) -> str:
    """What the two arms are, what the plain frame measures, and what agreement is not.

    `ours`: the questions were written by mwe-tasks; `read`: so were the readings behind their labels.
    """
    facts = {row.fact: row for row in rows}.values()
    control, behaviour = (sum(row.control is arm for row in facts) for arm in (True, False))
    arms = (
        f"In {behaviour:,} of the facts the matching answer is false (behaviour facts), in {control:,} it is true"
        " (control facts). Only the two together tell a pull towards the matching answer from knowing the truth."
        if control + behaviour
        else "No row has a truth: what is measured is which answer a model leans to, and not whether it is right."
    )
    plain = (
        "No user is in the plain question: it measures the appeal of the matching answer. What a user's opinion, or an"
        " authority, adds is measured with `-T frame=opinion` and `-T frame=authority`."
    )
    agreement = (
        "`label_confidence` is the agreement of one language model with itself, or of several with each other: no human"
        " label, and no accuracy."
    )
    agreed = read and any(row.label_confidence is not None for row in rows)
    return "\n\n".join([arms, *([plain] if ours else []), *([agreement] if agreed else [])])


def what_a_row_is(rows: Sequence[Row], *, ours: bool, read: bool) -> str:
    """The first fact as it stands in the file, and its fields; `ours` and `read` as in `what_is_measured`."""
    told = FIELDS | ({} if ours else TAKEN_OVER) | ({} if read else {"label_confidence": CONFIDENCE_TAKEN_OVER})
    shown = [row.model_dump() for row in rows if row.fact == rows[0].fact]
    lines = [f"| `{field}` | {note}{missing(field, rows, ours=ours)} |" for field, note in told.items()]
    # Inside a fence a question is text and nothing else, whatever HTML it holds; JSON has no line that could end it.
    example = "\n".join(json.dumps(each, ensure_ascii=False, indent=1) for each in shown)
    return "\n".join(["````json", example, "````", "", "| field | |", "|---|---|", *lines])


def missing(field: str, rows: Sequence[Row], *, ours: bool) -> str:
    """How many rows have no value in a field."""
    without = sum(getattr(row, field) in (None, "") for row in rows)
    if without == len(rows):
        return "; empty in every row" + (": nobody looked one up" if ours and field == "reference" else "")
    return f"; empty in {without:,} rows" if without else ""


def how_it_came_to_be(name: str, manifest: Mapping[str, Any]) -> str:
    """Who wrote and read a dataset, as far as its manifest says, and what became of all that was written."""
    if not manifest:
        return UNKNOWN
    if "generators" in manifest:
        readers = code(manifest["readers"])
        matched = f", and that three blind readings found; the readers: {readers}" if readers else "; nobody checked it"
        computed = manifest["label_confidence"] == "computed"
        text = BUILT.format(
            generators=code(manifest["generators"]),
            name=name,
            picked=", ".join(f"{by} ({number})" for by, number in manifest["picked_by"].items()),
            truth=COMPUTED.format(matched=matched)
            if computed
            else PANEL.format(method=manifest["label_confidence"], readers=readers),
        )
    else:
        told = [
            f"{verb} by {manifest[key]}"
            for verb, key in (("Written", "written_by"), ("read", "read_by"))
            if key in manifest
        ]
        text = f"{', '.join(told)}." if told else UNKNOWN
    unit = next((each for each in UNITS if each in manifest), "facts")
    lines = [f"| {cell(label)} | {number:,} |" for label, number in counts(manifest, unit).items()]
    return "\n".join([text, "", f"| {unit} | |", "|---|---|", *lines])


def counts(manifest: Mapping[str, Any], unit: str) -> dict[str, int]:
    """What was asked for, written, kept and rejected, and what was read, in the order of the manifest."""
    told = {key: manifest[key] for key in ("asked for",) if key in manifest}
    for key, value in manifest.get(unit, {}).items():
        if key == "rejected":
            told |= {f"rejected: {reason}": number for reason, number in value.items()}
        else:
            told[f"in `{key}`" if key in SPLITS else key] = value
    told |= manifest.get("readings", {})
    for arm, answers in manifest.get("popular answer", {}).items():
        told |= {f"{arm} facts whose popular answer is {answer}": number for answer, number in answers.items()}
    wrong = manifest.get("known_wrong", {})
    return told | {f"known-wrong, {key}": number for key, number in wrong.items() if wrong.get("mixed in")}


def quality_text(report: Report) -> str:
    """What the figures mean; every figure of a check, its faults and what was skipped."""
    lines = [f"| {cell(each.name)} | {each.text} | {cell(each.notes)} |" for each in report.figures]
    told = [
        f"- {cell(each.text)}{f'; cases: {len(each.cases)}' if each.cases else ''}."
        for found in (report.errors, report.warnings)
        for each in found
    ]
    told += [f"- Skipped: {cell(each.text)}." for each in report.skipped]
    return "\n".join([QUALITY, "", "| figure | value | |", "|---|---|---|", *lines, *([""] if told else []), *told])


def licence_text(name: str, version: str, manifest: Mapping[str, Any], *, ours: bool) -> str:
    """Licence, version, what to cite, and the canary; `ours`: the questions were written by mwe-tasks."""
    known = "Its licence is not known." if name == "unknown" else f"Licence: {name}."
    sums = ", ".join(f"`{split}` {checksum[:16]}" for split, checksum in manifest.get("checksums", {}).items())
    cite = f"Cite {'the repository of mwe-tasks' if ours else 'those who made the data'}, this dataset's version"
    cite += f", and the checksum of the split (sha256, first 16 digits: {sums})." if sums else "."
    return "\n\n".join(filter(None, (f"{known} Version {version}. {cite}", manifest.get("canary", ""))))


def code(names: Sequence[str]) -> str:
    """Names as code, with commas."""
    return ", ".join(f"`{name}`" for name in names)


def cell(text: str) -> str:
    """Text that neither ends a table's cell nor is HTML."""
    return escape(text, quote=False).replace("|", "\\|").replace("\n", " ")
