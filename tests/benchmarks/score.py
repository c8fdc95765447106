"""`python -m viz score` against a loop that takes one text, one method and one version at a time.

    python -m tests.benchmarks score [--output report.json]

The loop is what one writes first: `attribute` and `measure` for each text and method, with a
Perturbation of its own, each version read in a pass of its own.  It computes with all cores, as
torch does by itself.  `score` is the command as it is typed: its start, the start of its processes
and its file are in its time, the loop's start is not in that of the loop.  Both measure the same
methods, random orders and operators of the same texts, and must find the same.
"""

import csv
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from unittest.mock import patch

from tests.benchmarks.result import Result, timed
from viz import METHODS, Classifier, attribute
from viz.app.examples import load_examples
from viz.attribution.target import Target
from viz.faithfulness import metrics
from viz.faithfulness.orders import random_orders
from viz.faithfulness.record import FaithfulnessRecord, load
from viz.model import perturbation
from viz.model.classifier import default_checkpoint
from viz.model.perturbation import OPERATORS, Operator, Perturbation
from viz.types import Reading

PEER = "one text, method and version at a time"
N_RANDOM = 10
MAX_PASSES = 10
"""Methods that take more are left out, or the loop would run for an hour."""
TOLERANCE = 0.01
"""Near-equal scores may change places, as the last bit of a logit depends on its batch."""

Aopc = dict[tuple[str, Operator], float]
"""The mean AOPC by method and operator; "" stands for the random orders."""


def measure() -> Iterator[Result]:
    """All results, one by one."""
    methods = tuple(name for name, method in METHODS.items() if method.cost <= MAX_PASSES)
    texts = _texts()
    ours, record = timed(lambda: _command(texts, methods))
    classifier = Classifier.load(default_checkpoint())
    with patch.object(perturbation, "MAX_ROWS", 1):
        theirs, found = timed(lambda: _loop(classifier, texts, methods))
    _check_same(_written(record), found)
    what = f"score, {len(texts)} texts, {len(methods)} methods, {N_RANDOM} random orders"
    yield Result(what, ours, "s", theirs, PEER, at_least=2)


def _texts() -> list[str]:
    """The shipped examples, and each together with the next: 25 to 60 words."""
    shipped = [example.text for example in load_examples()]
    following = [*shipped[1:], shipped[0]]
    return [*shipped, *(f"{one} {two}" for one, two in zip(shipped, following, strict=True))]


def _command(texts: Sequence[str], methods: Sequence[str]) -> FaithfulnessRecord:
    with TemporaryDirectory() as folder:
        data, output = Path(folder) / "texts.csv", Path(folder) / "faithfulness.json"
        with data.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["text"], *([text] for text in texts)])
        options = ["--data", data, "--methods", ",".join(methods), "--output", output]
        command = [sys.executable, "-m", "viz", "score", *map(str, options)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return load(output)


def _written(record: FaithfulnessRecord) -> Aopc:
    own = {
        (each.method, operator): each.under[operator].means["aopc"]
        for each in record.methods
        for operator in OPERATORS
    }
    return own | {("", operator): record.random[operator]["aopc"] for operator in OPERATORS}


def _loop(classifier: Classifier, texts: Sequence[str], methods: Sequence[str]) -> Aopc:
    found: dict[tuple[str, Operator], list[float]] = {}
    for row, text in enumerate(texts):
        reading = classifier.read(text)
        for operator in OPERATORS:
            for name in methods:
                aopc = _explained(classifier, reading, name, operator, row)
                found.setdefault((name, operator), []).append(aopc)
            found.setdefault(("", operator), []).append(_drawn(classifier, reading, operator, row))
    return {key: fmean(values) for key, values in found.items()}


def _explained(
    classifier: Classifier, reading: Reading, method: str, operator: Operator, seed: int
) -> float:
    versions = Perturbation(classifier, reading.encoding)
    made = attribute(classifier, reading, method)
    target = Target(made.target_class, made.against_class)
    return metrics.measure(versions, target, versions.to_words(made.scores), operator, seed)["aopc"]


def _drawn(classifier: Classifier, reading: Reading, operator: Operator, seed: int) -> float:
    predicted = reading.prediction.predicted_class
    target = Target(predicted, reading.prediction.runner_up(predicted))
    n_words = Perturbation(classifier, reading.encoding).n_words
    each = [
        metrics.measure_orders(Perturbation(classifier, reading.encoding), target, [one], operator)[
            0
        ]["aopc"]
        for one in random_orders(n_words, N_RANDOM, seed)
    ]
    return fmean(each)


def _check_same(ours: Aopc, theirs: Aopc) -> None:
    for key, expected in theirs.items():
        if not abs(ours[key] - expected) <= TOLERANCE:
            raise AssertionError(f"{key}: the command found {ours[key]}, the loop {expected}")
