"""A running app, and what a browser or a stranger would ask it."""

import base64
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Subprotocol

PATIENCE = 60


@dataclass
class Server:
    """A process that answers at a port of this machine."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path

    def asked(self, path: str, *headers: str) -> str:
        """The head of the answer to a request with exactly these headers."""
        request = "\r\n".join([f"GET {path} HTTP/1.1", *headers, "", ""])
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as client:
            client.sendall(request.encode())
            return client.recv(1 << 16).decode().partition("\r\n\r\n")[0]

    def opened(self, host: str, origin: str | None) -> str:
        """The answer to a websocket by that name, from a page of that origin: its first line."""
        key = base64.b64encode(os.urandom(16)).decode()
        headers = [
            f"Host: {host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Protocol: streamlit",
        ]
        more = [] if origin is None else [f"Origin: {origin}"]
        return self.asked("/_stcore/stream", *headers, *more).partition("\r\n")[0]

    def page(self, query: str) -> str:
        """All that the page says to a browser that opens a link, until it has been drawn."""
        url = f"ws://localhost:{self.port}/_stcore/stream"
        asking = BackMsg(rerun_script=ClientState(query_string=query))
        said = []
        protocols = [Subprotocol("streamlit")]
        with connect(url, subprotocols=protocols, max_size=None, proxy=None) as browser:
            browser.send(asking.SerializeToString())
            for _ in range(1000):
                message = ForwardMsg.FromString(browser.recv(PATIENCE, decode=False))
                said.append(str(message))
                if message.WhichOneof("type") == "script_finished":
                    return "\n".join(said)
        raise AssertionError("the page was never drawn to its end")


@contextmanager
def running(
    command: Sequence[str],
    *,
    folder: Path,
    env: Mapping[str, str],
    log: Path,
    host: str = "localhost",
) -> Iterator[Server]:
    """The server that a command starts in a folder, once it answers by that name.

    Args:
        command: Its words; a port that is free is added.
        folder: Where it is started.
        env: All its environment.
        log: Where it writes.
        host: A name that it goes by.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, f"--server.port={port}"],
            cwd=folder,
            env=env,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        server = Server(process, port, log)
        try:
            _wait_until_it_answers(server, host)
            yield server
        finally:
            process.kill()
            process.wait(10)


def _wait_until_it_answers(server: Server, host: str) -> None:
    for _ in range(PATIENCE * 10):
        try:
            server.asked("/_stcore/health", f"Host: {host}", "Connection: close")
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"the app did not start:\n{server.log.read_text()}")
