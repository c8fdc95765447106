"""All methods side by side on one text: how faithful each is, its cost, who agrees with whom."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attention.rank_correlation import spearman
from viz.attribution import METHODS, Against, attribute, reader_of, resolve_target, shared_versions
from viz.attribution.method import AttributionInput, Options, no_progress
from viz.attribution.method_spec import MethodSpec
from viz.attribution.target import Target
from viz.documents.attribute_document import attribute_document
from viz.documents.document import Document
from viz.documents.document_versions import DocumentVersions
from viz.errors import MethodError, TextError
from viz.faithfulness.agreement import kendall, leave_one_out, polarity
from viz.faithfulness.limits import Limits, LimitSearch
from viz.faithfulness.metrics import MIN_WORDS, Values, measure_orders, n_versions
from viz.faithfulness.orders import N_RANDOM, random_orders, word_order
from viz.jobs.background import ProgressCallback
from viz.model.classifier import Classifier
from viz.model.perturbation import Operator, Perturbation, operators_of
from viz.types import Attribution, Reading


@dataclass(frozen=True, slots=True)
class ComparedMethod:
    """One method on one text."""

    method: str
    """As it was written: its name, and options where they were named."""
    label: str
    """What a reader knows it by."""
    measures: Mapping[Operator, Values] = field(default_factory=dict)
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
    """Several methods on one text, beside random orders of its words."""

    rows: tuple[ComparedMethod, ...]
    random: Mapping[Operator, tuple[Values, ...]]
    """Of the random orders, the same ones under each operator."""
    target: Target
    n_words: int
    limits: Mapping[Operator, Limits] = field(default_factory=dict)
    """What a search for the best and the worst order reached; empty where there was none."""

    @property
    def measured(self) -> tuple[ComparedMethod, ...]:
        """The methods that were not refused."""
        return tuple(row for row in self.rows if row.refused is None)

    def random_mean(self, operator: Operator, name: str = "aopc") -> float:
        """The mean of a metric over the random orders."""
        return float(np.mean([values[name] for values in self.random[operator]]))

    def best_aopc(self, operator: Operator) -> float:
        """The highest AOPC that any order reached, reversed, searched and random ones included."""
        return max(self._every_aopc(operator))

    def worst_aopc(self, operator: Operator) -> float:
        """The lowest AOPC that any order reached, reversed, searched and random ones included."""
        return min(self._every_aopc(operator))

    def _every_aopc(self, operator: Operator) -> list[float]:
        """What every order that was measured reached, in either direction."""
        orders = [*(row.measures[operator] for row in self.measured), *self.random[operator]]
        values = [each[name] for each in orders for name in ("aopc", "aopc_least")]
        if (limits := self.limits.get(operator)) is not None:
            # To a judge, the worst order of the original may be the better one.
            values += [limits.worst, limits.best]
        return values

    def share(self, row: ComparedMethod, operator: Operator) -> float | None:
        """How far a method comes from the random mean (0) to the best found (1), in AOPC.

        None where it was refused, or where no order is better than another.
        """
        floor = self.random_mean(operator)
        room = self.best_aopc(operator) - floor
        if row.refused is not None or room <= 1e-9:
            return None
        return (row.measures[operator]["aopc"] - floor) / room

    def naopc(self, row: ComparedMethod, operator: Operator) -> float | None:
        """How far a method comes from the worst order found (0) to the best found (1), in AOPC.

        None where it was refused, or where no order is better than another.
        """
        worst = self.worst_aopc(operator)
        room = self.best_aopc(operator) - worst
        if row.refused is not None or room <= 1e-9:
            return None
        return (row.measures[operator]["aopc"] - worst) / room

    @property
    def agreement(self) -> FloatArray:
        """Spearman's correlation of word scores between all `measured` methods.  (M, M)"""
        scores = [row.scores for row in self.measured if row.scores is not None]
        return np.array([[spearman(one, other) for other in scores] for one in scores])


