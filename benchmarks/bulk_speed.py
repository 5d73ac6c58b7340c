"""Scoring in steady state: ours, lm-eval, a bare loop of the same forward passes and a matrix product, by turns.

`python benchmarks/speed.py` prints what comes of it. The first N rows are put in completion style by template 0, after
as many solved examples as asked. The ways are:

- ours: prompts and labels encoded, planned, every batch run, every label of every spelling read;
- a bare loop of the same forward passes: the plan's own arrays, made before, through the model, nothing read. What
  encoding takes is left out of ours where the two are compared, and where the arithmetic is counted;
- lm-eval's `hf` model, which encodes too, with the batch size that was the fastest of those tried on a part. In each
  pair it scores another share of the questions, since all of them would take it hours: its seconds are those of the
  share times the number of pairs, and over all pairs it has scored each question once;
- a product of two 4096 x 4096 matrices of the same dtype.

Each ratio is that of neighbours in time: other work on the machine moves both. Arithmetic done is 2 x parameters
without the embedding x tokens that ran, the head at the positions it was asked for and attention's two products.

    python benchmarks/bulk_speed.py FOLDER --rows N --dtype D [--shots S] (--profile | --bare)

runs the bulk loop under torch's profiler, or the bare loop alone, whose memory `process_speed` measures.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from mwe_tasks.answering import answer, plan
from mwe_tasks.asks import Ask, Given
from mwe_tasks.checkpoints import find_checkpoint
from mwe_tasks.labels import LabelLogprobs
from mwe_tasks.packing import Plan
from mwe_tasks.passes import inputs_of, logits_at, sheet
from mwe_tasks.pretrained import load_pretrained
from mwe_tasks.prompts import render
from mwe_tasks.readers import read_rows
from mwe_tasks.sources import known_datasets
from mwe_tasks.tasks import pick_shots
from mwe_tasks.transformer import Transformer

DATASET = "sycophantic_yesno"
LABELS = ("Yes", "No")
SIDE = 4096
SIZES = (8, 16, 32, 64)


class Steady(NamedTuple):
    """Of each way the seconds, pair by pair, and what the two that score agree on."""

    took: dict[str, Any]
    """"encode", "ours" (without encoding), "bare", "product", "lm-eval" -> (pairs,) seconds."""
    flops: float
    """Floating point operations of the plan."""
    questions: int
    size: int
    """lm-eval's batch size."""
    difference: Any
    """(questions,) |log odds of " Yes" against " No", ours - lm-eval's|, nats."""

    @property
    def rate(self) -> Any:
        """(pairs,) floating point operations a second of the matrix product."""
        return 2 * SIDE**3 / self.took["product"]


def main() -> None:
    """Profiles the bulk loop, or runs the bare one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--shots", type=int, default=0)
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--profile", action="store_true")
    how.add_argument("--bare", action="store_true")
    asked = parser.parse_args()
    model = load(asked.folder, asked.dtype)
    asks = encode(model, prompts_of(asked.rows, asked.shots))
    if asked.bare:
        bare(model, plan(model, asks))()
        return
    answer(model, asks[:50])
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as found:
        answer(model, asks)
    print(found.key_averages().table(sort_by="self_cpu_time_total", row_limit=14, max_name_column_width=56))


def load(folder: Path, dtype: str) -> Transformer:
    """A checkpoint on the CPU."""
    checkpoint = find_checkpoint(str(folder))
    return Transformer(checkpoint, load_pretrained(checkpoint, dtype=dtype, device="cpu"))


def prompts_of(rows: int, shots: int) -> list[str]:
    """The questions of the dataset as they are put in completion style."""
    source = str(known_datasets()[DATASET])
    solved = pick_shots(source, shots, seed=0) if shots else []
    return [
        render(row.question, labels=LABELS, style="completion", template=0, shots=solved)[0].text
        for row in read_rows(source).rows[:rows]
    ]


def encode(model: Transformer, prompts: Sequence[str]) -> list[Ask]:
    """The prompts' tokens, and what the labels add after each."""
    return [Ask(model.encode(prompt), model.continuations(prompt, LABELS)) for prompt in prompts]


