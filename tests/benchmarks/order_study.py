"""How faithful orders of words are that are no methods of the product, row by row of a file.

Texts, orders, AOPC, limits and intervals are those of `clsight score`.  Each row that was measured
is a line of JSON at once, so that a run that is stopped goes on where it was; a line holds numbers
and no text.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from finetune.run.progress import progress_bar
from viz.attribution import METHODS, resolve_target
from viz.attribution.aopc import aopc
from viz.attribution.best_order import SEARCH
from viz.attribution.method import AttributionInput, no_progress
from viz.attribution.method_spec import MethodSpec
from viz.faithfulness.bootstrap import mean_interval, ratio_interval
from viz.faithfulness.interval import Interval
from viz.faithfulness.orders import N_RANDOM, random_orders, word_order
from viz.model.classifier import Classifier
from viz.model.perturbation import Perturbation
from viz.model.text_files import Row, open_texts
from viz.types import Reading

FORMAT = 2
"""Of the lines; those of another one are not read."""
SHUFFLE_SEED = 11
RANDOM = "random"
"""The mean of random orders, beside the scorers."""
BEST = "best"
"""The best order that was searched for, or measured."""

WordScorer = Callable[[AttributionInput], FloatArray]
"""Scores of the words of a text.  (n_words,)"""


def by_method(text: str) -> WordScorer:
    """The words' scores by a method of the product, written as for `clsight score --methods`."""

    def scores(inputs: AttributionInput) -> FloatArray:
        spec = MethodSpec.parse(text, classifier=inputs.classifier)
        own = AttributionInput(
            inputs.classifier,
            inputs.reading,
            inputs.target,
            spec.options,
            no_progress,
            inputs.perturbation,
        )
        return inputs.perturbation.to_words(METHODS[spec.method.name].run(own).scores)

    return scores


@dataclass(frozen=True, slots=True)
class RowOrders:
    """What the orders of one text reach."""

    row: int
    """Its number in the file."""
    n_words: int
    aopc: Mapping[str, Mapping[str, float]]
    """By operator and scorer; with `RANDOM`, and as `BEST` the best of all of these orders."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """What each scorer took, of its own."""


@dataclass(frozen=True, slots=True)
class StudyRows:
    """Rows of a file that a classifier is to be measured on.

    Args:
        classifier: The classifier.
        data: The file.
        words: The least and the most words, between blanks, of a text that is taken.
        seed: The order in which texts are taken.
    """

    classifier: Classifier
    data: Path
    words: tuple[int, int]
    seed: int = SHUFFLE_SEED

    def rows(self, first: int, count: int) -> list[Row]:
        """So many of the shuffled texts of that length, behind the first so many."""
        texts = list(open_texts(self.data).rows)
        np.random.default_rng(self.seed).shuffle(texts)
        least, most = self.words
        fitting = [row for row in texts if least <= len(row.text.split()) <= most]
        return fitting[first : first + count]

    def key(self, **settings: object) -> str:
        """A name of all that the numbers of a row depend on."""
        about = {
            "format": FORMAT,
            "checkpoint": self.classifier.fingerprint,
            "data": hashlib.sha256(self.data.read_bytes()).hexdigest(),
            **settings,
        }
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]

    def measure(
        self, folder: Path, rows: Sequence[Row], scorers: Mapping[str, WordScorer]
    ) -> list[RowOrders]:
        """What scorers reach on rows, of which those that were measured before are read."""
        file = folder / f"{self.key(scorers=list(scorers))}.jsonl"
        known = {line["row"]: RowOrders(**line) for line in _lines(file)}
        for row in _left(rows, known, f"{self.classifier.name}, {self.data.parent.name}"):
            known[row.number] = measured_row(self.classifier, row, scorers)
            _append(file, asdict(known[row.number]))
        return [known[row.number] for row in rows]

    def best(
        self, folder: Path, rows: Sequence[Row], n_versions: int
    ) -> dict[int, Mapping[str, float]]:
        """The highest AOPC that a search finds, by the number of a row and operator."""
        file = folder / f"{self.key(n_versions=n_versions)}.jsonl"
        known: dict[int, Mapping[str, float]] = {line["row"]: line[BEST] for line in _lines(file)}
        for row in _left(rows, known, f"search, {self.data.parent.name}"):
            known[row.number] = searched_aopc(self.classifier, row, n_versions)
            _append(file, {"row": row.number, BEST: known[row.number]})
        return {row.number: known[row.number] for row in rows}


def searched_aopc(classifier: Classifier, row: Row, n_versions: int) -> dict[str, float]:
    """The highest AOPC that a search finds under each operator."""
    reading, versions, inputs = _inputs(classifier, row)
    best: dict[str, float] = {}
    for operator in versions.operators:
        # With versions of its own: what was read before must not change what comes out.
        options = {"operator": operator, "goal": "best", "rows": n_versions}
        own = AttributionInput(classifier, reading, inputs.target, options)
        best[operator] = SEARCH.run(own).measured["aopc"]
    return best


def measured_row(classifier: Classifier, row: Row, scorers: Mapping[str, WordScorer]) -> RowOrders:
    """The AOPC of each scorer's order, of random orders and of the best of all, reversed or not."""
    reading, versions, inputs = _inputs(classifier, row)
    scores, seconds = {}, {}
    for name, scorer in scorers.items():
        own = Perturbation(classifier, reading.encoding)
        started = time.perf_counter()
        scores[name] = scorer(
            AttributionInput(classifier, reading, inputs.target, {}, no_progress, own)
        )
        seconds[name] = time.perf_counter() - started
        versions.update(own)
    random = random_orders(versions.n_words, N_RANDOM, row.number)
    values: dict[str, dict[str, float]] = {}
    for operator in versions.operators:
        target = inputs.target.target_class
        orders = [*random, *(word_order(each, row.number) for each in scores.values())]
        reached, backward = (
            [aopc(versions, target, order[::step].tolist(), operator) for order in orders]
            for step in (1, -1)
        )
        drawn, own_orders = reached[: len(random)], reached[len(random) :]
        values[operator] = {
            RANDOM: float(np.mean(drawn)),
            BEST: max(*reached, *backward),
            **dict(zip(scores, own_orders, strict=True)),
        }
    return RowOrders(row.number, versions.n_words, values, seconds)