def compare(
    classifier: Classifier,
    reading: Reading,
    methods: Sequence[str] | None = None,
    target_class: int | None = None,
    against: Against = "runner-up",
    *,
    options: Mapping[str, Options] | None = None,
    n_random: int = N_RANDOM,
    progress: ProgressCallback = no_progress,
    shared: Perturbation | None = None,
    seed: int = 0,
    limits: LimitSearch | None = None,
) -> Comparison:
    """Explain a text by several methods and measure them all.

    Each method starts without the versions that others have read, so that its seconds and passes
    are what it takes by itself; what it reads is then there for the metrics.

    Args:
        classifier: The classifier that made the reading.
        reading: The text.
        methods: Names in `METHODS`, or `name:option=value`, each once; all methods where None.
        target_class: As in `attribute`.
        against: As in `attribute`.
        options: Of methods, as they are written in `methods`; what isn't named is the default.
        n_random: How many random orders, at least 1.
        progress: Called with passes done, of `expected_passes`; what it raises ends the work.
        shared: Versions of the text that were read before.
        seed: Of the random orders, and of the order of words with equal scores.
        limits: How the best and the worst order are searched for; where None, they are those of all
            that were measured.

    Raises:
        MethodError: for an unknown method or a wrong option.
        SelectionError: as `attribute` does.
        TextError: where the text has fewer than 3 words.
    """
    names = METHODS if methods is None else dict.fromkeys(methods)
    specs = [MethodSpec.parse(text, (options or {}).get(text), classifier) for text in names]
    classifier = reader_of(classifier, reading)
    target = resolve_target(reading.prediction, target_class, against)
    known = shared_versions(classifier, shared) or Perturbation(classifier, reading.encoding)
    versions = known.reporting_to(progress)

    def explain(spec: MethodSpec, counter: _PassCounter) -> Attribution:
        own = Perturbation(classifier, reading.encoding, counter)
        attribution = attribute(
            classifier,
            reading,
            spec.method.name,
            target.target_class,
            target.against_class,
            options=spec.options,
            progress=counter,
            shared=own,
            shares=False,
        )
        versions.update(own)
        return attribution

    comparison = _compare(specs, explain, target, versions, n_random, progress, seed)
    if limits is None:
        return comparison
    searched = {}
    for operator in versions.operators:
        # With versions of its own: what was read before must not change what comes out.
        inputs = AttributionInput(classifier, reading, target, progress=progress)
        searched[operator] = limits.limits(inputs, versions, operator)
    return replace(comparison, limits=searched)


def compare_document(
    classifier: Classifier,
    document: Document,
    methods: Sequence[str] | None = None,
    target_class: int | None = None,
    against: Against = "runner-up",
    *,
    options: Mapping[str, Options] | None = None,
    n_random: int = N_RANDOM,
    progress: ProgressCallback = no_progress,
    shared: DocumentVersions | None = None,
    seed: int = 0,
) -> Comparison:
    """Explain a document by several methods and measure them all on its pooled logits.

    Words are hidden in the whole text, or sentences where there are many words; of scores of
    tokens each unit has the sum.  Arguments and errors are those of `compare`.

    Args:
        classifier: The classifier that read the document.
        document: What `read_document` returned.
        methods: As in `compare`; one that can't be stitched over windows is refused in its row.
        target_class: As in `attribute_document`.
        against: As in `attribute_document`.
        options: As in `compare`.
        n_random: As in `compare`.
        progress: Called with the windows read.
        shared: Versions of the document that were read before.
        seed: As in `compare`.
    """
    names = METHODS if methods is None else dict.fromkeys(methods)
    specs = [MethodSpec.parse(text, (options or {}).get(text), classifier) for text in names]
    classifier = document.reader(classifier)
    target = resolve_target(document.prediction, target_class, against)
    versions = (shared or DocumentVersions(classifier, document)).reporting_to(progress)

    def explain(spec: MethodSpec, counter: _PassCounter) -> Attribution:
        return attribute_document(
            classifier,
            document,
            spec.method.name,
            target.target_class,
            target.against_class,
            options=spec.options,
            progress=counter,
            shares=False,
        )

    return _compare(specs, explain, target, versions, n_random, progress, seed)


