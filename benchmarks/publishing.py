"""What a user of `mwe publish` sees, from a first dry run over each failure to reading back, written to publishing.txt.

    python benchmarks/publishing.py

Each command is typed as it stands, in a process of its own; the Hub is the stand-in of tests/hub_store.py on loopback,
told to fail in every way it can. Its address is shown as https://HUB; two runs print the same. A line that begins
with # says what happens between the commands. The exit status is 1 where a command ends otherwise than expected, or
a failure moves the revision.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mwe_tasks.card import ABOUT, write_card
from mwe_tasks.sources import known_datasets

NAME, REPOSITORY = "sycophantic_yesno", "some/yesno"
FOLDER = f"datasets/{NAME}"
OTHER = "datasets/disjunctive_syllogism"
PUBLISH = f"mwe publish {FOLDER} --to {REPOSITORY}"
HEAD = f"python -c \"from huggingface_hub import HfApi; print(HfApi().dataset_info('{REPOSITORY}').sha)\""
LOAD = f"""\
python -c "import datasets; print(datasets.load_dataset('{REPOSITORY}', revision='VERSION'))\""""
SCORED = """\
python -c "from inspect_ai.log import list_eval_logs, read_eval_log as read; log = read(list_eval_logs('logs/hf')[0]); \
print(log.eval.task, log.status, log.results.total_samples, log.results.scores[0].metrics['accuracy'].value)\""""
LARGE = 1_000_000
"""Bytes from which the stand-in takes a file for a large one, which has an upload of its own."""
FAILURES: tuple[tuple[str, str, str | int, dict[str, Any]], ...] = (
    ("The Hub takes the token for none.", "/commit/", 401, {}),
    ("The token may not write there.", "/commit/", 403, {}),
    ("The Hub says that somebody else is writing.", "/commit/", 409, {}),
    ("The Hub has had too many calls.", "/commit/", 429, {"headers": {"Retry-After": "7"}}),
    ("The Hub breaks down.", "/commit/", 503, {}),
    ("The connection is cut in the middle of the commit.", "/commit/", "cut", {}),
    ("A file of 1.2 MB is new, and its upload is cut each time that it is tried.", "PUT /large/", "cut", {"times": 6}),
)
LATE = (
    ("The commit is made, and the reply is lost.", "/commit/", "lost"),
    ("The commit is made, and setting the tag fails.", "/tag/", 503),
)
"""Failures after which the new revision is there."""


