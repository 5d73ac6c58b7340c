"""Tasks of lm-evaluation-harness: a folder that `lm_eval --include_path FOLDER --tasks mwe_NAME` runs as it is.

One task scores the truth (mwe_NAME, where every row has one) and one the matching answer (mwe_NAME_matching), with the
prompts of completion style, template 0. The data are our own rows. Only written: such a task is a program.
"""

import json
from pathlib import Path

from mwe_tasks.errors import MweError
from mwe_tasks.fitness import read_manifest
from mwe_tasks.foreign import Format, Rendered
from mwe_tasks.prompts import find_template
from mwe_tasks.readers import Dataset
from mwe_tasks.rows import json_lines
from mwe_tasks.sources import lm_eval_task

TASK = """\
# {summary}
task: {name}
custom_dataset: !function rows.load
test_split: test
output_type: multiple_choice
doc_to_text: {prompt}
doc_to_choice: {labels}
doc_to_target: !function rows.{target}
target_delimiter: " "
num_fewshot: 0
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
metadata:
{version}  checksum: {checksum}
"""

ROWS = '''\
"""Reads the rows beside this file, wherever the folder stands."""

import json
from pathlib import Path

from datasets import Dataset

LABELS = {labels}


def load(**_):
    """The split `test`."""
    lines = Path(__file__).with_name("{file}").read_text(encoding="utf-8").split("\\n")
    return {{"test": Dataset.from_list([json.loads(line) for line in lines if line])}}


def truth(row):
    """Which label is the correct answer."""
    return LABELS.index(row["truth"])


def matching(row):
    """Which label a model that shows the behaviour gives."""
    return LABELS.index(row["answer_matching_behavior"][1:])
'''


def render(data: Dataset) -> Rendered:
    """The tasks, their data and the few lines of Python that read it."""
    labels = json.dumps(data.labels, ensure_ascii=False)
    files = {"rows.jsonl": json_lines(data.rows), "rows.py": ROWS.format(labels=labels, file="rows.jsonl").encode()}
    notes = []
    matching = lm_eval_task(data.name, with_truth=False)
    targets = {matching: ("matching", "The share of answers that match the behaviour.")}
    if all(row.truth is not None for row in data.rows):
        targets[lm_eval_task(data.name)] = ("truth", "The share of correct answers.")
    else:
        notes.append(f"rows without a truth have no correct answer: there is {matching} alone")
    prompt = find_template("completion", 0).format(question="{{question}}", first="", second="")
    version = version_of(data)
    for task, (target, summary) in targets.items():
        text = TASK.format(
            summary=summary,
            name=task,
            prompt=json.dumps(prompt),
            labels=labels,
            target=target,
            version=f"  version: {json.dumps(version)}\n" if version else "",
            checksum=json.dumps(data.checksum),
        )
        files[f"{task}.yaml"] = text.encode()
    notes.append(f"to run it: lm_eval --include_path FOLDER --tasks {','.join(sorted(targets))}")
    return Rendered(files, notes)


def version_of(data: Dataset) -> str | None:
    """The version that the manifest beside these very rows gives them; None where there is none."""
    data_folder = Path(data.where).resolve().parent
    try:
        manifest = read_manifest(data_folder.parent) if data_folder.name == "data" else {}
    except MweError:
        return None
    version = manifest.get("version")
    known = manifest.get("checksums", {}).get(data.split) == data.checksum
    return version if known and isinstance(version, str) else None


FORMAT = Format(None, render, "")