def expected_passes(
    classifier: Classifier, n_words: int, methods: Sequence[str], n_random: int = N_RANDOM
) -> float:
    """About how many passes `compare` will take, methods with their default options."""
    own = sum(
        spec.method.forward_passes(n_words, classifier.n_layers, spec.options)
        for spec in (MethodSpec.parse(text, classifier=classifier) for text in methods)
    )
    n_operators = len(operators_of(classifier))
    # An order and its reverse share their versions; so do the methods that agree, now and then.
    orders = len(methods) + -(-n_random // 2)
    return own + orders * n_operators * n_versions(n_words)


class _PassCounter:
    """Adds up passes and reports them on."""

    def __init__(self, progress: ProgressCallback) -> None:
        self.passes = 0.0
        self._progress = progress

    def __call__(self, passes: float) -> None:
        self.passes += passes
        self._progress(passes)


def _compare(
    specs: Sequence[MethodSpec],
    explain: "_Explain",
    target: Target,
    versions: Perturbation,
    n_random: int,
    progress: ProgressCallback,
    seed: int,
) -> Comparison:
    if versions.n_words < MIN_WORDS:
        raise TextError(
            f"The text has {versions.n_words} word{'s' * (versions.n_words != 1)}, too few orders "
            f"to measure anything; give one of at least {MIN_WORDS}."
        )
    rows = [_explained(spec, explain, versions, progress) for spec in specs]
    return _measure(rows, target, versions, n_random, seed)


_Explain = Callable[[MethodSpec, _PassCounter], Attribution]


def _explained(
    spec: MethodSpec, explain: _Explain, versions: Perturbation, progress: ProgressCallback
) -> ComparedMethod:
    """The row of a method, timed, its metrics still missing."""
    classifier, counter = versions.classifier, _PassCounter(progress)
    label = spec.method.label_of(classifier)
    started = time.perf_counter()
    try:
        attribution = explain(spec, counter)
    except MethodError as error:
        return ComparedMethod(spec.text, label, refused=str(error), options=spec.options)
    seconds = time.perf_counter() - started
    passes = spec.method.forward_passes(versions.n_words, classifier.n_layers, attribution.options)
    return ComparedMethod(
        spec.text,
        label,
        scores=versions.to_words(attribution.scores),
        options=attribution.options,
        passes=counter.passes or passes,
        seconds=seconds,
        shares_operator=spec.method.operator_used(attribution.options, versions.operators),
    )


def _measure(
    rows: Sequence[ComparedMethod],
    target: Target,
    versions: Perturbation,
    n_random: int,
    seed: int,
) -> Comparison:
    """The rows with their metrics, all versions of an operator read together."""
    orders = [*random_orders(versions.n_words, n_random, seed)]
    orders += [word_order(row.scores, seed) for row in rows if row.scores is not None]
    values = {
        operator: measure_orders(versions, target, orders, operator)
        for operator in versions.operators
    }
    effects = leave_one_out(versions, target, versions.operators[0])
    numbers = iter(range(n_random, len(orders)))  # of the rows that have scores
    measured = []
    for row in rows:
        if row.scores is not None:
            number, tau = next(numbers), kendall(row.scores, effects)
            signed = MethodSpec.parse(row.method).method.signed
            row = replace(
                row,
                measures={operator: each[number] for operator, each in values.items()},
                tau_occlusion=None if math.isnan(tau) else tau,
                polarity=polarity(row.scores, effects) if signed else None,
            )
        measured.append(row)
    random = {operator: each[:n_random] for operator, each in values.items()}
    return Comparison(tuple(measured), random, target, versions.n_words)
