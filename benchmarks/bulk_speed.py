"""How near scoring many prompts with a checkpoint comes to its arithmetic, and how far it is ahead of lm-eval.

    python benchmarks/bulk_speed.py [--rows N] [--pairs N] [--dtype float32|bfloat16] [--shots 0 8] [--text N]

The embedded weights are written out as safetensors. The first N rows of the dataset are put in completion style, by
template 0, after as many solved examples as asked, and scored by turns in one process, `--pairs` times:

- ours: planned, every batch run, every label of every spelling read;
- a bare loop of the same forward passes: the plan's own arrays, made before, through the model, nothing read;
- lm-eval's `hf` model, with the batch size that was the fastest of those tried on a part of the rows;
- a product of two 4096 x 4096 matrices of the same dtype.

Each ratio is that of two neighbours in time, printed as its median and its least and largest: other work on the
machine moves both. Arithmetic done is 2 x parameters without the embedding x tokens that ran, the head at the
positions it was asked for and attention's two products. `--text N` also times texts of N tokens.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval_log_odds import DATASET, write_safetensors

from mwe_tasks.answering import answer, plan
from mwe_tasks.asks import Ask, Draft
from mwe_tasks.checkpoints import find_checkpoint
from mwe_tasks.packing import Plan
from mwe_tasks.passes import inputs_of, logits_at, sheet
from mwe_tasks.pretrained import load_pretrained
from mwe_tasks.prompts import render
from mwe_tasks.readers import read_rows
from mwe_tasks.sources import known_datasets
from mwe_tasks.tasks import pick_shots
from mwe_tasks.transformer import Transformer
from mwe_tasks.weights import pinned_file

LABELS = ("Yes", "No")
SIDE = 4096
SIZES = (8, 16, 32, 64)


def main() -> None:
    """Prints every ratio for each number of solved examples."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000, help="how many questions, from the first on")
    parser.add_argument("--pairs", type=int, default=5, help="how often each is timed")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--shots", type=int, nargs="+", default=[0, 8], help="solved examples before each question")
    parser.add_argument("--text", type=int, default=0, help="time texts of so many tokens too")
    parser.add_argument("--folder", type=Path, help="a checkpoint, in place of the embedded weights")
    asked = parser.parse_args()
    with TemporaryDirectory() as made:
        folder = asked.folder or write_safetensors(pinned_file("smollm2-135m"), Path(made, "smollm2-135m"))
        checkpoint = find_checkpoint(str(folder))
        model = Transformer(checkpoint, load_pretrained(checkpoint, dtype=asked.dtype, device="cpu"))
        theirs = HFLM(pretrained=str(folder), dtype=asked.dtype, device="cpu", batch_size=SIZES[0])
        print(
            f"torch {version('torch')}, transformers {version('transformers')}, lm-eval {version('lm-eval')}, "
            f"{asked.dtype}, {torch.get_num_threads()} threads, {DATASET}, {asked.rows} questions"
        )
        for shots in asked.shots:
            compare(model, theirs, prompts_of(asked.rows, shots), asked.pairs, f"{shots} shots", asked.text)


def prompts_of(rows: int, shots: int) -> list[str]:
    """The questions of the dataset as they are put in completion style."""
    source = str(known_datasets()[DATASET])
    solved = pick_shots(source, shots, seed=0) if shots else []
    return [
        render(row.question, labels=LABELS, style="completion", template=0, shots=solved)[0].text
        for row in read_rows(source).rows[:rows]
    ]


def compare(model: Transformer, theirs: Any, prompts: Sequence[str], pairs: int, name: str, text: int) -> None:
    """Times all of them by turns and prints what comes out."""
    asks = [Ask(model.encode(prompt), model.continuations(prompt, LABELS)) for prompt in prompts]
    made = plan(model, asks)
    done = arithmetic(model, made)
    requests = [
        Instance("loglikelihood", {}, (prompt, f" {label}"), number)
        for number, prompt in enumerate(prompts)
        for label in LABELS
    ]
    theirs.batch_size_per_gpu = best_size(theirs, requests)
    factor = torch.randn(SIDE, SIDE).to(model.model.dtype)
    ways: dict[str, Callable[[], Any]] = {
        "ours": lambda: answer(model, asks),
        "bare": bare(model, made),
        "product": lambda: factor @ factor,
        "lm-eval": lambda: theirs.loglikelihood(requests, disable_tqdm=True),
    }
    if text:
        written = [ask._replace(drafts=(Draft(ask.prompt, text),)) for ask in asks]
        ways["text"] = lambda: answer(model, written)
    took: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(pairs):
        for way, work in ways.items():
            took[way].append(timed(work))
    ours = np.array(took["ours"])
    print(
        f"{name}: {sum(len(row.tokens) for b in made.batches for row in b.rows)} tokens ran of "
        f"{sum(len(ask.prompt) for ask in asks)} in prompts, {len(made.batches)} batches, {done / 1e12:.2f} Tflop"
    )
    show("questions/s", len(asks) / ours)
    show(f"times lm-eval's (batch {theirs.batch_size_per_gpu})", np.array(took["lm-eval"]) / ours)
    show("share of the bare loop's speed", np.array(took["bare"]) / ours)
    rate = 2 * SIDE**3 / np.array(took["product"])
    show("arithmetic done, of the product's", done / ours / rate)
    show("the same of the bare loop", done / np.array(took["bare"]) / rate)
    if text:
        show(f"questions/s with texts of {text} tokens", len(asks) / np.array(took["text"]))


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


def best_size(theirs: Any, requests: Sequence[Instance]) -> int:
    """The batch size with which a part of the requests takes lm-eval the least time, each tried twice."""
    part = requests[: max(len(requests) // 5, 2)]
    took: dict[int, float] = {}
    for size in (*SIZES, *SIZES):
        theirs.batch_size_per_gpu = size
        seconds = timed(lambda: theirs.loglikelihood(part, disable_tqdm=True))
        took[size] = min(seconds, took.get(size, seconds))
    return min(took, key=lambda size: took[size])


def timed(work: Callable[[], Any]) -> float:
    """Seconds that it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def show(what: str, values: Any) -> None:
    """One line: the median, and the least and largest."""
    print(f"  {what}: {statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})", flush=True)


if __name__ == "__main__":
    main()
