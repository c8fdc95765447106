"""The Hub is looked for once, and only where a source isn't on disk."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from finetune.checkpoint.hub import OFFLINE_VARIABLE, prefer_cache_without_network

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "no_proxy")


@pytest.fixture
def server() -> Iterator[str]:
    """The address of somebody who listens on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def nobody(server: str) -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def hub_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put the Hub at an address, with no proxy before it and nothing known of the network."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv(OFFLINE_VARIABLE, "0")
    monkeypatch.delenv(OFFLINE_VARIABLE)
    return lambda address: monkeypatch.setenv("HF_ENDPOINT", address)


def test_an_answer_leaves_the_hub_in_use(server: str, hub_at: Callable[[str], None]) -> None:
    hub_at(server)
    prefer_cache_without_network("some/model")
    assert OFFLINE_VARIABLE not in os.environ


def test_no_answer_means_the_cache(nobody: str, hub_at: Callable[[str], None]) -> None:
    hub_at(nobody)
    prefer_cache_without_network("some/model")
    assert os.environ[OFFLINE_VARIABLE] == "1"


def test_a_path_needs_no_network(
    nobody: str, hub_at: Callable[[str], None], tmp_path: Path
) -> None:
    hub_at(nobody)
    prefer_cache_without_network(str(tmp_path))
    assert OFFLINE_VARIABLE not in os.environ


def test_behind_a_proxy_the_client_decides(
    nobody: str, hub_at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub_at(nobody)
    monkeypatch.setenv("https_proxy", "http://proxy.example:8080")
    prefer_cache_without_network("some/model")
    assert OFFLINE_VARIABLE not in os.environ
