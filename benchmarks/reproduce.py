"""Scores families on three datasets and writes the report: for a machine with a GPU and the Hub, `make reproduce`.

The datasets: sycophantic_yesno, a persona set of Anthropic's model-written evals, and NeQA of the Inverse Scaling
Prize, the last two from the Hub unless files are given. Not run on the real checkpoints yet: what has been run is this
very code on tiny random checkpoints (tests/test_mwe_hf_reproduce.py). Stopped, it goes on.
"""

import argparse
import csv
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

MWE = Path(sys.executable).parent / "mwe"
PERSONA = ("Anthropic/model-written-evals", "persona/agreeableness.jsonl")
NEQA = ("inverse-scaling/NeQA", "7e364152104c6b010f2859b21c7663716b0ca3c6")


def main(arguments: Sequence[str] | None = None) -> None:
    """Fetches, imports, scores and fits; ends with the exit code of the first command that failed."""
    asked = parsed(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    persona = asked.persona or fetch_persona()
    neqa = asked.prize or fetch_neqa(asked.out / "neqa.csv")
    datasets = ["sycophantic_yesno", str(asked.out / "persona"), str(asked.out / "prize")]
    for file, form, folder in ((persona, "anthropic", datasets[1]), (neqa, "inverse-scaling", datasets[2])):
        if not Path(folder).exists():
            mwe("import", str(file), "--format", form, "--out", folder)
    more = [] if asked.limit is None else ["--limit", str(asked.limit)]
    more += [] if asked.max_params is None else ["--max-params", asked.max_params]
    logs = {family: asked.out / "logs" / Path(family).stem for family in asked.families}
    for family, folder in logs.items():
        for dataset in datasets:
            mwe("score", dataset, "--family", family, "--log-dir", str(folder), "--yes", *more)
    named = [part for family in asked.families for part in ("--family", family)]
    mwe("fit", *map(str, logs.values()), "--out", str(asked.out / "report"), *named)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", nargs="+", default=["pythia", "opt"], help="names, or .toml files")
    parser.add_argument("--out", type=Path, default=Path("reproduce"))
    parser.add_argument("--persona", type=Path, help="a file of Anthropic's persona sets, in place of the Hub's")
    parser.add_argument("--prize", type=Path, help="a classification file of the prize, in place of NeQA from the Hub")
    parser.add_argument("--limit", type=int, help="only the first questions of each dataset")
    parser.add_argument("--max-params", help="leaves larger models out, such as 3b")
    return parser.parse_args(arguments)


def fetch_persona() -> Path:
    """The persona set from the Hub; its revision goes into no log, so the file's own checksum is what is compared."""
    from huggingface_hub import hf_hub_download

    return Path(hf_hub_download(*PERSONA, repo_type="dataset"))


def fetch_neqa(path: Path) -> Path:
    """NeQA from the Hub, at a pinned revision, as the CSV file of the prize."""
    from datasets import load_dataset

    name, revision = NEQA
    rows = load_dataset(name, revision=revision, split="train")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["prompt", "classes", "answer_index"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def mwe(*words: str) -> None:
    """Runs one command of ours, and ends here with its exit code where it fails."""
    print("mwe", *words, flush=True)
    code = subprocess.run([str(MWE), *words], check=False).returncode
    if code:
        raise SystemExit(code)


if __name__ == "__main__":
    main()
