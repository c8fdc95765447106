"""What was measured of every text, as arrays, and what methods reach over all of them."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attribution.method_spec import MethodSpec
from viz.faithfulness.bootstrap import NO_ROOM, mean_interval, ratio_interval
from viz.faithfulness.interval import Interval
from viz.faithfulness.metrics import METRICS, metrics_of
from viz.faithfulness.operator_scores import OperatorScores
from viz.faithfulness.partial_results import RowResult
from viz.faithfulness.record import MethodScores
from viz.model.classifier import Classifier
from viz.model.perturbation import BoolArray

AOPC = tuple(METRICS).index("aopc")
"""Its place, also among the metrics of a regression."""
DECIMALS = 6
"""Of a probability, a share or a mean of counts; of scores, digits of the largest."""


class MeasuredTexts:
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

    @property
    def mean_random(self) -> Mapping[str, Mapping[str, float]]:
        """What random orders reach, by operator and metric."""
        return {o: self.by_metric(self.random[o].mean(0)) for o in self.operators}

    @property
    def mean_best(self) -> Mapping[str, float]:
        """The highest AOPC of any order of a text, by operator."""
        return {o: rounded(self.best[o].mean(), self.decimals) for o in self.operators}

    @property
    def mean_worst(self) -> Mapping[str, float]:
        """The lowest one, by operator."""
        return {o: rounded(self.worst[o].mean(), self.decimals) for o in self.operators}

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

    def mean_share(self, method: str, operators: Sequence[str]) -> float | None:
        """The share of a method, mean over operators, as `FaithfulnessRecord.mean_share`.

        None where it was refused for every text, or where no order is better than another.
        """
        allowed, shares = self.allowed[method], []
        for operator in operators:
            floor = self.random[operator][allowed, AOPC]
            room = float((self.best[operator][allowed] - floor).sum())
            if room <= NO_ROOM:
                return None
            above = self._values(method, operator)[allowed, AOPC] - floor
            shares.append(float(above.sum()) / room)
        return statistics.fmean(shares) if shares else None

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
        return {name: rounded(value, self.decimals) for name, value in pairs}


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
    return Interval(*(rounded(value, decimals) for value in (mean, low, high)))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return rounded(statistics.fmean(known)) if known else None


def rounded(value: float, decimals: int = DECIMALS) -> float:
    """A number as records hold it."""
    return round(float(value), decimals)
