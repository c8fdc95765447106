"""How long a reader waits: the app's start, and from pressing Read to the finished page.

    python -m tests.benchmarks.page [--tokens 128] [--rounds 10]

Starts the app as the README does, with the shipped checkpoint, and drives it in headless Chromium.
A page is finished when the server is done, the new text is coloured and the last picture, the heat
map, has been drawn with the new text's tokens.  The bare eager forward pass of the same tokens is
timed in the same run, as the unit that a reader can compare with.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import torch
from playwright.sync_api import Page, expect, sync_playwright
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from viz.classifier import default_checkpoint

ROOT = Path(__file__).resolve().parents[2]
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
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"]
    started = time.perf_counter()
    server = subprocess.Popen(
        [*command, "--server.headless=true"],
        cwd=ROOT,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        stdout=subprocess.DEVNULL,
    )
    try:
        _measure(f"http://localhost:{port}", started, options.tokens, options.rounds)
    finally:
        server.terminate()
        server.wait(10)


def _measure(url: str, started: float, n_tokens: int, rounds: int) -> None:
    _wait_until_healthy(url)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        opened = time.perf_counter()
        page.goto(url)
        _wait_for_page(page, "Oil")
        ready = time.perf_counter()
        print(
            f"start to first finished page: {ready - started:5.2f} s "
            f"({opened - started:.2f} s of it until server and browser were up)"
        )
        seconds = [_read(page, noun, n_tokens) for noun in NOUNS[: rounds + 2]][2:]
        browser.close()
    forward = _bare_forward(n_tokens)
    median = statistics.median(seconds)
    print(
        f"Read to finished page, {n_tokens} tokens: {median:5.2f} s (largest {max(seconds):.2f} s)"
    )
    print(
        f"bare eager forward pass: {forward:.3f} s; the page takes {median / forward:.1f} of them"
    )


def _read(page: Page, noun: str, n_tokens: int) -> float:
    """Seconds from pressing Read to the page of a text that begins with `noun`."""
    page.get_by_label("Text", exact=True).fill(_text(noun, n_tokens))
    started = time.perf_counter()
    page.get_by_role("button", name="Read").click()
    _wait_for_page(page, noun)
    return time.perf_counter() - started


def _text(noun: str, n_tokens: int) -> str:
    """A text of exactly so many tokens, [CLS] and [SEP] among them.

    Nothing but the noun, so that any label which the heat map has room for names it.
    """
    return f"{noun} " * (n_tokens - 2)


def _wait_for_page(page: Page, first_word: str) -> None:
    """Wait for the coloured text, the server, and the heat map's own label of the first word."""
    expect(page.get_by_test_id("word").first).to_have_text(first_word, timeout=60_000)
    label = page.locator(".js-plotly-plot .ytick text").filter(has_text=first_word)
    expect(label.first).to_be_visible(timeout=60_000)
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_visible(timeout=60_000)


def _bare_forward(n_tokens: int) -> float:
    tokenizer = AutoTokenizer.from_pretrained(default_checkpoint())
    model = AutoModelForSequenceClassification.from_pretrained(
        default_checkpoint(), attn_implementation="eager", dtype=torch.float32
    ).eval()
    inputs = tokenizer(_text("oil", n_tokens), return_tensors="pt")
    times = []
    with torch.inference_mode():
        for _ in range(13):
            started = time.perf_counter()
            model(**inputs)
            times.append(time.perf_counter() - started)
    return statistics.median(times[3:])


def _wait_until_healthy(url: str) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the app did not start")


if __name__ == "__main__":
    main()
