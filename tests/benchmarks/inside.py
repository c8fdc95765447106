"""How long a reader waits for the equations of an attention weight, and what the browser is sent.

    python -m tests.benchmarks.inside [--tokens 128] [--clicks 8]

Starts the app as the README does, with the shipped checkpoint, and drives it in headless Chromium:
from the link below a head on Read to the page with all formulas set, from another head to its
equations, and from a click on a term to the equation that makes it.
"""

import argparse
import re
import statistics
import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.benchmarks.browser import PATIENCE, TWO_FRAMES, chromium, new_page
from tests.benchmarks.page import text_of
from tests.benchmarks.server import running_app

UNSET = """() => [...document.querySelectorAll('*')].every(
  ({ shadowRoot }) => !shadowRoot?.querySelector('.section [data-tex]:not([data-set])'))"""
"""Whether every formula of the page is set."""


def main() -> None:
    """Print seconds and bytes of each kind of click."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--clicks", type=int, default=8)
    options = parser.parse_args()
    with running_app() as url, chromium() as browser:
        page = new_page(browser)
        messages: list[int] = []
        page.on(
            "websocket",
            lambda socket: socket.on("framereceived", lambda frame: messages.append(len(frame))),
        )
        page.goto(f"{url}/?layer=3&head=7")
        page.get_by_label("Text", exact=True).fill(text_of("oil", options.tokens))
        page.get_by_role("button", name="Read").click()
        _settle(page)

        def measure(what: str, click: Callable[[], None], shown: str) -> float:
            messages.clear()
            started = time.perf_counter()
            click()
            _wait(page, shown)
            seconds = time.perf_counter() - started
            page.wait_for_timeout(500)
            print(f"{what}: {seconds:.2f} s, {sum(messages) / 1e6:.2f} MB", flush=True)
            return seconds

        link = page.get_by_role("link", name=re.compile("Inside L3 · H7"))
        measure("from Read to all equations", link.click, "L3 · H7")
        for head in (4, 9):
            page.get_by_role("combobox", name="Head").click()
            option = page.get_by_role("option", name=str(head), exact=True)
            measure(f"to head {head}", option.click, f"L3 · H{head}")
        terms = page.get_by_test_id("term")
        seconds = [
            measure(f"to term {place}", terms.nth(place).click, "")
            for place in range(options.clicks)
        ]
        print(f"to a term: {statistics.median(seconds):.2f} s, median")


def _settle(page: Page) -> None:
    expect(page.get_by_test_id("heatmap")).to_be_visible(timeout=PATIENCE)
    page.wait_for_timeout(4000)
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_visible(timeout=PATIENCE)


def _wait(page: Page, shown: str) -> None:
    """Wait for the equations of a head, all formulas, the server, and two frames."""
    page.locator("[data-testid=equation] bdi", has_text=shown).first.wait_for()
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_visible(timeout=PATIENCE)
    page.wait_for_function(UNSET)
    page.evaluate(TWO_FRAMES)


if __name__ == "__main__":
    main()