class Shell:
    """A folder with the dataset, a Hub, and what was typed and printed so far."""

    def __init__(self, folder: Path) -> None:
        sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
        from hub_store import TOKEN, HubStore

        self.store = HubStore(large=LARGE)
        self.server = self.store.serve()
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.folder, self.token, self.lines = folder, TOKEN, list[str]()
        self.environment = {
            **os.environ,
            **{"HF_ENDPOINT": self.address, "HF_TOKEN": TOKEN, "HF_HOME": str(folder / "home")},
            # Xet, the Hub's other way for large files, is compiled code that talks to no stand-in.
            **{"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"},
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        }

    @property
    def head(self) -> str:
        """The revision that the Hub has."""
        return str(self.store.repositories[REPOSITORY].head)

    def say(self, text: str) -> None:
        """Prints and keeps a paragraph."""
        self.lines.append(text)
        print(text, end="\n\n", flush=True)

    def type(self, command: str, status: int = 0) -> None:
        """Runs a command; ends everything where its exit status is another, or it prints the token."""
        done = subprocess.run(
            command,
            shell=True,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        printed = done.stdout.replace(self.address, "https://HUB").replace(str(self.folder), "FOLDER").strip("\n")
        lines = [f"$ {command}", *(line.rstrip() for line in printed.splitlines())]
        self.say("\n".join([*lines, *([f"[exit status {done.returncode}]"] if done.returncode else [])]))
        if done.returncode != status or self.token in printed:
            raise SystemExit(f"exit status {status} was expected, and no token")

    def add_sentence(self) -> None:
        """Makes the card longer."""
        with (self.folder / FOLDER / ABOUT).open("a", encoding="utf-8") as about:
            about.write("\nOne more sentence.\n")
        write_card(self.folder / FOLDER)

    def change(self, what: str) -> str:
        """Adds a sentence to the card and raises the version; gives the new one."""
        manifest = self.folder / FOLDER / "manifest.json"
        text = manifest.read_text(encoding="utf-8")
        old = text.split('"version": "')[1].split('"')[0]
        major, minor, patch = old.split(".")
        new = f"{major}.{minor}.{int(patch) + 1}"
        manifest.write_text(text.replace(f'"version": "{old}"', f'"version": "{new}"'), encoding="utf-8")
        self.add_sentence()
        self.say(f"# The card gets a sentence, manifest.json the version {new}. {what}".rstrip())
        return new


def main() -> int:
    """Types everything, and writes it down beside this file."""
    with TemporaryDirectory() as folder:
        shell = Shell(Path(folder).resolve())
        try:
            write(shell)
        finally:
            shell.server.shutdown()
            shell.server.server_close()
    Path(__file__).with_suffix(".txt").write_text("\n\n".join(shell.lines) + "\n", encoding="utf-8")
    return 0


def write(shell: Shell) -> None:
    """The whole transcript."""
    shutil.copytree(known_datasets()[NAME], shell.folder / FOLDER)
    for command in (f"{PUBLISH} --dry-run", PUBLISH, PUBLISH):
        shell.type(command)
    shell.add_sentence()
    shell.say("# The card gets a sentence, and manifest.json is forgotten.")
    shell.type(PUBLISH, 2)
    shell.change("")
    shell.type(f"{PUBLISH} --dry-run")
    shell.type(PUBLISH)
    for what, call, status, more in FAILURES:
        before = shell.head
        shell.change(what)
        if call == "PUT /large/":
            (shell.folder / FOLDER / "more.jsonl").write_text("{}\n" * 400_000, encoding="utf-8")
        shell.store.fail(call, status, **more)
        shell.type(PUBLISH, 2)
        shell.type(HEAD)
        if shell.head != before or shell.store.faults:
            raise SystemExit("the revision has moved, or the failure was not met")
        shell.type(PUBLISH)
    for what, call, late in LATE:
        version = shell.change(what)
        shell.store.fail(call, late)
        shell.type(PUBLISH, 2)
        shell.type(PUBLISH)
    read_back(shell, version)
    replace(shell)


def read_back(shell: Shell, version: str) -> None:
    """What was published, by three readers."""
    shell.say("# Reading it back: the datasets library, this package, and Inspect alone.")
    shell.type(LOAD.replace("VERSION", version))
    shell.type(
        f"inspect eval mwe_tasks/yesno -T dataset=hf:{REPOSITORY}@{version} --limit 4 --model sim/appeal-up-1b"
        " --display none --log-dir logs/sim"
    )
    shell.type("mwe show logs/sim")
    shell.type(f"inspect eval hf/{REPOSITORY} --limit 4 --model gguf/smollm2-135m --display none --log-dir logs/hf")
    shell.type(SCORED)


def replace(shell: Shell) -> None:
    """A name that another dataset has."""
    shell.say("# some/taken is a dataset that was uploaded by hand: train.csv and a card.")
    code = "HfApi().create_repo('some/taken', repo_type='dataset')"
    subprocess.run(
        [sys.executable, "-c", f"from huggingface_hub import HfApi; {code}"], env=shell.environment, check=True
    )
    taken = shell.store.repositories["some/taken"]
    taken.commit({**taken.commits[-1][1], "README.md": b"# Taken\n", "train.csv": b"text\nhello\n"}, "by hand")
    shell.type(f"mwe publish {FOLDER} --to some/taken", 2)
    shell.type(f"mwe publish {FOLDER} --to some/taken --replace")
    shell.say("# Another dataset of one's own under the same name.")
    shutil.copytree(known_datasets()[Path(OTHER).name], shell.folder / OTHER)
    shell.type(f"mwe publish {OTHER} --to some/taken", 2)


if __name__ == "__main__":
    sys.exit(main())
