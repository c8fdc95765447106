"""The app as a process of its own, for the benchmarks that drive it."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.benchmarks.browser import PATIENCE

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Server:
    """The app in a process of its own."""

    url: str
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    """What it wrote, on both streams."""

    def seconds(self) -> float:
        """The seconds of a processor that it has taken."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def gigabytes(self) -> float:
        """The memory that it has, in 10^9 bytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e9

    def written(self) -> str:
        """What it wrote."""
        self.log.seek(0)
        return self.log.read().decode()

    def end(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE / 1000)


@contextmanager
def running_server() -> Iterator[Server]:
    """The app as the README starts it, on a free port; ended unless it was before."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*command, "--server.headless=true"],
            cwd=ROOT,
            env=os.environ | {"HF_HUB_OFFLINE": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        server = Server(f"http://localhost:{port}", process, log)
        try:
            _wait_until_healthy(server.url)
            yield server
        finally:
            if process.poll() is None:
                server.end()


@contextmanager
def running_app() -> Iterator[str]:
    """The address of such a server."""
    with running_server() as server:
        yield server.url


def _wait_until_healthy(url: str) -> None:
    for _ in range(PATIENCE // 50):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the app did not start")
