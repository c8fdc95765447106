"""How long a reader waits: the app's start, and from pressing Read to the finished page.

    python -m tests.benchmarks.page [--tokens 128] [--rounds 10]

Starts the app as the README does, with the shipped checkpoint, and drives it in headless Chromium.
A page is finished when the server is done and the new text is colored, which comes after the
pictures of all heads.  The bare eager forward pass of the same tokens is
timed in the same run, as the unit that a reader can compare with.
"""

import argparse
import statistics
import time

import torch
from playwright.sync_api import Page, expect
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from tests.benchmarks.browser import TWO_FRAMES, chromium, new_page
from tests.benchmarks.server import running_app
from viz.model.classifier import default_checkpoint

NOUNS = (
    "oil",
    "court",
    "rain",
    "team",
    "moon",
    "bank",
    "train",
    "vote",
    "chip",
    "cup",
    "film",
    "sea",
)


def main() -> None:
    """Print the start, the first page, each round's median and the unit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    started = time.perf_counter()
    with running_app() as url, chromium() as browser:
        opened = time.perf_counter()
        page = new_page(browser)
        page.goto(url)
        _wait_for_page(page, "Oil")
        ready = time.perf_counter()
        print(
            f"start to first finished page: {ready - started:5.2f} s "
            f"({opened - started:.2f} s of it until server and browser were up)"
        )
        nouns = NOUNS[: options.rounds + 2]
        seconds = [_read(page, noun, options.tokens) for noun in nouns][2:]
    forward = _bare_forward(options.tokens)
    median = statistics.median(seconds)
    print(
        f"Read to finished page, {options.tokens} tokens: {median:5.2f} s "
        f"(largest {max(seconds):.2f} s)"
    )
    print(
        f"bare eager forward pass: {forward:.3f} s; the page takes {median / forward:.1f} of them"
    )


def _read(page: Page, noun: str, n_tokens: int) -> float:
    """Seconds from pressing Read to the page of a text that begins with `noun`."""
    page.get_by_label("Text", exact=True).fill(text_of(noun, n_tokens))
    started = time.perf_counter()
    page.get_by_role("button", name="Read").click()
    _wait_for_page(page, noun)
    return time.perf_counter() - started


def text_of(noun: str, n_tokens: int) -> str:
    """A text of exactly so many tokens, [CLS] and [SEP] among them."""
    return f"{noun} " * (n_tokens - 2)


def _wait_for_page(page: Page, first_word: str) -> None:
    """Wait for the colored text, which comes after all heads, the server, and two frames."""
    expect(page.get_by_test_id("word").first).to_have_text(first_word, timeout=60_000)
    expect(page.get_by_test_id("heatmap")).to_be_visible(timeout=60_000)
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_visible(timeout=60_000)
    page.evaluate(TWO_FRAMES)


def _bare_forward(n_tokens: int) -> float:
    tokenizer = AutoTokenizer.from_pretrained(default_checkpoint())
    model = AutoModelForSequenceClassification.from_pretrained(
        default_checkpoint(), attn_implementation="eager", dtype=torch.float32
    ).eval()
    inputs = tokenizer(text_of("oil", n_tokens), return_tensors="pt")
    times = []
    with torch.inference_mode():
        for _ in range(13):
            started = time.perf_counter()
            model(**inputs)
            times.append(time.perf_counter() - started)
    return statistics.median(times[3:])


if __name__ == "__main__":
    main()
