"""What a process says to other machines: behind a proxy that refuses and counts, and is watched."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

WATCH = """
import os, sys

_HERE = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "::", "", None, b"localhost", b"127.0.0.1"}

def _watch(event, args):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        host = args[1][0] if isinstance(args[1], tuple) else None
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    else:
        return
    if host not in _HERE:
        with open(os.environ["CALLS"], "a") as file:
            file.write(f"{event} {host!r} by {sys.argv[:3]}\\n")

sys.addaudithook(_watch)
"""
"""Told to every Python process of a folder on its path before anything else."""
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@dataclass
class NetworkWatch:
    """The machines outside, none of which may be called."""

    env: dict[str, str]
    """The environment of a process that is watched."""
    written: Path
    at_proxy: list[str] = field(default_factory=list)

    def calls(self) -> list[str]:
        """What was asked of the proxy, and what went past it."""
        past = self.written.read_text().splitlines() if self.written.exists() else []
        return self.at_proxy + past


@contextmanager
def watch_network(folder: Path, *, proxy: bool = True) -> Iterator[NetworkWatch]:
    """Watch the processes that are started with an environment of ours.

    Args:
        folder: An empty one, for what is needed.
        proxy: Whether they are told of a proxy; else they would try to call directly.
    """
    (folder / "sitecustomize.py").write_text(WATCH)
    offline = {name for name in os.environ if name.endswith("_OFFLINE")}
    names = {*offline, *PROXIES, *map(str.lower, PROXIES), "NO_PROXY", "no_proxy"}
    env = {name: value for name, value in os.environ.items() if name not in names}
    paths = [str(folder), str(Path(__file__).parents[1]), env.get("PYTHONPATH", "")]
    env |= {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "CALLS": str(folder / "calls"),
        # What an earlier run has fetched would hide that it is asked for.
        "HF_HOME": str(folder / "hub"),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    outside = NetworkWatch(env, folder / "calls")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        if proxy:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            env |= {name: url for upper in PROXIES for name in (upper, upper.lower())}
        threading.Thread(target=_refuse, args=(listening, outside.at_proxy), daemon=True).start()
        yield outside


def _refuse(listening: socket.socket, asked: list[str]) -> None:
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return  # closed
        with client:
            client.settimeout(5)
            try:
                asked.append(f"proxy {client.recv(200).splitlines()[:1]}")
                client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            except OSError:
                asked.append("proxy, nothing said")
