"""Whether lm-eval and mwe-hf give the same log odds of " Yes" against " No" on the same weights, question by question.

    python benchmarks/lm_eval_log_odds.py [--rows N]

The embedded weights are written out as safetensors in float32. `mwe export --format lm-eval` exports the dataset, the
command line of lm-eval scores its first N rows with its `hf` model and logs every request; `inspect eval
mwe_tasks/yesno` scores the same rows with `mwe-hf` in completion style with template 0, and its log holds `canonical`.
Prints n, the mean and the largest absolute difference in nats; the exit status is 1 where one is 1e-4 or more.
"""

import argparse
import json
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from inspect_ai.log import read_eval_log
from lm_eval_agreement import MWE, run
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from mwe_tasks.rows import Row
from mwe_tasks.sources import known_datasets
from mwe_tasks.weights import pinned_file

DATASET = "sycophantic_yesno"
CLOSE = 1e-4


def main() -> int:
    """Prints the comparison; 1 where the two differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=200, help="how many questions, from the first on")
    rows = parser.parse_args().rows
    with TemporaryDirectory() as made:
        folder = write_safetensors(pinned_file("smollm2-135m"), Path(made, "smollm2-135m"))
        theirs = lm_eval_log_odds(folder, rows, made)
        ours = our_log_odds(folder, rows, Path(made, "logs"))
    if ours.keys() != theirs.keys() or len(ours) != rows:
        print(f"Different questions: {len(ours)} here, {len(theirs)} by lm-eval, {len(ours.keys() & theirs)} shared.")
        return 1
    difference = np.abs([ours[each] - theirs[each] for each in ours])
    met = bool((difference < CLOSE).all())
    print(
        f"log odds of ' Yes' against ' No', mwe-hf and lm-eval {version('lm-eval')}, {DATASET}, float32: n {rows}, mean"
        f" |difference| {difference.mean():.1e} nats, largest {difference.max():.1e}, spread of log odds"
        f" {np.std(list(theirs.values())):.3f}: {'met' if met else 'MISSED'} (below {CLOSE})"
    )
    return 0 if met else 1


def write_safetensors(file: Path, folder: Path) -> Path:
    """The weights and tokenizer of a GGUF file as a checkpoint of transformers, in float32; gives back the folder."""
    read = AutoModelForCausalLM.from_pretrained(str(file.parent), gguf_file=file.name, dtype=torch.float32)
    config = AutoConfig.for_model(**{k: v for k, v in read.config.to_dict().items() if k != "quantization_config"})
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(read.state_dict())
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name).save_pretrained(folder)
    return folder


def lm_eval_log_odds(folder: Path, rows: int, made: str) -> dict[str, float]:
    """The log odds of the first label's request against the second's, by the row's id, of lm-eval's samples."""
    tasks, out = Path(made, "tasks"), Path(made, "out")
    run(*MWE, "export", DATASET, "--format", "lm-eval", "--out", str(tasks), cwd=made)
    run(
        *("-m", "lm_eval", "--include_path", str(tasks), "--tasks", f"mwe_{DATASET}", "--limit", str(rows)),
        *(
            "--model",
            "hf",
            "--model_args",
            f"pretrained={folder},dtype=float32",
            "--device",
            "cpu",
            "--batch_size",
            "8",
        ),
        *("--log_samples", "--output_path", str(out)),
        cwd=made,
        timeout=3600,
    )
    (path,) = out.rglob(f"samples_mwe_{DATASET}_[0-9]*.jsonl")
    found = {}
    for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
        sample = json.loads(line)
        choices = [each["arg_1"] for each in sample["arguments"].values()]
        logprobs = dict(zip(choices, (float(each[0][0]) for each in sample["resps"]), strict=True))
        found[sample["doc"]["id"]] = logprobs[" Yes"] - logprobs[" No"]
    return found


def our_log_odds(folder: Path, rows: int, logs: Path) -> dict[str, float]:
    """`canonical` of the log of a run with mwe-hf, by the row's id."""
    arguments = (f"dataset={known_datasets()[DATASET]}", "style=completion", "template=0")
    run(
        *("-m", "inspect_ai", "eval", "mwe_tasks/yesno", *(word for each in arguments for word in ("-T", each))),
        *("--model", f"mwe-hf/{folder}", "-M", "dtype=float32", "-M", "device=cpu", "--limit", str(rows)),
        *("--max-tokens", "1", "--display", "none", "--log-dir", str(logs)),
        cwd=folder,
        timeout=3600,
    )
    (path,) = logs.glob("*.eval")
    samples = read_eval_log(str(path)).samples or []
    ids = [Row.model_validate(sample.metadata["row"]).id for sample in samples]
    return dict(zip(ids, (sample.store["readings"]["plain"]["canonical"] for sample in samples), strict=True))


if __name__ == "__main__":
    sys.exit(main())
