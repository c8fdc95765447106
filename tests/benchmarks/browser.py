"""Headless Chromium as the benchmarks use it, and when a page in it counts as painted."""

import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import FLAGS
from tests.browser.conftest import TWO_FRAMES as TWO_FRAMES

PATIENCE = 200_000
"""Milliseconds that a page may take."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=FLAGS, timeout=PATIENCE
        )
        yield browser
        browser.close()


def new_page(browser: Browser) -> Page:
    """A page that waits long."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(PATIENCE)
    return page


def seconds_to_painted(page: Page, file: Path, condition: str) -> float:
    """From opening a file until `condition` holds and two animation frames have passed."""
    started = time.perf_counter()
    page.goto(file.as_uri(), wait_until="commit")
    page.wait_for_function(condition)
    page.evaluate(TWO_FRAMES)
    return time.perf_counter() - started


def median_to_painted(browser: Browser, file: Path, condition: str, rounds: int) -> float:
    """The median over fresh pages."""
    seconds = []
    for _ in range(rounds):
        page = new_page(browser)
        seconds.append(seconds_to_painted(page, file, condition))
        page.close()
    return statistics.median(seconds)
