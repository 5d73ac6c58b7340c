"""The Ray engine: what it decides, and on a cluster of three nodes that nothing is lost and nothing is run twice."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from inspect_ai.log import read_eval_log
from test_bulk import timeless
from tiny import write_checkpoint

from mwe_tasks.cli import main
from mwe_tasks.clusters import Demand, Node, connect, demand_of, refuse_too_large, threads_of
from mwe_tasks.engines.ray import Spread, Work
from mwe_tasks.errors import MweError
from mwe_tasks.parts import MadeOtherwise, Part
from mwe_tasks.pieces import MOST, Queue, worth_another
from mwe_tasks.ray_running import absolute
from mwe_tasks.rows import write_rows
from mwe_tasks.runs import Run
from mwe_tasks.teams import Hand, Team
from mwe_tasks.workers import Told, _told

REQUIRED = os.environ.get("MWE_RAY") == "required"
NAMESPACE = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
GB = 10**9


def lacking(*, namespace=True):
    """Why no cluster can be started here; None where it can."""
    for name in ("ray", "torch", "transformers"):
        if importlib.util.find_spec(name) is None:
            return f"{name} is not installed: make test-ray"
    if not namespace:
        return None
    try:
        tried = subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode
    except OSError:
        tried = 1
    return "network namespaces are not allowed here, and Ray would open ports to the network" if tried else None


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("ray")


@pytest.fixture(scope="module")
def found(folder, make_rows):
    """What `ray_cluster.py` found."""
    if (why := lacking()) is not None:
        if REQUIRED and "namespaces" not in why:
            pytest.fail(why)
        pytest.skip(why)
    rows = make_rows(20)
    write_rows(folder / "one" / "data" / "test.jsonl", rows[:24])
    write_rows(folder / "two" / "data" / "test.jsonl", rows[24:])
    # Inspect finds the provider of `pretend` in a worker as it finds any installed one.
    entry = folder / "path" / "pretend-0.dist-info" / "entry_points.txt"
    entry.parent.mkdir(parents=True)
    entry.write_text("[inspect_ai]\npretend = pretend\n", encoding="utf-8")
    paths = [str(folder / "path"), str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    for name in ("tiny", "damaged", "large"):
        (folder / name).mkdir()
        write_checkpoint(folder / name)
    weights = folder / "damaged" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    script = Path(__file__).with_name("ray_cluster.py")
    how = {"INSPECT_DISPLAY": "none", "RAY_USAGE_STATS_ENABLED": "0", "PRETEND_SECONDS": "0.5"}
    command = [*NAMESPACE, sys.executable, str(script), str(folder)]
    environment = {**os.environ, **how, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "found.json").read_text(encoding="utf-8"))


def logs_in(folder):
    read = [read_eval_log(str(path)) for path in folder.glob("*.eval")]
    return {(log.eval.dataset.name, log.eval.model): log for log in read}


def test_the_driver_a_worker_and_a_node_are_killed_and_the_logs_are_those_of_one_process_to_the_bit(found, folder):
    survived = found["survive"]
    assert survived["code"] == 0, survived["said"]
    assert survived["alone"]["code"] == 0, survived["alone"]["said"]
    spread, alone = logs_in(folder / "ray"), logs_in(folder / "alone")
    assert len(spread) == 4
    assert {key: timeless(log) for key, log in spread.items()} == {key: timeless(log) for key, log in alone.items()}


def test_no_batch_that_was_in_a_part_when_something_was_killed_is_run_again(found):
    survived = found["survive"]
    assert 3 <= survived["kept"] < survived["killed"] < len(survived["began"])
    assert {name: times for name, times in survived["began"].items() if len(times) > 1} == {}
    assert survived["left"] == []


def test_a_model_that_no_node_holds_and_one_that_is_damaged_leave_the_others(found, folder):
    failed = found["fail"]
    assert failed["code"] == 1, failed["said"]
    assert (
        f"FAILED  mwe-hf/{folder / 'large'}: No node of the cluster is large enough: a worker takes " in failed["said"]
    )
    assert f"FAILED  mwe-hf/{folder / 'damaged'}: transformers cannot load the weights" in failed["said"]
    assert f"mwe-hf/{folder / 'tiny'}  24 questions" in failed["said"]
    assert "Traceback" not in failed["said"]


def test_parts_that_the_nodes_do_not_share_with_the_driver_are_refused_before_anything_is_run(found):
    refused = found["unshared"]
    assert refused["code"] == 1, refused["said"]
    assert "FAILED  pretend/two: memory://parts/one_pretend-two_" in refused["said"]
    assert "is another folder to the nodes of the cluster than to this machine: name one" in refused["said"]


def test_a_worker_stays_at_its_job_then_takes_one_that_nobody_has_then_helps_where_most_is_left():
    queue = Queue({1: 30.0, 2: 10.0, 3: 50.0})
    assert queue.take(None, 1) == (1, {})
    queue.plan(1, {0: 10.0, 1: 10.0, 2: 10.0})
    assert queue.take(1, 1) == (1, {0: 10.0})
    assert queue.take(None, 2) == (2, {})
    queue.plan(2, {0: 10.0})
    assert queue.take(None, 3) == (3, {})
    queue.plan(3, dict.fromkeys(range(50), 1.0))
    assert queue.take(None, 3) == (3, dict.fromkeys(range(MOST), 1.0))
    assert queue.take(2, 3) == (2, {0: 10.0})
    assert queue.questions == 20.0 + 42.0


def test_what_a_lost_worker_had_is_taken_by_the_next_one():
    queue = Queue({1: 2.0, 2: 1.0})
    assert queue.take(None, 1) == (1, {})
    queue.give_back(1, {})
    assert queue.questions == 3.0
    queue.drop(2)
    assert queue.take(None, 1) == (1, {})
    queue.plan(1, {4: 1.0, 5: 1.0})
    _, batches = queue.take(1, 1)
    queue.give_back(1, batches)
    assert queue.questions == 2.0
    assert [queue.take(1, 1), queue.take(1, 1), queue.take(1, 1)] == [(1, {4: 1.0}), (1, {5: 1.0}), None]


def test_a_worker_on_a_node_of_another_kind_ends_and_the_others_take_its_batches(monkeypatch):
    ray = pytest.importorskip("ray", reason="ray is not installed: make test-ray")
    told = Told(error="PART holds batches that were scored with processor AVX512, and it is now AVX2", otherwise=True)
    monkeypatch.setattr(ray, "get", lambda call: told)
    monkeypatch.setattr(ray, "kill", lambda actor: None)
    fits, other = Hand("one", loaded=True), Hand("other", loaded=True, job=0, batches={1: 5.0, 2: 5.0})
    queue = Queue({}, left={0: {3: 5.0}})
    team = Team(Run("mwe-hf/me/model"), Demand(1, 0, 0), queue, {0: 3}, [fits, other])
    failed = {}
    spread = Spread.__new__(Spread)
    spread.calls, spread.sent, spread.fail = {}, {0: None}, failed.__setitem__
    spread._hear("call", team, other)
    assert (team.hands, queue.left, failed) == ([fits], {0: {1: 5.0, 2: 5.0, 3: 5.0}}, {})
    assert not team.wants_another
    fits.job, fits.batches = 0, {3: 5.0}
    spread._hear("call", team, fits)
    assert (team.hands, failed) == ([fits], {0: told.error})


def test_a_part_that_cannot_be_read_ends_its_own_job_alone(monkeypatch):
    def refuse(part):
        raise MweError("PART cannot be read.")

    monkeypatch.setattr(Part, "begun", refuse)
    team = Team(Run("mwe-hf/me/model"), Demand(1, 0, 0), Queue({1: 4.0}, {0: 5.0}), {0: None, 1: None})
    failed = {}
    spread = Spread.__new__(Spread)
    spread.works, spread.sent, spread.fail = {0: Work(None, Part("part"))}, {0: None, 1: None}, failed.__setitem__
    spread._hear_of_plan(team, 0, "key", [5.0])
    assert (failed, team.open, team.queue.unplanned) == ({0: "PART cannot be read."}, {1: None}, {1: 4.0})


def test_a_model_that_has_no_room_for_one_more_worker_leaves_it_to_a_smaller_one(monkeypatch):
    large, small = (
        Team(
            Run(f"mwe-hf/me/{size}"),
            Demand(1, 0, size),
            Queue({}, left={0: {1: 9.0}}),
            {0: 1},
            [Hand(size, True, 0, 0)],
        )
        for size in (9, 1)
    )
    for team in (large, small):
        team.timed = (10.0, 1.0)
    engaged = []
    monkeypatch.setattr("mwe_tasks.engines.ray.nodes", list)
    monkeypatch.setattr("mwe_tasks.engines.ray.has_room", lambda demand: demand.memory < 9)
    monkeypatch.setattr(Spread, "_engage", lambda _, team: engaged.append(team))
    spread = Spread.__new__(Spread)
    spread.calls, spread.teams = {}, [large, small]
    spread._staff()
    assert engaged == [small]


def test_what_is_told_of_a_part_that_was_made_otherwise_says_so():
    def refuse(error):
        raise error

    assert _told(lambda: refuse(MadeOtherwise("It differs."))) == Told(error="It differs.", otherwise=True)
    assert _told(lambda: refuse(MweError("It gives NaN."))) == Told(error="It gives NaN.")


def test_batches_of_a_job_that_has_failed_do_not_come_back():
    queue = Queue({1: 2.0})
    queue.take(None, 1)
    queue.plan(1, {0: 1.0, 1: 1.0})
    _, batches = queue.take(1, 1)
    queue.drop(1)
    queue.give_back(1, batches)
    assert (queue.questions, queue.take(1, 1)) == (0, None)


@pytest.mark.parametrize(
    ("questions", "workers", "pace", "load", "worth"),
    [
        (1000, 1, 0.1, 99, True),
        (1000, 1, 0.1, 101, False),
        (1000, 2, 0.1, 51, False),
        (1000, 2, 0.1, 49, True),
        (1000, 1, None, 0, False),
    ],
)
def test_a_model_is_loaded_once_more_only_where_its_work_outlasts_the_loading(questions, workers, pace, load, worth):
    assert worth_another(questions, workers, pace, load) is worth


@pytest.mark.parametrize(
    ("nodes", "threads"),
    [
        ([Node(0, 0, GB), Node(16, 0, GB), Node(8, 0, GB)], 8),
        ([Node(4, 0, GB), Node(64, 8, GB)], 8),
        ([Node(4, 8, GB)], 1),
        ([], 1),
    ],
)
def test_every_worker_has_as_many_threads_as_the_smallest_node_has_cpus_or_cpus_a_gpu(nodes, threads):
    assert threads_of(nodes) == threads


def test_a_worker_asks_for_memory_by_parameters_and_dtype_and_for_a_gpu_where_there_is_one():
    run = Run("mwe-hf/org/model", params=7 * GB)
    on_cpu = demand_of(run, 8, [Node(8, 0, 64 * GB)])
    assert (on_cpu.cpus, on_cpu.gpus, on_cpu.memory) == (8, 0, int(7 * GB * 4 * 1.2) + 2**30)
    on_gpu = demand_of(run, 8, [Node(8, 0, 64 * GB), Node(8, 1, 64 * GB)])
    assert (on_gpu.gpus, on_gpu.memory) == (1, int(7 * GB * 2 * 1.2) + 2**30)
    halved = demand_of(run._replace(options=(("dtype", "bfloat16"),)), 8, [Node(8, 0, 64 * GB)])
    assert (halved.gpus, halved.memory) == (0, on_gpu.memory)
    assert demand_of(run._replace(options=(("device", "cpu"),)), 8, [Node(8, 1, 64 * GB)]) == on_cpu
    assert demand_of(Run("gguf/x.gguf"), 2, [Node(8, 1, 64 * GB)]) == Demand(2, 0, 0)


def test_the_largest_node_is_one_that_runs_models_at_all():
    with pytest.raises(MweError, match="the largest node has 2 CPUs"):
        refuse_too_large(Demand(1, 0, 60 * GB), [Node(0, 0, 20 * GB), Node(2, 0, 10 * GB)])


def test_a_model_that_no_node_holds_is_refused_with_what_it_takes_and_what_there_is():
    nodes = [Node(4, 0, 16 * GB), Node(2, 0, 64 * GB)]
    refuse_too_large(Demand(2, 0, 60 * GB), nodes)
    said = r"takes 4 CPUs and 60 GB of memory, and the largest node has 2 CPUs, 0 GPUs and 64 GB"
    with pytest.raises(MweError, match=said):
        refuse_too_large(Demand(4, 0, 60 * GB), nodes)
    with pytest.raises(MweError, match="2 CPUs, a GPU and 1 GB of memory"):
        refuse_too_large(Demand(2, 1, GB), nodes)


def test_without_ray_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MweError, match=r"The Ray engine needs ray: pip install 'mwe-tasks\[ray\]'"), connect(None):
        pass


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:9", r"No Ray cluster can be reached at 127.0.0.1:9 \(Connection refused\): check --address"),
        ("ray://127.0.0.1:9", "No Ray cluster can be reached at ray://127.0.0.1:9"),
        ("127.0.0.1:99999", "No Ray cluster can be reached at 127.0.0.1:99999"),
        ("nowhere", "--address nowhere names no cluster: write HOST:PORT"),
    ],
)
def test_an_address_where_no_cluster_answers_is_refused_at_once(address, said):
    pytest.importorskip("ray", reason="ray is not installed: make test-ray")
    with pytest.raises(MweError, match=said), connect(address):
        pass


def test_a_folder_of_parts_is_the_same_one_to_every_process(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert absolute("logs/.parts") == str(tmp_path / "logs" / ".parts")
    assert absolute("s3://bucket/parts") == "s3://bucket/parts"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "sim/flat-1b", "--engine", "ray"], "--engine ray is for gguf and mwe-hf models in bulk"),
        (["--model", "gguf/x.gguf", "--engine", "ray", "--shard", "1/2"], "Ray shares the work by itself"),
        (["--model", "sim/flat-1b", "--threads", "2"], "--threads is for gguf and mwe-hf models in bulk"),
        (["--model", "gguf/x.gguf", "--address", "auto"], "--address names a Ray cluster: give --engine ray too"),
    ],
)
def test_options_that_do_not_fit_are_one_sentence_and_exit_2(arguments, said):
    refused = CliRunner().invoke(main, ["score", "sycophantic_yesno", *arguments])
    assert (refused.exit_code, said in refused.output) == (2, True), refused.output
