"""How time, memory and payload grow with a text, from 512 to 8,192 tokens.

    python -m tests.benchmarks.long_texts [--tokens 512 1024 2048 4096 8192] [--no-app]

A classifier of ModernBERT-base's shape (22 layers, 12 heads, 768 wide) with random weights is made
on the spot, and a text of random words of one token each.  Each length has a process of its own,
which times a bare forward pass (no recording, as the checkpoint loads) and `Classifier.read`, in
turns, and tells the most memory that it ever had, the model and torch included.  Then the app reads
a text of each length in headless Chromium: how long after its reading the atlas is painted, and
what the page received by then.  The reading of a long text ends where its progress bar goes, which
looks twice a second whether it did; a shorter one, which has none, is timed before and taken off.
"""

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page

from tests.benchmarks.app import SHORT, _count_bytes, _settled
from tests.benchmarks.browser import PATIENCE, TWO_FRAMES, chromium, new_page
from tests.benchmarks.memory import peak_gigabytes
from tests.benchmarks.result import Result, tell
from tests.benchmarks.server import running_app

LENGTHS = (512, 1024, 2048, 4096, 8192)
MOST_TIME = 1.5
"""Times a bare forward pass."""
MOST_MEMORY, MOST_SENT, MOST_WAIT = 6.0, 2.0, 2.0
"""Gigabytes in all, megabytes sent, and seconds from the reading to the picture."""
READING = re.compile("^Reading")
"""What stands above the progress of a reading."""
ENOUGH_SECONDS = 30
"""A pass that takes longer is timed once, a shorter one three times."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What one length takes."""

    bare: float
    """Seconds of a bare forward pass."""
    read: float
    """Seconds of a reading."""
    peak: float
    """Gigabytes at most."""


def main() -> None:
    """Print the table, and exit with 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, nargs="+", default=list(LENGTHS))
    parser.add_argument("--no-app", action="store_true", help="leave the browser out")
    parser.add_argument("--output", type=Path, help="a JSON file to write")
    options = parser.parse_args()
    sys.exit(not tell(measure(options.tokens, app=not options.no_app), options.output))


def measure(lengths: Sequence[int] = LENGTHS, *, app: bool = True) -> Iterator[Result]:
    """The numbers of each length, one by one."""
    with tempfile.TemporaryDirectory() as room:
        _call("make", room, max(lengths))
        readings: dict[int, float] = {}
        for length in lengths:
            growth = Growth(**json.loads(_call("show", room, length)))
            readings[length] = growth.read
            yield Result(f"{length:,} tokens: bare forward pass", growth.bare, "s")
            yield Result(f"{length:,} tokens: reading", growth.read, "s")
            ratio = growth.read / growth.bare
            yield Result(f"{length:,} tokens: reading", ratio, "passes", at_most=MOST_TIME)
            yield Result(f"{length:,} tokens: peak", growth.peak, "GB", at_most=MOST_MEMORY)
        if app:
            yield from _painted(Path(room), readings)


def _painted(checkpoint: Path, readings: dict[int, float]) -> Iterator[Result]:
    with running_app() as url, chromium() as browser:
        page = new_page(browser)
        page.set_default_timeout(20 * PATIENCE)
        sent = _count_bytes(page)
        for length, reading in readings.items():
            page.goto(f"{url}/?checkpoint={quote(str(checkpoint))}&text={quote(SHORT)}")
            _settled(page)
            page.get_by_label("Text", exact=True).fill(text_of(length, seed=length + 1))
            before = sum(sent)
            waited = _wait(page, reading)
            received = (sum(sent) - before) / 1e6
            what = f"{length:,} tokens: atlas painted after the reading"
            yield Result(what, waited, "s", at_most=MOST_WAIT)
            what = f"{length:,} tokens: sent by then"
            yield Result(what, received, "MB", at_most=MOST_SENT)


def _wait(page: Page, reading: float) -> float:
    """Seconds from the end of a reading to the atlas of the long text.

    Args:
        page: With the text in its field.
        reading: Seconds that a reading takes.
    """
    started = time.perf_counter()
    page.get_by_role("button", name="Read", exact=True).click()
    pooled = page.get_by_text("largest of up to").first  # only of a long text a dot is many weights
    bar = page.get_by_text(READING).first
    bar.or_(pooled).first.wait_for()
    ended = started + reading
    if not pooled.is_visible():
        bar.wait_for(state="hidden")
        ended = time.perf_counter()
    pooled.wait_for()
    page.locator("[data-testid=atlas][data-cells]").wait_for()
    page.evaluate(TWO_FRAMES)
    return time.perf_counter() - ended


def text_of(n_tokens: int, seed: int) -> str:
    """A text of exactly so many tokens, [CLS] and [SEP] among them."""
    words = ("oil", "prices", "rise", "as", "stocks", "fall", "team", "wins", "peace", "talks")
    return " ".join(random.Random(seed).choices(words, k=n_tokens - 2))


def _call(function: str, *arguments: object) -> str:
    """Call a function of this module in a process of its own; returns the last line it prints."""
    call = f"from tests.benchmarks import long_texts; long_texts.{function}(*{arguments!r})"
    environment = {**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", call], stdout=subprocess.PIPE, text=True, check=True, env=environment
    )
    return done.stdout.splitlines()[-1] if done.stdout else ""


def make(room: str, n_tokens: int) -> None:
    """Save a random classifier of ModernBERT-base's shape that reads texts of `n_tokens`."""
    import torch
    from transformers import ModernBertConfig, ModernBertForSequenceClassification

    from tests.tiny_models import tokenizer

    words = tokenizer("distilbert")
    words.model_max_length = n_tokens
    ids = {f"{name}_token_id": getattr(words, f"{name}_token_id") for name in ("pad", "cls", "sep")}
    config = ModernBertConfig(
        num_labels=4,
        max_position_embeddings=max(8192, n_tokens),
        bos_token_id=ids["cls_token_id"],
        eos_token_id=ids["sep_token_id"],
        **ids,
    )
    torch.manual_seed(0)
    ModernBertForSequenceClassification(config).save_pretrained(room)
    words.save_pretrained(room)


def show(room: str, n_tokens: int) -> None:
    """Time bare passes and readings of the model that `make` saved, and print them as JSON."""
    from dataclasses import asdict

    from viz import Classifier

    classifier = Classifier.load(room, device="cpu")
    encoding = classifier.encode(text_of(n_tokens, seed=n_tokens))
    assert encoding.n_tokens == n_tokens
    bare, read = list[float](), list[float]()
    classifier.read("oil prices rise")
    while not bare or (len(bare) < 3 and max(bare) < ENOUGH_SECONDS):
        started = time.perf_counter()
        classifier.logits([encoding.inputs])
        bare.append(time.perf_counter() - started)
        started = time.perf_counter()
        classifier.read_encoding(encoding)
        read.append(time.perf_counter() - started)
    print(
        json.dumps(
            asdict(Growth(statistics.median(bare), statistics.median(read), peak_gigabytes()))
        )
    )


if __name__ == "__main__":
    main()
