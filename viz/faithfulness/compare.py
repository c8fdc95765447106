"""All methods side by side on one text: how faithful each is, its cost, who agrees with whom."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from viz.attention.rank_correlation import spearman
from viz.attribution import METHODS, Against, attribute, check_read_by, resolve_target
from viz.attribution.method import Options, Target, no_progress
from viz.attribution.method_spec import MethodSpec
from viz.errors import MethodError, TextError
from viz.faithfulness.agreement import kendall, polarity, single_falls
from viz.faithfulness.metrics import MIN_WORDS, Measures, measure_orders, n_versions
from viz.faithfulness.orders import random_orders, word_order
from viz.jobs.background import ProgressCallback
from viz.model.classifier import Classifier
from viz.model.perturbation import OPERATORS, Operator, Perturbation
from viz.types import Attribution, FloatArray, Reading


@dataclass(frozen=True, slots=True)
class Row:
    """One method on one text."""

    method: str
    """As it was asked for: its name, and options where they were named."""
    measures: Mapping[Operator, Measures] = field(default_factory=dict)
    """By operator; empty where the method was refused."""
    scores: FloatArray | None = None
    """Of words.  (n_words,)"""
    options: Mapping[str, object] = field(default_factory=dict)
    passes: float = 0.0
    """Plain forward passes, or versions read, that the method took by itself."""
    seconds: float = 0.0
    tau_occlusion: float | None = None
    """Kendall's tau with the fall of the margin without each word: agreement, not truth."""
    polarity: float | None = None
    """Of the top 3 positive words, the share whose removal lowers the margin; None: no signs."""
    shares_operator: str | None = None
    """The operator that the scores were made with, under which they have an advantage."""
    refused: str | None = None
    """Why this architecture or text doesn't allow the method: one sentence."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every method that was asked for, on one text, beside random orders of its words."""

    rows: tuple[Row, ...]
    random: Mapping[Operator, tuple[Measures, ...]]
    """Of the random orders, the same ones under each operator."""
    target: Target
    n_words: int

    @property
    def measured(self) -> tuple[Row, ...]:
        """The methods that were not refused."""
        return tuple(row for row in self.rows if row.refused is None)

    def random_mean(self, operator: Operator, name: str = "aopc") -> float:
        """What a random order is worth on average, in a measure named as in `Measures`."""
        return float(np.mean([getattr(drawn, name) for drawn in self.random[operator]]))

    def best_aopc(self, operator: Operator) -> float:
        """The highest AOPC that any order reached, the search's and the random ones' included."""
        found = [row.measures[operator].aopc for row in self.measured]
        return max([*found, *(drawn.aopc for drawn in self.random[operator])])

    def share(self, row: Row, operator: Operator) -> float | None:
        """How far a method comes from the random mean (0) to the best found (1), in AOPC.

        None where it was refused, or where no order is better than another.
        """
        floor = self.random_mean(operator)
        room = self.best_aopc(operator) - floor
        if row.refused is not None or room <= 1e-9:
            return None
        return (row.measures[operator].aopc - floor) / room

    @property
    def agreement(self) -> FloatArray:
        """Spearman's correlation of word scores between all `measured` methods.  (M, M)"""
        scores = [row.scores for row in self.measured if row.scores is not None]
        return np.array([[spearman(one, other) for other in scores] for one in scores])


def compare(
    classifier: Classifier,
    reading: Reading,
    methods: Sequence[str] = tuple(METHODS),
    target_class: int | None = None,
    against: Against = "runner-up",
    *,
    options: Mapping[str, Options] | None = None,
    n_random: int = 10,
    progress: ProgressCallback = no_progress,
    shared: Perturbation | None = None,
    seed: int = 0,
) -> Comparison:
    """Explain a text by several methods and measure them all.

    Each method starts without the versions that others have read, so that its seconds and passes
    are what it takes by itself; what it reads is then there for the measures.

    Args:
        classifier: The classifier that made the reading.
        reading: The text.
        methods: Names in `METHODS`, or `name:option=value`; each once.
        target_class: As in `attribute`.
        against: As in `attribute`.
        options: Of methods, as they are written in `methods`; what isn't named is the default.
        n_random: How many random orders, at least 1.
        progress: Called with passes done, of `expected_passes`; what it raises ends the work.
        shared: Versions of the text that were read before.
        seed: Of the random orders, and of the order of words with equal scores.

    Raises:
        MethodError: for an unknown method or a wrong option.
        SelectionError: as `attribute` does.
        TextError: where the text has fewer than 3 words.
    """
    specs = [MethodSpec.parse(text, (options or {}).get(text)) for text in dict.fromkeys(methods)]
    check_read_by(classifier, reading)
    target = resolve_target(reading.prediction, target_class, against)
    versions = (shared or Perturbation(classifier, reading.encoding)).reporting_to(progress)
    _check_length(versions)
    maker = _Maker(classifier, reading, target, versions, progress)
    made = [maker.make(spec) for spec in specs]
    return _measured(made, target, versions, n_random, seed)


