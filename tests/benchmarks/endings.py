"""How soon the app is done with work that nobody wants any more, and how soon it ends.

    python -m tests.benchmarks endings

A classifier of BERT-base's shape reads 512 tokens.  A tab is closed in the middle of each kind of
slow work: the server counts as quiet from when it takes less than a tenth of a processor.  Then it
is ended by a signal in the middle of such work, which must leave an exit code of 0, 130 or 143 and
no complaint of torch.
"""

import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page

from tests.benchmarks.app import N_TOKENS, make_checkpoint, text_of
from tests.benchmarks.browser import new_page
from tests.benchmarks.result import Result
from tests.benchmarks.server import Server, running_server

AT_MOST = 3.0
"""Seconds that nobody should have to wait for an end."""
WINDOW, SHARE = 0.5, 0.1
"""Seconds in which a quiet server takes less than this share of a processor."""
UNDER_WAY = 3.0
"""Seconds after which slow work is in its midst."""
CODES = (0, 128 + signal.SIGINT, 128 + signal.SIGTERM)
COMPLAINT = "terminate called"

SLOW: Mapping[str, str] = {
    "evidence": "decomposition",
    "integrated gradients": "integrated-gradients",
    "Shapley values": "shapley",
    "search": "search",
    "DecompX, bias spread": "decompx-absdot",
    "KernelSHAP": "kernel-shap",
}
"""The method in whose explanation, or after it, each kind of work is done."""


def measure(browser: Browser) -> Iterator[Result]:
    """All results, one by one."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = make_checkpoint(Path(folder) / "base-shaped")
        with running_server() as server:
            for seed, kind in enumerate(SLOW):
                page = _opened(browser, server, checkpoint, kind, seed)
                page.close()
                seconds = _seconds_to_quiet(server)
                yield Result(f"tab closed, {kind}: quiet after", seconds, "s", at_most=AT_MOST)
            time.sleep(UNDER_WAY)
            yield Result("memory of the server after all of them", server.gigabytes(), "GB")
        for number in (signal.SIGTERM, signal.SIGINT):
            for kind in ("evidence", "Shapley values", "DecompX, bias spread"):
                yield _ended(browser, checkpoint, kind, number)


def _ended(browser: Browser, checkpoint: Path, kind: str, number: signal.Signals) -> Result:
    """The server ended by a signal in the middle of a kind of work."""
    with running_server() as server:
        page = _opened(browser, server, checkpoint, kind, seed=0)
        started = time.perf_counter()
        code = server.end(number)
        seconds = time.perf_counter() - started
        written = server.written()
        page.close()
    if code not in CODES or COMPLAINT in written:
        raise RuntimeError(f"{number.name} during {kind}: exit code {code}, wrote\n{written}")
    return Result(f"{number.name} during {kind}: ended after", seconds, "s", at_most=AT_MOST)


def _opened(browser: Browser, server: Server, checkpoint: Path, kind: str, seed: int) -> Page:
    """A page in the midst of slow work on a text that the app has not seen."""
    page = new_page(browser)
    text = text_of(checkpoint, N_TOKENS, seed)
    named = {"checkpoint": str(checkpoint), "method": SLOW[kind], "text": text}
    page.goto(f"{server.url}/?{urlencode(named)}")
    if kind == "evidence":
        page.get_by_text("measuring …").wait_for()
    else:
        page.get_by_role("progressbar").wait_for()
    page.wait_for_timeout(1000 * UNDER_WAY)
    return page


def _seconds_to_quiet(server: Server) -> float:
    """Seconds from now until the server takes next to nothing of a processor for a while."""
    started = since = time.perf_counter()
    before = server.seconds()
    while time.perf_counter() - since < WINDOW:
        time.sleep(WINDOW / 10)
        taken = server.seconds() - before
        if taken > SHARE * WINDOW:
            since, before = time.perf_counter(), server.seconds()
    return since - started


if __name__ == "__main__":
    from tests.benchmarks.__main__ import main

    main(("endings",))
