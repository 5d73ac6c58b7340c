"""What is installed holds generators/ and datasets/, and Inspect finds the tasks from an empty folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent


def run(*command, cwd, **environment):
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        command, cwd=cwd, env={**kept, **environment}, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=PROJECT)
    assert built.returncode == 0, built.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_every_generator_and_every_dataset_file(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    files = [*PROJECT.glob("generators/*.py"), *(path for path in PROJECT.glob("datasets/**/*") if path.is_file())]
    assert {f"mwe_tasks/{path.relative_to(PROJECT).as_posix()}" for path in files} <= inside


def test_the_wheel_holds_every_family(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    files = list(PROJECT.glob("src/mwe_tasks/families/*.toml"))
    assert files
    assert {f"mwe_tasks/families/{path.name}" for path in files} <= inside


def test_a_task_is_found_and_asks_its_own_dataset_from_an_empty_folder_with_the_wheel(wheel, tmp_path):
    target, empty = tmp_path / "site", tmp_path / "empty"
    zipfile.ZipFile(wheel).extractall(target)
    empty.mkdir()
    code = (
        "import mwe_tasks._registry; from mwe_tasks.generators import sycophantic_yesno as found; "
        "from mwe_tasks.sources import known_datasets; from mwe_tasks.readers import read_rows; "
        "print(found.__file__, known_datasets()['sycophantic_yesno'], len(read_rows('sycophantic_yesno').rows))"
    )
    printed = run(sys.executable, "-c", code, cwd=empty, PYTHONPATH=str(target))
    inside = target / "mwe_tasks"
    expected = [inside / "generators/sycophantic_yesno.py", inside / "datasets/sycophantic_yesno", 1000]
    assert printed.stdout.split() == [str(each) for each in expected], printed.stderr


def test_a_task_is_found_from_an_empty_folder_and_a_users_mistake_is_one_sentence_and_exit_2(tmp_path):
    failed = run(
        *(sys.executable, "-m", "inspect_ai", "eval", "mwe_tasks/yesno", "-T", "dataset=nowhere"),
        *("--model", "mockllm/model"),
        cwd=tmp_path,
    )
    printed = failed.stdout + failed.stderr
    assert (failed.returncode, "Traceback" in printed, "No dataset is named 'nowhere'" in printed) == (2, False, True)
