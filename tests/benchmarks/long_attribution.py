"""What it takes to attribute a long text: time in bare forward passes, and memory.

    python -m tests.benchmarks.long_attribution [--tokens 2048 8192] [--methods decomposition ...]

The classifier is that of `tests.benchmarks.long_texts`.  Each length and method has a process of
its own, which times a bare forward pass and the method, and tells the most memory that it ever had:
the model, torch, the reading and its pictures included.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path

from tests.benchmarks.long_texts import make, text_of
from tests.benchmarks.memory import peak_gigabytes
from tests.benchmarks.result import Result, tell

LENGTHS = (2048, 8192)
METHODS = ("decomposition", "decomposition-path", "input-x-gradient")
MOST_MEMORY = 8.0
"""Gigabytes in all."""


def main() -> None:
    """Print the table, and exit with 1 where memory is too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, nargs="+", default=list(LENGTHS))
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--output", type=Path, help="a JSON file to write")
    options = parser.parse_args()
    sys.exit(not tell(measure(options.tokens, options.methods), options.output))


def measure(lengths: Sequence[int] = LENGTHS, methods: Sequence[str] = METHODS) -> Iterator[Result]:
    """The numbers of each length and method, one by one."""
    with tempfile.TemporaryDirectory() as room:
        make(room, max(lengths))
        for length in lengths:
            for method in methods:
                with get_context("spawn").Pool(1) as process:
                    bare, seconds, peak = process.apply(attributed, (room, length, method))
                what = f"{length:,} tokens: {method}"
                yield Result(what, seconds, "s")
                yield Result(what, seconds / bare, "passes")
                yield Result(f"{what}, peak", peak, "GB", at_most=MOST_MEMORY)


def attributed(room: str, n_tokens: int, method: str) -> tuple[float, float, float]:
    """Seconds of a bare forward pass and of a method, and gigabytes at most."""
    from viz import Classifier, attribute

    classifier = Classifier.load(room, device="cpu")
    encoding = classifier.encode(text_of(n_tokens, seed=n_tokens))
    started = time.perf_counter()
    classifier.logits([encoding.inputs])
    bare = time.perf_counter() - started
    reading = classifier.read_encoding(encoding)
    started = time.perf_counter()
    attribute(classifier, reading, method)
    return bare, time.perf_counter() - started, peak_gigabytes()


if __name__ == "__main__":
    main()
