"""The results of all texts as one record: means, differences and their intervals."""

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attribution import METHODS
from viz.attribution.method_spec import MethodSpec
from viz.errors import SelectionError
from viz.faithfulness.bootstrap import RESAMPLES, mean_interval, ratio_interval
from viz.faithfulness.interval import Interval
from viz.faithfulness.metrics import METRICS, MIN_WORDS, metrics_of
from viz.faithfulness.operator_scores import OperatorScores
from viz.faithfulness.partial_results import RowResult
from viz.faithfulness.record import (
    FaithfulnessRecord,
    MethodScores,
    ScoredDocuments,
    SearchedLimits,
)
from viz.faithfulness.score_row import TOO_LONG, TOO_SHORT, UNREADABLE, ScoreConfig
from viz.model.classifier import Classifier
from viz.model.perturbation import BoolArray
from viz.model.row_windows import settings_of_rows
from viz.model.text_files import Texts

AOPC = tuple(METRICS).index("aopc")
"""Its place, also among the metrics of a regression."""
DECIMALS = 6
"""Of a probability, a share or a mean of counts; of scores, digits of the largest."""


def summarize(
    classifier: Classifier, texts: Texts, config: ScoreConfig, results: Sequence[RowResult]
) -> FaithfulnessRecord:
    """The record of all rows, in the order of their numbers.

    Raises:
        SelectionError: where not one of the texts could be measured.
    """
    skipped = Counter(result["skipped"] for result in results if "skipped" in result)
    measured = [result for result in results if "skipped" not in result]
    if not measured:
        raise SelectionError(
            f"None of the {len(results)} texts of {texts.name!r} can be measured; give texts of at "
            f"least {MIN_WORDS} words."
        )
    numbers = _Results(classifier, measured, config.methods)
    record = FaithfulnessRecord(
        checkpoint=classifier.name,
        fingerprint=classifier.fingerprint,
        data=texts.name,
        data_fingerprint=texts.fingerprint,
        columns=asdict(texts.columns),
        n_texts=len(measured),
        skipped={reason: skipped[reason] for reason in (TOO_SHORT, UNREADABLE)}
        | {reason: skipped[reason] for reason in (TOO_LONG,) if skipped[reason]},
        seed=config.seed,
        n_random=config.n_random,
        resamples=RESAMPLES,
        default=next(iter(METHODS)),
        methods=tuple(numbers.scores(method, config.seed) for method in config.methods),
        random={
            operator: numbers.by_metric(numbers.random[operator].mean(0))
            for operator in numbers.operators
        },
        best={o: _rounded(numbers.best[o].mean(), numbers.decimals) for o in numbers.operators},
        seconds={
            method: statistics.median(known["seconds"] for known in numbers.known[method])
            for method in config.methods
            if numbers.known[method]
        },
        documents=_documents(classifier, texts, measured),
        worst={o: _rounded(numbers.worst[o].mean(), numbers.decimals) for o in numbers.operators},
        searched=_searched(config, measured),
    )
    # The app begins with the best quick method, so that is what the others are compared with.
    default = record.best_method() or record.default
    methods = tuple(numbers.compared_with(default, one, config.seed) for one in record.methods)
    return replace(record, default=default, methods=methods)


def _documents(
    classifier: Classifier, texts: Texts, measured: Sequence[RowResult]
) -> ScoredDocuments | None:
    """Those of the texts that were measured that were read in windows."""
    settings = settings_of_rows(classifier, pairs=texts.columns.pair is not None)
    if settings is None:
        return None
    documents = [result for result in measured if result.get("windows", 1) > 1]
    n_by_sentence = sum(result["by_sentence"] for result in documents)
    return ScoredDocuments(len(documents), n_by_sentence, settings)


def _searched(config: ScoreConfig, measured: Sequence[RowResult]) -> SearchedLimits | None:
    if config.limits is None:
        return None
    n_texts = sum(result["searched"] for result in measured)
    return SearchedLimits(config.limits.n_versions, n_texts) if n_texts else None


