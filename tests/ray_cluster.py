"""What happens on a Ray cluster of three nodes when parts of it are killed, as JSON: run by test_ray.py.

The head runs no models, since a cluster does not outlive its head.
Ray binds to every interface, so this runs in a network namespace that has loopback alone.

    python ray_cluster.py FOLDER
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

PATIENCE = 300
"""Seconds that anything may take before the test is given up."""


class Watch:
    """Looks at a folder of parts: the times at which each batch began, of which there is one where none ran twice."""

    def __init__(self, folder):
        self.folder, self.began, self._seen, self._stopped = folder, {}, {}, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self):
        while not self._stopped.wait(0.05):
            for file in self.folder.rglob("batch-*.json"):
                try:
                    changed = file.stat().st_mtime_ns
                    if self._seen.get(file) != changed:
                        found = json.loads(file.read_text(encoding="utf-8"))
                        self.began.setdefault(f"{file.parent.name}/{file.name}", []).append(found["began"])
                        self._seen[file] = changed
                except (OSError, ValueError):
                    continue  # it is being written, or is gone

    def wait_for(self, batches, nodes=()):
        """Waits until so many batches were seen; of these nodes gives one that is running another, and the worker."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            at_work = [(node, pid) for node in nodes for pid in workers_of(node)]
            if len(self.began) >= batches and (at_work or not nodes):
                return at_work[0] if nodes else None
            time.sleep(0.1)
        raise AssertionError(f"{len(self.began)} of {batches} batches after {PATIENCE} s")

    def stop(self):
        self._stopped.set()
        self._thread.join()
        return self.began


def workers_of(node):
    """The processes of a node in which a model is running batches now."""
    (raylet,) = node.all_processes["raylet"]
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int(folder.joinpath("stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
            title = folder.joinpath("cmdline").read_bytes()
        except (OSError, IndexError, ValueError):
            continue
        if parent == raylet.process.pid and title.startswith(b"ray::Worker.run"):
            found.append(int(folder.name))
    return found


def command(*arguments):
    return [sys.executable, str(Path(__file__).with_name("pretend.py")), "score", *map(str, arguments)]


def score(*arguments):
    done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
    return {"code": done.returncode, "said": done.stdout + done.stderr}


def survive(cluster, nodes, folder):
    """Two datasets and two models: the driver is killed, then a worker, then a node."""
    models = ["--model", "pretend/one", "--model", f"mwe-hf/{folder / 'tiny'}"]
    how = [folder / "one", folder / "two", *models, "--frame", "opinion", "--style", "completion", "--threads", "1"]
    ray = [*how, "--engine", "ray", "--address", cluster.address, "--log-dir", folder / "ray"]
    parts = folder / "ray" / ".parts"
    watch = Watch(parts)
    with subprocess.Popen(command(*ray), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as driver:
        watch.wait_for(3)
        driver.send_signal(signal.SIGKILL)
    kept = len(watch.began)
    with subprocess.Popen(command(*ray), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as driver:
        _, worker = watch.wait_for(kept + 2, nodes)
        os.kill(worker, signal.SIGKILL)
        node, _ = watch.wait_for(len(watch.began) + 3, nodes)
        cluster.remove_node(node, allow_graceful=False)
        killed = len(watch.began)
        said, _ = driver.communicate(timeout=PATIENCE)
    began = watch.stop()
    alone = score(*how, "--log-dir", folder / "alone")
    return {
        "code": driver.returncode,
        "said": said,
        "kept": kept,
        "killed": killed,
        "began": began,
        "left": [str(each) for each in parts.rglob("*.json")],
        "alone": alone,
    }


def fail(cluster, folder):
    """A model that is too large, one that is damaged and one that is sound."""
    family = folder / "family.toml"
    lines = ['name = "three"']
    for name, params in (("large", 70_000_000_000), ("damaged", 1000), ("tiny", 1000)):
        lines += ["[[members]]", f'model = "mwe-hf/{folder / name}"', 'role = "base"', 'style = "completion"']
        lines += [f"params_total = {params}", 'source = "made up"']
    family.write_text("\n".join(lines), encoding="utf-8")
    how = ["--family", family, "--log-dir", folder / "three"]
    return score(folder / "one", *how, "--engine", "ray", "--address", cluster.address, "--yes")


def unshared(cluster, folder):
    """Parts in a place that each process has for itself."""
    how = ["--model", "pretend/two", "--log-dir", folder / "unshared", "--parts", "memory://parts"]
    return score(folder / "one", *how, "--engine", "ray", "--address", cluster.address)


def main(folder):
    from ray.cluster_utils import Cluster

    store = {"object_store_memory": 80 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **store})
    try:
        nodes = [cluster.add_node(num_cpus=1, **store) for _ in range(2)]
        found = {
            "survive": survive(cluster, nodes, folder),
            "fail": fail(cluster, folder),
            "unshared": unshared(cluster, folder),
        }
        (folder / "found.json").write_text(json.dumps(found), encoding="utf-8")
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