def _inputs(classifier: Classifier, row: Row) -> tuple[Reading, Perturbation, AttributionInput]:
    reading = classifier.read(row.text)
    versions = Perturbation(classifier, reading.encoding)
    target = resolve_target(reading.prediction, None, "runner-up")
    inputs = AttributionInput(classifier, reading, target, {}, no_progress, versions)
    return reading, versions, inputs


@dataclass(frozen=True, slots=True)
class OrderScores:
    """What a scorer reaches under one operator, beside another one."""

    aopc: float
    minus_reference: Interval | None
    """AOPC minus that of the reference, text by text; None for the reference itself."""
    share: Interval | None
    """From random orders to the best that was searched for; None where none was."""
    seconds: float | None
    """Of a text, median."""


def summarized(
    rows: Sequence[RowOrders],
    reference: str,
    best: Mapping[int, Mapping[str, float]] | None = None,
    seed: int = 0,
) -> dict[str, dict[str, OrderScores]]:
    """Means over rows with 95% intervals, by operator and scorer; shares over the searched rows."""
    summary: dict[str, dict[str, OrderScores]] = {}
    for operator, first in rows[0].aopc.items():
        names = [name for name in first if name != BEST]
        values = np.array([[row.aopc[operator][name] for name in names] for row in rows])
        against = values[:, [names.index(reference)]]
        differences = zip(*mean_interval(values - against, seed), strict=True)
        intervals = dict(zip(names, (Interval(*map(float, d)) for d in differences), strict=True))
        summary[operator] = {
            name: OrderScores(
                float(values[:, column].mean()),
                None if name == reference else intervals[name],
                _share(rows, best or {}, operator, name, seed),
                float(np.median([row.seconds[name] for row in rows]))
                if name in rows[0].seconds
                else None,
            )
            for column, name in enumerate(names)
        }
    return summary


def _share(
    rows: Sequence[RowOrders],
    best: Mapping[int, Mapping[str, float]],
    operator: str,
    name: str,
    seed: int,
) -> Interval | None:
    searched = [row for row in rows if row.row in best]
    if not searched or name == RANDOM:
        return None
    floor, own, found = (
        np.array([row.aopc[operator][each] for row in searched]) for each in (RANDOM, name, BEST)
    )
    limit = np.maximum(found, [best[row.row][operator] for row in searched])
    ratio = ratio_interval(own - floor, limit - floor, seed)
    return None if ratio is None else Interval(*ratio)


def _left(rows: Sequence[Row], known: Mapping[int, object], what: str) -> Iterator[Row]:
    left = [row for row in rows if row.number not in known]
    for number in progress_bar(range(len(left)), what):
        yield left[number]


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file; one may have been cut off when a run was killed."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    for line in lines:
        with suppress(json.JSONDecodeError):
            yield json.loads(line)


def _append(file: Path, content: Mapping[str, object]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    torn = file.exists() and not file.read_bytes().endswith(b"\n")
    with file.open("a", encoding="utf-8") as stream:
        stream.write("\n" * torn + json.dumps(content) + "\n")
