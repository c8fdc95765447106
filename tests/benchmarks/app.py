"""The app on a long text: what a browser is sent, and how long a reader waits for the atlas.

    python -m tests.benchmarks.app [--output report.json]

A classifier of BERT-base's shape (12 layers, 12 heads, 768 wide) with random weights is made on
the spot, with the tokenizer of the shipped checkpoint.  The text has 512 tokens.  The reading
itself, `Classifier.read`, is timed right before each wait and taken off, since it is the model's.
"""

import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

import torch
from playwright.sync_api import Browser, ElementHandle, Page, WebSocket
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

from tests.benchmarks.browser import TWO_FRAMES, new_page
from tests.benchmarks.result import Result, timed
from tests.benchmarks.server import running_app
from viz import Classifier
from viz.model.classifier import default_checkpoint

N_TOKENS = 512
ROUNDS = 5
CLICKS = ((3, 7), (9, 1), (0, 4), (6, 11), (11, 10))
INSIDE = 8
"""Pixels from a corner of a thumbnail to where it is clicked."""
SHORT = "oil prices rise as stocks fall"

POOLED = """canvas => canvas.dataset.cells &&
  canvas.closest(".root").querySelector(".caption").textContent.includes("largest of up to")"""
"""The atlas shows a long text: only then a dot stands for many weights."""
NAMED = """([canvas, name]) => canvas.dataset.grid &&
  canvas.closest(".root").querySelector(".place").textContent === name"""


@dataclass(frozen=True, slots=True)
class Wait:
    """One text, from pressing Read to the painted atlas."""

    seconds: float
    reading: float
    """Seconds that the reading alone took right before, on the same machine."""
    sent: int
    """Bytes that the browser received."""


def measure(browser: Browser) -> Iterator[Result]:
    """All results, one by one."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = make_checkpoint(Path(folder) / "base-shaped")
        with running_app() as url:
            page = new_page(browser)
            waits = list(_waits(page, url, checkpoint))
            clicks = [_click(page, layer, head) for layer, head in CLICKS]
            page.close()
    yield from _of_waits(waits)
    median = statistics.median(clicks)
    yield Result("click in the atlas to the head on screen", median, "s", at_most=0.5)
    yield Result("the slowest of these clicks", max(clicks), "s")


def _of_waits(waits: list[Wait]) -> Iterator[Result]:
    size = f"12 × 12 heads, {N_TOKENS} tokens"
    sent = statistics.median(wait.sent for wait in waits) / 1e6
    yield Result(f"sent by the app for a text, {size}", sent, "MB", at_most=2)
    total = statistics.median(wait.seconds for wait in waits)
    yield Result(f"Read to atlas painted, {size}", total, "s")
    reading = statistics.median(wait.reading for wait in waits)
    yield Result("the reading in it (Classifier.read)", reading, "s")
    after = statistics.median(wait.seconds - wait.reading for wait in waits)
    yield Result("atlas painted after the reading", after, "s", at_most=2)


def make_checkpoint(path: Path) -> Path:
    """A random classifier of BERT-base's shape, its heads as peaked as trained ones."""
    tokenizer = AutoTokenizer.from_pretrained(default_checkpoint())
    torch.manual_seed(0)
    config = BertConfig(vocab_size=len(tokenizer), num_labels=4, initializer_range=0.05)
    BertForSequenceClassification(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def text_of(checkpoint: Path, n_tokens: int, seed: int) -> str:
    """A text of exactly so many tokens, [CLS] and [SEP] among them, of words of one token each."""
    vocabulary = AutoTokenizer.from_pretrained(checkpoint).get_vocab()
    words = sorted(
        word for word in vocabulary if word.isascii() and word.isalpha() and len(word) > 3
    )
    return " ".join(random.Random(seed).choices(words, k=n_tokens - 2))


def _waits(page: Page, url: str, checkpoint: Path) -> Iterator[Wait]:
    """The waits for texts that the app has not seen; a first one warms up and is not counted."""
    classifier, sent = Classifier.load(checkpoint, device="cpu"), _count_bytes(page)
    for seed in range(ROUNDS + 1):
        text = text_of(checkpoint, N_TOKENS, seed)
        page.goto(f"{url}/?checkpoint={quote(str(checkpoint))}&text={quote(SHORT)}&unit=wordpieces")
        canvas = _settled(page)
        page.get_by_label("Text", exact=True).fill(text)
        reading, _ = timed(partial(classifier.read, text))
        before = sum(sent)
        seconds, _ = timed(partial(_press_read, page, canvas))
        _settled(page)
        if seed:
            yield Wait(seconds, reading, sum(sent) - before)


def _press_read(page: Page, canvas: ElementHandle) -> None:
    """Press Read and wait until the atlas shows the long text."""
    page.get_by_role("button", name="Read").click()
    page.wait_for_function(POOLED, arg=canvas)
    page.evaluate(TWO_FRAMES)


def _settled(page: Page) -> ElementHandle:
    """The canvas of the atlas, once the page has been drawn to its end."""
    page.get_by_test_id("heatmap").wait_for()
    page.locator("[data-test-script-state=notRunning]").wait_for()
    page.wait_for_timeout(1000)
    return page.get_by_test_id("atlas").element_handle()


def _click(page: Page, layer: int, head: int) -> float:
    """Seconds from a click on a head in the atlas until its heat map is painted."""
    atlas = page.get_by_test_id("atlas")
    heatmap = page.get_by_test_id("heatmap").element_handle()
    atlas.scroll_into_view_if_needed()
    cells = json.loads(atlas.get_attribute("data-cells") or "[]")
    x, y = next((x, y) for row, column, x, y in cells if (row, column) == (layer, head))
    box = atlas.bounding_box()
    if box is None:
        raise RuntimeError("the atlas is not on the page")
    started = time.perf_counter()
    page.mouse.click(box["x"] + x + INSIDE, box["y"] + y + INSIDE)
    page.wait_for_function(NAMED, arg=[heatmap, f"L{layer} · H{head}"])
    page.evaluate(TWO_FRAMES)
    seconds = time.perf_counter() - started
    _settled(page)
    return seconds


def _count_bytes(page: Page) -> list[int]:
    """The sizes of all that the page's websockets receive, growing as they do."""
    sizes: list[int] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: sizes.append(len(frame)))

    page.on("websocket", listen)
    return sizes


if __name__ == "__main__":
    from tests.benchmarks.__main__ import main

    main(("app",))