def expected_passes(
    classifier: Classifier, n_words: int, methods: Sequence[str], n_random: int = 10
) -> float:
    """About how many passes `compare` will take, methods with their default options."""
    own = sum(
        spec.method.forward_passes(n_words, classifier.n_layers, spec.options)
        for spec in map(MethodSpec.parse, methods)
    )
    n_operators = len(OPERATORS) if classifier.tokenizer.mask_token_id is not None else 1
    # An order and its reverse share their versions; so do the methods that agree, now and then.
    orders = len(methods) + -(-n_random // 2)
    return own + orders * n_operators * n_versions(n_words)


def _check_length(versions: Perturbation) -> None:
    if versions.n_words < MIN_WORDS:
        raise TextError(
            f"The text has {versions.n_words} word{'s' * (versions.n_words != 1)}, too few orders "
            f"to measure anything; give one of at least {MIN_WORDS}."
        )


@dataclass(frozen=True, slots=True)
class _Maker:
    """Runs methods on a text, timed."""

    classifier: Classifier
    reading: Reading
    target: Target
    versions: Perturbation
    progress: ProgressCallback

    def make(self, spec: MethodSpec) -> Row:
        """The row of a method, its measures still missing."""
        meter = _Meter(self.progress)
        own = Perturbation(self.classifier, self.reading.encoding, meter)
        started = time.perf_counter()
        try:
            found = attribute(
                self.classifier,
                self.reading,
                spec.method.name,
                self.target.target_class,
                self.target.against_class,
                options=spec.options,
                progress=meter,
                shared=own,
            )
        except MethodError as error:
            return Row(spec.text, refused=str(error), options=spec.options)
        seconds = time.perf_counter() - started
        self.versions.update(own)
        return self._row(spec, found, meter.passes, seconds)

    def _row(self, spec: MethodSpec, found: Attribution, passes: float, seconds: float) -> Row:
        how = spec.method
        n_words, n_layers = self.versions.n_words, self.classifier.n_layers
        return Row(
            spec.text,
            scores=self.versions.to_words(found.scores),
            options=found.options,
            passes=passes or how.forward_passes(n_words, n_layers, found.options),
            seconds=seconds,
            shares_operator=how.operator_used(found.options, self.versions.operators),
        )


class _Meter:
    """Adds up passes and reports them on."""

    def __init__(self, progress: ProgressCallback) -> None:
        self.passes = 0.0
        self._progress = progress

    def __call__(self, passes: float) -> None:
        self.passes += passes
        self._progress(passes)


def _measured(
    made: Sequence[Row], target: Target, versions: Perturbation, n_random: int, seed: int
) -> Comparison:
    """The rows with their measures, all versions of an operator read together."""
    scores = [row.scores for row in made if row.scores is not None]
    drawn = random_orders(versions.n_words, n_random, seed)
    orders = [*drawn, *(word_order(each, seed) for each in scores)]
    found = {
        operator: measure_orders(versions, target, orders, operator)
        for operator in versions.operators
    }
    falls = single_falls(versions, target, versions.operators[0])
    # In the order of `scores`, which has a hole where a method was refused.
    at = iter(range(n_random, len(orders)))
    rows = tuple(row if row.scores is None else _full(row, found, next(at), falls) for row in made)
    random = {operator: each[:n_random] for operator, each in found.items()}
    return Comparison(rows, random, target, versions.n_words)


def _full(
    row: Row, found: Mapping[Operator, Sequence[Measures]], at: int, falls: FloatArray
) -> Row:
    assert row.scores is not None  # a row without scores is measured by nobody
    tau = kendall(row.scores, falls)
    method = MethodSpec.parse(row.method).method
    return replace(
        row,
        measures={operator: each[at] for operator, each in found.items()},
        tau_occlusion=None if math.isnan(tau) else tau,
        polarity=polarity(row.scores, falls) if method.signed else None,
    )
