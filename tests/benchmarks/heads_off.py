"""How long a reader waits when a click turns a head off, and what of it is computing.

    python -m tests.benchmarks heads_off

The shipped checkpoint reads a text of 128 tokens.  A click is answered when the page has said how
many heads are off and has been drawn to its end: class, words and the maps of the layers above.
The same is then computed without a page, for heads that nobody has turned off before: the first
one, for which the output projections are looked for, and others.
"""

import json
import random
import re
import statistics
import time
from collections.abc import Iterator
from functools import partial
from urllib.parse import quote

from playwright.sync_api import Browser, Page, expect

from tests.benchmarks.app import INSIDE, text_of
from tests.benchmarks.browser import TWO_FRAMES, new_page
from tests.benchmarks.result import Result, timed
from tests.benchmarks.server import Server, running_server
from viz import Classifier
from viz.model.classifier import default_checkpoint

N_TOKENS = 128
ROUNDS = 10


def measure(browser: Browser) -> Iterator[Result]:
    """All results, one by one."""
    text = text_of(default_checkpoint(), N_TOKENS, seed=0)
    classifier = Classifier.load(default_checkpoint(), device="cpu")
    classifier.read(text)
    heads = [(layer, head) for layer in range(6) for head in range(12)]
    random.Random(0).shuffle(heads)
    first, *others = [
        timed(partial(classifier.read, text, without=[head]))[0] for head in heads[:ROUNDS]
    ]
    plain = statistics.median(timed(partial(classifier.read, text))[0] for _ in range(ROUNDS))
    yield Result(f"a reading with all heads, {N_TOKENS} tokens", plain, "s")
    yield Result("the first reading with a head off", first, "s", at_most=1)
    yield Result("a reading with another head off", statistics.median(others), "s")
    with running_server() as server:
        page = new_page(browser)
        page.goto(f"{server.url}/?text={quote(text)}")
        page.get_by_test_id("heatmap").wait_for()
        page.get_by_label("heads off").check()
        waits = [
            _click(page, server, head, count) for count, head in enumerate(heads[:ROUNDS], start=1)
        ]
    seconds, computing = zip(*waits, strict=True)
    yield Result("click to finished page, the first", seconds[0], "s", at_most=1)
    yield Result("click to finished page", statistics.median(seconds[1:]), "s", at_most=1)
    yield Result("of a processor, by the server", statistics.median(computing[1:]), "s")


def _click(page: Page, server: Server, head: tuple[int, int], count: int) -> tuple[float, float]:
    """Seconds from a click on a head to the page without it, and those of a processor."""
    page.locator("[data-test-script-state=notRunning]").wait_for()
    page.wait_for_timeout(1500)  # evidence is measured in the background
    atlas = page.get_by_test_id("atlas")
    atlas.scroll_into_view_if_needed()
    cells = json.loads(atlas.get_attribute("data-cells") or "[]")
    x, y = next((x, y) for row, column, x, y in cells if (row, column) == head)
    started, before = time.perf_counter(), server.seconds()
    atlas.click(position={"x": x + INSIDE, "y": y + INSIDE})
    line = page.locator(".st-key-heads-off-line")
    expect(line).to_contain_text(re.compile(rf"^\D*{count} heads? (is|are) off"), timeout=60_000)
    page.locator("[data-test-script-state=notRunning]").wait_for()
    page.evaluate(TWO_FRAMES)
    return time.perf_counter() - started, server.seconds() - before


if __name__ == "__main__":
    from tests.benchmarks.__main__ import main

    main(("heads_off",))