def compare(model: Transformer, theirs: Any, prompts: Sequence[str], pairs: int) -> Steady:
    """Times all ways by turns; `theirs` is an `HFLM` of lm-eval."""
    from lm_eval.api.instance import Instance

    asks = encode(model, prompts)
    made = plan(model, asks)

    def requests(numbers: Sequence[int]) -> list[Any]:
        return [
            Instance("loglikelihood", {}, (prompts[number], f" {label}"), number)
            for number in numbers
            for label in LABELS
        ]

    theirs.batch_size_per_gpu = best_size(theirs, requests(range(len(prompts))))
    factor = torch.randn(SIDE, SIDE).to(model.model.dtype)
    ways: dict[str, Callable[[], Any]] = {
        "encode": lambda: encode(model, prompts),
        "ours": lambda: answer(model, asks),
        "bare": bare(model, made),
        "product": lambda: factor @ factor,
    }
    ways["bare"](), ways["product"]()
    took: dict[str, list[float]] = {way: [] for way in (*ways, "lm-eval")}
    given: dict[str, Any] = {}
    scored = np.zeros((len(prompts), len(LABELS)))
    for pair in range(pairs):
        for way, work in ways.items():
            start = time.perf_counter()
            given[way] = work()
            took[way].append(time.perf_counter() - start)
        share = range(pair, len(prompts), pairs)
        asked, start = requests(share), time.perf_counter()
        found = theirs.loglikelihood(asked, disable_tqdm=True)
        took["lm-eval"].append((time.perf_counter() - start) * len(prompts) / len(share))
        scored[share] = np.array([value for value, _ in found]).reshape(-1, len(LABELS))
    difference = np.abs(log_odds(given["ours"]) - (scored[:, 0] - scored[:, 1]))
    seconds = {way: np.array(each) for way, each in took.items()}
    return Steady(seconds, arithmetic(model, made), len(prompts), theirs.batch_size_per_gpu, difference)


def log_odds(given: Sequence[Given]) -> Any:
    """(questions,) log odds of the first label's " Yes" against the second's " No", nats."""
    found = [each.labels for each in given]
    known = [each.canonical for each in found if isinstance(each, LabelLogprobs)]
    return np.array([[each[label] for label in LABELS] for each in known], float) @ (1, -1)


def bare(model: Transformer, made: Plan) -> Callable[[], None]:
    """The same forward passes with nothing around them: what goes in is made before, what comes out is dropped."""
    arrays = [sheet(batch) for batch in made.batches]
    places = [
        sorted({(number, read.at) for number, row in enumerate(batch.rows) for read in row.reads})
        for batch in made.batches
    ]

    def loop() -> None:
        with torch.inference_mode():
            for batch, array, at in zip(made.batches, arrays, places, strict=True):
                logits_at(model.model, at, inputs_of(model, batch, array))

    return loop


def arithmetic(model: Transformer, made: Plan) -> float:
    """Floating point operations of the plan's tokens; those that only pad a row are not counted."""
    config = model.config
    head = model.model.get_output_embeddings().weight.numel()
    body = model.model.num_parameters() - model.model.get_input_embeddings().weight.numel()
    if not config.tie_word_embeddings:
        body -= head
    inner = config.num_attention_heads * (
        getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    )
    total = 0.0
    for batch in made.batches:
        seen = sheet(batch).sees.sum() + len(batch.prefix) * sum(len(row.tokens) for row in batch.rows)
        read = len({(number, read.at) for number, row in enumerate(batch.rows) for read in row.reads})
        total += 2 * body * sum(len(row.tokens) for row in batch.rows) + 2 * head * read
        total += 4 * inner * config.num_hidden_layers * int(seen)
    return total


def best_size(theirs: Any, requests: Sequence[Any]) -> int:
    """The batch size with which a part of the requests, which fills it, takes lm-eval the least time."""
    part = requests[: max(len(requests) // 10, 32)]
    took: dict[int, float] = {}
    for size in (SIZES[0], *SIZES):  # the first one warms up
        if size <= len(part):
            theirs.batch_size_per_gpu = size
            start = time.perf_counter()
            theirs.loglikelihood(part, disable_tqdm=True)
            took[size] = time.perf_counter() - start
    return min(took, key=lambda size: took[size])


if __name__ == "__main__":
    main()
