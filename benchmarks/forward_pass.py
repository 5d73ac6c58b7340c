"""Whether gguf/smollm2-135m gives the log odds of an independent forward pass of the same weights.

    python benchmarks/forward_pass.py [--rows N] [--questions FILE]

transformers reads the same GGUF, dequantises it and runs it in fp32; the log odds of " Yes" against " No"
(style completion) and of "Yes" against "No" (style chat) are compared with llama.cpp's, on equal token ids.
Prints n, the correlation, the mean and the largest absolute difference in nats, for both styles. Required
of each: r > .99 and a mean below .1 nats; the exit status is 1 where one is missed.

Needs `pip install torch==2.13.0 transformers gguf accelerate` beside mwe-tasks[local].
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM

from mwe_tasks.llama import Llama, load
from mwe_tasks.prompts import render
from mwe_tasks.readers import read_rows
from mwe_tasks.weights import find_weights, pinned_file

LABELS = ("Yes", "No")
CORRELATION, MEAN = 0.99, 0.1


def main() -> int:
    """Prints the comparison for both styles; 1 where a required number is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=200, help="how many questions, spread over sycophantic_yesno")
    parser.add_argument("--questions", type=Path, help="a text file of one question a line, instead of those")
    options = parser.parse_args()
    questions = _questions(options.questions, options.rows)
    llama, reference = load(find_weights("smollm2-135m")), _reference(pinned_file("smollm2-135m"))
    met = [_compare(llama, reference, questions, style) for style in ("chat", "completion")]
    return 0 if all(met) else 1


def _compare(llama: Llama, reference: Any, questions: Sequence[str], style: Any) -> bool:
    prompts = [_prompt(llama, question, style) for question in questions]
    space = " " if style == "completion" else ""
    ours = np.array([_logodds(llama, prompt, space) for prompt in prompts])
    theirs = np.array([_reference_logodds(llama, reference, prompt, space) for prompt in prompts])
    difference = np.abs(ours - theirs)
    r = float(np.corrcoef(ours, theirs)[0, 1])
    met = r > CORRELATION and float(difference.mean()) < MEAN
    print(
        f"{style}: n {len(prompts)}, r {r:.5f}, mean |difference| {difference.mean():.4f} nats,"
        f" largest {difference.max():.4f}, bias {(ours - theirs).mean():+.4f}, spread of log odds"
        f" {theirs.std():.3f}: {'met' if met else 'MISSED'} (r > {CORRELATION}, mean < {MEAN})"
    )
    return met


def _prompt(llama: Llama, question: str, style: Any) -> str:
    turns = render(question, labels=LABELS, style=style, template=0)
    if style == "completion":
        return turns[0].text
    return llama.render([{"role": turn.role, "content": turn.text} for turn in turns])


def _logodds(llama: Llama, prompt: str, space: str) -> float:
    found = llama.label_logprobs(prompt, LABELS).spellings
    return found[space + LABELS[0]] - found[space + LABELS[1]]


def _reference_logodds(llama: Llama, reference: Any, prompt: str, space: str) -> float:
    ids = llama.encode(prompt)
    first, second = (llama.encode(prompt + space + label)[len(ids) :] for label in LABELS)
    if len(first) != 1 or len(second) != 1:
        raise SystemExit(f"a label is several tokens after {prompt[-20:]!r}")
    with torch.inference_mode():
        logits = reference(torch.tensor([ids])).logits[0, -1]
    return float(logits[first[0]] - logits[second[0]])


def _reference(path: Path) -> Any:
    model = AutoModelForCausalLM.from_pretrained(str(path.parent), gguf_file=path.name, dtype=torch.float32)
    return model.eval()


def _questions(file: Path | None, rows: int) -> list[str]:
    if file is not None:
        return [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()][:rows]
    asked = [row.question for row in read_rows("sycophantic_yesno").rows]
    return asked[:: max(1, len(asked) // rows)][:rows]


if __name__ == "__main__":
    sys.exit(main())
