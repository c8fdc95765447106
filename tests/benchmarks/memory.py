"""Peak memory of every method on a long text, with a model in the shape of BERT-base.

    python -m tests.benchmarks.memory [--methods NAME ...] [--tokens 512] [--seconds 60]

Each method runs in a process of its own, which holds one float32 model of random weights and reads
one text of one-token words; what counts is the most memory that process ever had, Python, torch and
the weights included.  The options of a method are its defaults, so that its batches are too.  One
that takes longer than `--seconds` is stopped then: its batches all have the same size by that time,
and the table says how many of its passes were done.  With `--seconds 0` nothing is stopped.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.result import Result, tell

LIMIT = 4.0
"""Gigabytes (10^9 bytes) that a method may take in all."""
WORDS = ("oil", "prices", "rise", "as", "stocks", "fall", "team", "wins", "peace", "talks")


@dataclass(frozen=True, slots=True)
class Peak:
    """What a method took."""

    before: float
    """Gigabytes at most, once the model was loaded and the text read."""
    at_most: float
    """Gigabytes at most, once the method had run."""
    passes: float
    """Passes that it told of."""
    expected: float
    seconds: float
    stopped: bool
    refused: str | None = None


class _Enough(Exception):  # noqa: N818 - it is no error
    """The time is up."""


def main() -> None:
    """Print the table, and exit with 1 where a method took too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", nargs="+", help="by default all")
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--output", type=Path, help="a JSON file to write")
    options = parser.parse_args()
    results = measure(options.methods, options.tokens, options.seconds)
    sys.exit(not tell(results, options.output))


def measure(
    methods: Sequence[str] | None = None, n_tokens: int = 512, seconds: float = 60
) -> Iterator[Result]:
    """The peak of each method, one by one, and then the highest of all."""
    from viz.attribution import METHODS

    peaks = []
    with tempfile.TemporaryDirectory() as room:
        _call("make", room, n_tokens)
        for name in methods or METHODS:
            peak = Peak(**json.loads(_call("show", room, name, seconds)))
            peaks.append(peak.at_most)
            yield Result(_what(name, peak), peak.at_most, "GB", at_most=LIMIT)
    what = f"the most of {len(peaks)} methods, {n_tokens} tokens, 12 layers, 12 heads, 768 wide"
    yield Result(what, max(peaks), "GB", at_most=LIMIT)


def _what(name: str, peak: Peak) -> str:
    """How a method's line begins."""
    if peak.refused is not None:
        return f"{name}: {peak.refused}"
    done = f", {peak.passes:.0f} of {peak.expected:.0f} passes" if peak.stopped else ""
    return f"{name}{done}, {peak.seconds:.0f} s, {peak.before:.2f} GB before"


def _call(function: str, *arguments: object) -> str:
    """Call a function of this module in a process of its own; returns what it prints."""
    call = f"from tests.benchmarks import memory; memory.{function}(*{arguments!r})"
    done = subprocess.run(
        [sys.executable, "-c", call], stdout=subprocess.PIPE, text=True, check=True, env=_own()
    )
    return done.stdout.splitlines()[-1] if done.stdout else ""


def _own() -> dict[str, str]:
    return {**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1", "TOKENIZERS_PARALLELISM": "false"}


def make(room: str, n_tokens: int) -> None:
    """Save a random classifier in the shape of BERT-base that reads texts of `n_tokens`."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    from tests.tiny_models import tokenizer

    words = tokenizer("bert")
    words.model_max_length = n_tokens
    config = BertConfig(max_position_embeddings=max(512, n_tokens), num_labels=4)
    torch.manual_seed(0)
    BertForSequenceClassification(config).save_pretrained(room)
    words.save_pretrained(room)


def show(room: str, name: str, seconds: float) -> None:
    """Run a method on the model that `make` saved, and print its peak as JSON."""
    from dataclasses import asdict

    from viz import METHODS, Classifier, attribute
    from viz.errors import MethodError
    from viz.model.perturbation import Perturbation

    classifier = Classifier.load(room, device="cpu")
    n_words = classifier.tokenizer.model_max_length - 2
    reading = classifier.read(" ".join(WORDS[at % len(WORDS)] for at in range(n_words)))
    assert reading.encoding.n_tokens == n_words + 2
    before, started, told = peak_gigabytes(), time.perf_counter(), [0.0]

    def progress(passes: float) -> None:
        told[0] += passes
        if seconds and time.perf_counter() - started > seconds:
            raise _Enough

    stopped, refused = False, None
    try:
        attribute(classifier, reading, name, progress=progress)
    except _Enough:
        stopped = True
    except MethodError as error:
        refused = str(error)
    took = time.perf_counter() - started
    how = METHODS[name]
    units = Perturbation(classifier, reading.encoding).n_words
    expected = how.forward_passes(units, classifier.n_layers, how.resolve_options(None))
    peak = Peak(before, peak_gigabytes(), told[0], expected, took, stopped, refused)
    print(json.dumps(asdict(peak)))


def peak_gigabytes() -> float:
    """The most memory this process ever had, in gigabytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts kibibytes, macOS bytes.
    return most * (1 if sys.platform == "darwin" else 1024) / 1e9


if __name__ == "__main__":
    main()
