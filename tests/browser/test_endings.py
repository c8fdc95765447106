"""Work ends with the last tab that waits for it, and the server ends when it is told to."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlencode

import pytest
import torch
from playwright.sync_api import Browser, Page, expect
from transformers import BertConfig, BertForSequenceClassification

from tests.benchmarks.server import Server, running_server
from tests.tiny_models import tokenizer

TEXT = "oil prices rise as stocks fall and the team wins the game " * 30
"""Long enough for Shapley values to take minutes, and their evidence seconds."""
WINDOW = 1.0
"""Seconds in which a server that computes takes more of a processor than one that doesn't."""
QUIET = 0.1
"""Seconds of a processor that a quiet server may take within it."""
PATIENCE = 30.0
"""Seconds, of which an end takes two or three; a machine may have other things to do."""


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random classifier that takes a while for a long text."""
    path = tmp_path_factory.mktemp("endings") / "wide"
    words = tokenizer("bert")
    words.model_max_length = 512
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=192,
        num_hidden_layers=6,
        num_attention_heads=6,
        intermediate_size=768,
        num_labels=4,
    )
    BertForSequenceClassification(config).save_pretrained(path)
    words.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def _servers() -> Iterator[Callable[[], Server]]:
    """Gives the server of the test before, or another one where that has ended."""
    with ExitStack() as stack:
        running: list[Server] = []

        def newest() -> Server:
            if not running or running[-1].process.poll() is not None:
                running.append(stack.enter_context(running_server()))
            return running[-1]

        yield newest


@pytest.fixture
def server(_servers: Callable[[], Server]) -> Server:
    """A running app."""
    return _servers()


def open_slow_work(page: Page, server: Server, checkpoint: Path) -> None:
    """Open a link that starts work of many minutes, and wait until it goes on."""
    named = {"checkpoint": str(checkpoint), "method": "shapley", "text": TEXT}
    page.goto(f"{server.url}/?{urlencode(named)}")
    expect(page.get_by_role("progressbar")).to_be_visible(timeout=60_000)


def computes(server: Server) -> bool:
    """Whether it takes much of a processor just now."""
    before = server.seconds()
    time.sleep(WINDOW)
    return server.seconds() - before > QUIET


def is_quiet_soon(server: Server) -> bool:
    deadline = time.monotonic() + PATIENCE
    while computes(server):
        if time.monotonic() > deadline:
            return False
    return True


def test_work_ends_with_the_last_tab_that_waits_for_it(
    browser: Browser, wide: Path, server: Server
) -> None:
    one, other = browser.new_page(), browser.new_page()
    open_slow_work(one, server, wide)
    open_slow_work(other, server, wide)
    one.close()
    bar = other.get_by_role("progressbar")
    done = int(bar.get_attribute("aria-valuenow") or 0)
    # Begun anew for the other tab it would be at 0 again.
    expect(bar).to_have_attribute("aria-valuenow", str(done + 2), timeout=90_000)
    other.close()
    assert is_quiet_soon(server)


def test_work_ends_when_its_page_is_left_for_another(
    browser: Browser, wide: Path, server: Server
) -> None:
    page = browser.new_page()
    open_slow_work(page, server, wide)
    page.get_by_role("link", name="Train").click()
    expect(page.get_by_role("progressbar")).to_have_count(0)
    assert is_quiet_soon(server)
    page.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_server_ends_in_the_middle_of_work(
    browser: Browser, wide: Path, server: Server, number: signal.Signals
) -> None:
    page = browser.new_page()
    open_slow_work(page, server, wide)
    started = time.monotonic()
    code = server.end(number)
    assert time.monotonic() - started < PATIENCE
    assert code in (0, 128 + number), server.written()
    assert "terminate called" not in server.written()
    assert "Traceback" not in server.written()
    page.close()
