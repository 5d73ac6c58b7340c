"""What 16 bits do to log odds: the embedded weights in bfloat16 (or float16) against float32, question by question.

    python benchmarks/dtype_log_odds.py [--rows N] [--dtype bfloat16]

Both score the first N rows of the dataset in completion style, template 0, with the same weights, which are written out
in float32. Prints the mean and the largest absolute difference of log odds of the first label (all its spellings)
against the second in nats, the difference's mean with its sign, how many answers change, and the accuracy of both.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from bulk_speed import LABELS, prompts_of
from lm_eval_log_odds import DATASET, write_safetensors

from mwe_tasks.answering import answer
from mwe_tasks.asks import Ask
from mwe_tasks.checkpoints import find_checkpoint
from mwe_tasks.labels import LabelLogprobs
from mwe_tasks.pretrained import DTYPES, load_pretrained
from mwe_tasks.readers import read_rows
from mwe_tasks.sources import known_datasets
from mwe_tasks.transformer import Transformer
from mwe_tasks.weights import pinned_file


def main() -> None:
    """Prints one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000, help="how many questions, from the first on")
    parser.add_argument("--dtype", choices=DTYPES, default="bfloat16")
    parser.add_argument("--folder", type=Path, help="a checkpoint, in place of the embedded weights")
    asked = parser.parse_args()
    with TemporaryDirectory() as made:
        folder = asked.folder or write_safetensors(pinned_file("smollm2-135m"), Path(made, "smollm2-135m"))
        exact, rounded = (log_odds(folder, asked.rows, dtype) for dtype in ("float32", asked.dtype))
    first = np.array([row.truth == LABELS[0] for row in read_rows(str(known_datasets()[DATASET])).rows[: asked.rows]])
    difference = rounded - exact
    print(
        f"{asked.dtype} against float32, {DATASET}, {asked.rows} questions: mean |difference| of log odds "
        f"{np.abs(difference).mean():.4f} nats, largest {np.abs(difference).max():.3f}, mean {difference.mean():+.4f}, "
        f"spread of log odds {exact.std():.3f}; {int(((exact > 0) != (rounded > 0)).sum())} answers change, accuracy "
        f"{((exact > 0) == first).mean():.3f} and {((rounded > 0) == first).mean():.3f}"
    )


def log_odds(folder: Path, rows: int, dtype: str) -> np.ndarray:
    """ln P(Yes) - ln P(No) of each question, nats."""
    checkpoint = find_checkpoint(str(folder))
    model = Transformer(checkpoint, load_pretrained(checkpoint, dtype=dtype, device="cpu"))
    asks = [Ask(model.encode(each), model.continuations(each, LABELS)) for each in prompts_of(rows, 0)]
    found = [given.labels for given in answer(model, asks)]
    known = [each for each in found if isinstance(each, LabelLogprobs)]
    return np.array([each.logprob[LABELS[0]] - each.logprob[LABELS[1]] for each in known])


if __name__ == "__main__":
    main()