class _Results:
    """The numbers of all results as arrays: N texts, F metrics.

    Args:
        classifier: What was measured.
        results: Of texts that were measured, at least one.
        methods: As they were written.
    """

    def __init__(
        self, classifier: Classifier, results: Sequence[RowResult], methods: Sequence[str]
    ) -> None:
        self.classifier = classifier
        self.names = metrics_of(classifier)
        self.operators: tuple[str, ...] = tuple(results[0]["random"])
        self.random = {o: np.array([row["random"][o] for row in results]) for o in self.operators}
        """(N, F)"""
        self.best = {o: np.array([row["best"][o] for row in results]) for o in self.operators}
        """(N,)"""
        self.worst = {o: np.array([row["worst"][o] for row in results]) for o in self.operators}
        """(N,)"""
        self.allowed: dict[str, BoolArray] = {}
        """Which texts a method allowed.  (N,)"""
        self.known: dict[str, list[RowResult]] = {}
        """What a method reached on those that it allowed."""
        self.refused: dict[str, str | None] = {}
        """Why a method was refused, the last time it was."""
        for method in methods:
            own = [row["methods"][method] for row in results]
            reasons = [each["refused"] for each in own if "refused" in each]
            self.allowed[method] = np.array(["refused" not in each for each in own])
            self.known[method] = [each for each in own if "refused" not in each]
            self.refused[method] = reasons[-1] if reasons else None
        self.decimals = _decimals(
            [*self.random.values(), *self.best.values(), *self.worst.values()],
            classifier.regression,
        )

    def scores(self, method: str, seed: int) -> MethodScores:
        """What a method reaches, not yet compared with the default."""
        spec = MethodSpec.parse(method, classifier=self.classifier)
        known = self.known[method]
        return MethodScores(
            method=method,
            name=spec.method.name,
            label=spec.method.label_of(self.classifier),
            signed=spec.method.signed,
            options=dict(spec.options),
            passes=_mean([each["passes"] for each in known]) or spec.method.cost,
            n_texts=len(known),
            under={o: self._under(method, o, seed) for o in self.operators if known},
            tau_occlusion=_mean([each["tau_occlusion"] for each in known]),
            polarity=_mean([each["polarity"] for each in known]),
            shares_operator=spec.method.operator_used(spec.options, self.operators),
            refused=self.refused[method],
        )

    def compared_with(self, default: str, one: MethodScores, seed: int) -> MethodScores:
        """The same, compared with the default under each operator."""
        under = {
            operator: replace(each, minus_default=self._minus(default, one.method, operator, seed))
            for operator, each in one.under.items()
        }
        return replace(one, under=under)

    def _under(self, method: str, operator: str, seed: int) -> OperatorScores:
        own = self._values(method, operator)
        allowed, random = self.allowed[method], self.random[operator]
        best, worst = self.best[operator][allowed], self.worst[operator][allowed]
        aopc, floor = own[allowed, AOPC], random[allowed, AOPC]
        return OperatorScores(
            means=self.by_metric(own[allowed].mean(0)),
            minus_random=self._differences(own[allowed] - random[allowed], seed),
            minus_default={},
            share=_ratio(aopc - floor, best - floor, seed),
            naopc=_ratio(aopc - worst, best - worst, seed),
        )

    def _minus(self, default: str, method: str, operator: str, seed: int) -> Mapping[str, Interval]:
        if default not in self.allowed or method == default:
            return {}
        both = self.allowed[method] & self.allowed[default]
        difference = self._values(method, operator) - self._values(default, operator)
        return self._differences(difference[both], seed) if both.any() else {}

    def _values(self, method: str, operator: str) -> FloatArray:
        """The metrics of every text; 0 where the method was refused.  (N, F)"""
        allowed = self.allowed[method]
        values = np.zeros((len(allowed), len(self.names)))
        if allowed.any():
            values[allowed] = [each["measures"][operator] for each in self.known[method]]
        return values

    def _differences(self, values: FloatArray, seed: int) -> Mapping[str, Interval]:
        """The mean of each metric over texts, with its interval.  (N, F)"""
        rows = zip(self.names, *mean_interval(values, seed), strict=True)
        return {name: _interval(mean, *ends, decimals=self.decimals) for name, mean, *ends in rows}

    def by_metric(self, values: FloatArray) -> Mapping[str, float]:
        """Numbers by the metric that they are of.  (F,)"""
        pairs = zip(self.names, values, strict=True)
        return {name: _rounded(value, self.decimals) for name, value in pairs}


def _decimals(measured: Sequence[FloatArray], regression: bool) -> int:
    """Decimals that hold 6 digits of the largest score, where scores are measured."""
    largest = max(float(np.abs(values).max()) for values in measured)
    if not regression or largest == 0:
        return DECIMALS
    return DECIMALS - 1 - math.floor(math.log10(largest))


def _ratio(above: FloatArray, room: FloatArray, seed: int) -> Interval | None:
    """Sum of one over sum of another, with its interval; None where there is no room.  (N,)"""
    ratio = ratio_interval(above, room, seed)
    return None if ratio is None else _interval(*ratio)


def _interval(mean: float, low: float, high: float, *, decimals: int = DECIMALS) -> Interval:
    return Interval(*(_rounded(value, decimals) for value in (mean, low, high)))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _rounded(statistics.fmean(known)) if known else None


def _rounded(value: float, decimals: int = DECIMALS) -> float:
    return round(float(value), decimals)
