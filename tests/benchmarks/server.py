"""The app as a process of its own, for the benchmarks that drive it."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.browser import PATIENCE

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def running_app() -> Iterator[str]:
    """The app as the README starts it, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"]
    server = subprocess.Popen(
        [*command, "--server.headless=true"],
        cwd=ROOT,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_until_healthy(f"http://localhost:{port}")
        yield f"http://localhost:{port}"
    finally:
        server.terminate()
        server.wait(10)


def _wait_until_healthy(url: str) -> None:
    for _ in range(PATIENCE // 50):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the app did not start")
