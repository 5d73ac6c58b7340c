"""The demo that is interrupted; `make demo` runs the whole of it."""

import signal
import subprocess
import sys
import time


def test_an_interrupted_demo_is_one_sentence_and_leaves_no_figure(tmp_path):
    command = [sys.executable, "-c", "from mwe_tasks.cli import main; main()", "demo", "--log-dir", str(tmp_path)]
    demo = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell's background jobs, and so a CI's, ignore the signal unless told otherwise.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("*.eval")) and time.monotonic() < deadline and demo.poll() is None:
        time.sleep(0.2)
    time.sleep(2)
    demo.send_signal(signal.SIGINT)
    try:
        output, _ = demo.communicate(timeout=60)
    finally:
        demo.kill()
    assert (demo.returncode, "Traceback" in output) == (2, False), output
    assert "The run was interrupted" in output
    assert list(tmp_path.glob("*.png")) == []
