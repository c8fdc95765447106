"""How long a reader waits for the badge beside the explanation, once the page stands.

    python -m tests.benchmarks evidence

Starts the app as the README does, with the shipped checkpoint, and reads texts of 50 words.
"""

import statistics
import time
from collections.abc import Iterator

from playwright.sync_api import Browser, Page, expect

from tests.benchmarks.browser import TWO_FRAMES, new_page
from tests.benchmarks.page import NOUNS
from tests.benchmarks.result import Result
from tests.benchmarks.server import running_app

ROUNDS = 5
TEXT = (
    "{noun} prices rise as stocks fall while the minister talks of peace and the central bank "
    "keeps its rates for another month although traders had hoped that a weaker currency would "
    "help the factories of the north which sell most of their machines abroad to buyers who pay "
    "in euros today"
)
PATIENCE = 60_000
"""Milliseconds."""


def measure(browser: Browser) -> Iterator[Result]:
    """The wait, as a median over texts that the app has not seen; a first one warms it up."""
    with running_app() as url:
        page = new_page(browser)
        page.goto(url)
        page.get_by_test_id("word").first.wait_for()
        waits = [_wait(page, noun) for noun in NOUNS[: ROUNDS + 1]][1:]
        page.close()
    after, whole = (statistics.median(wait) for wait in zip(*waits, strict=True))
    yield Result("page of 50 words to its badge", after, "s", at_most=2)
    yield Result("Read to that badge", whole, "s")


def _wait(page: Page, noun: str) -> tuple[float, float]:
    """Seconds from the page of a text, and from pressing Read, to the badge."""
    badge = page.locator(".st-key-evidence .stMarkdownBadge")
    expect(badge).not_to_have_text("measuring …", timeout=PATIENCE)
    page.get_by_label("Text", exact=True).fill(TEXT.format(noun=noun.capitalize()))
    started = time.perf_counter()
    page.get_by_role("button", name="Read").click()
    word = page.get_by_test_id("word").first
    expect(word).to_have_text(noun.capitalize(), timeout=PATIENCE)
    page.evaluate(TWO_FRAMES)
    stands = time.perf_counter()
    expect(badge).to_have_text("measuring …", timeout=PATIENCE)
    page.wait_for_function(
        "() => document.querySelector('.st-key-evidence .stMarkdownBadge')?.textContent"
        ".includes('random')"
    )
    page.evaluate(TWO_FRAMES)
    done = time.perf_counter()
    return done - stands, done - started


if __name__ == "__main__":
    from tests.benchmarks.__main__ import main

    main(("evidence",))
