"""Lines of texts made into one record: means, differences and their intervals."""

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import numpy as np

from viz.attribution import METHODS
from viz.attribution.method_spec import MethodSpec
from viz.errors import SelectionError
from viz.faithfulness.bootstrap import RESAMPLES, percentile_interval, resampled_sums
from viz.faithfulness.metrics import METRICS, MIN_WORDS, metrics_of
from viz.faithfulness.partial_results import RowResult
from viz.faithfulness.record import Interval, Record, Scored, Under
from viz.faithfulness.score_row import TOO_SHORT, UNREADABLE, ScoreConfig
from viz.model.classifier import Classifier
from viz.model.perturbation import BoolArray
from viz.model.text_files import Texts
from viz.types import FloatArray

AOPC = tuple(METRICS).index("aopc")
"""Its place, also among the measures of a regression."""
DECIMALS = 6
"""Of a probability, a share or a mean of counts; of scores, digits of the largest."""


def summarise(
    classifier: Classifier, texts: Texts, config: ScoreConfig, lines: Sequence[RowResult]
) -> Record:
    """The record of all rows, in the order of their numbers.

    Raises:
        SelectionError: where not one of the texts could be measured.
    """
    skipped = Counter(line["skipped"] for line in lines if "skipped" in line)
    measured = [line for line in lines if "skipped" not in line]
    if not measured:
        raise SelectionError(
            f"None of the {len(lines)} texts of {texts.name!r} can be measured; give texts of at "
            f"least {MIN_WORDS} words."
        )
    table = _Table(
        measured, config.methods, metrics_of(classifier), regression=classifier.regression
    )
    record = Record(
        checkpoint=classifier.name,
        fingerprint=classifier.fingerprint,
        data=texts.name,
        data_fingerprint=texts.fingerprint,
        columns=asdict(texts.columns),
        n_texts=len(measured),
        skipped={reason: skipped[reason] for reason in (TOO_SHORT, UNREADABLE)},
        seed=config.seed,
        n_random=config.n_random,
        resamples=RESAMPLES,
        default=next(iter(METHODS)),
        methods=tuple(table.scored(entry, config.seed) for entry in config.methods),
        random={
            operator: table.named(table.random[operator].mean(0)) for operator in table.operators
        },
        best={o: _rounded(table.best[o].mean(), table.decimals) for o in table.operators},
        seconds={
            entry: statistics.median(known["seconds"] for known in table.known[entry])
            for entry in config.methods
            if table.known[entry]
        },
    )
    # The app begins with the best quick method, so that is what the others are held against.
    default = record.winner() or record.default
    methods = tuple(table.held_against(default, one, config.seed) for one in record.methods)
    return replace(record, default=default, methods=methods)


class _Table:
    """The numbers of all lines as arrays: N texts, F measures.

    Args:
        lines: Of texts that were measured, at least one.
        entries: The methods, as they were asked for.
        names: Of the measures.
        regression: Whether they are in the unit of a score.
    """

    def __init__(
        self,
        lines: Sequence[RowResult],
        entries: Sequence[str],
        names: Sequence[str],
        *,
        regression: bool,
    ) -> None:
        self.names = names
        self.operators: tuple[str, ...] = tuple(lines[0]["random"])
        self.random = {o: np.array([line["random"][o] for line in lines]) for o in self.operators}
        """(N, F)"""
        self.best = {o: np.array([line["best"][o] for line in lines]) for o in self.operators}
        """(N,)"""
        each = {entry: [line["methods"][entry] for line in lines] for entry in entries}
        self.there: dict[str, BoolArray] = {
            entry: np.array(["refused" not in found for found in each[entry]]) for entry in entries
        }
        """Which texts a method allowed.  (N,)"""
        self.known: dict[str, list[RowResult]] = {
            entry: [found for found in each[entry] if "refused" not in found] for entry in entries
        }
        self.refused = {
            entry: [found["refused"] for found in each[entry] if "refused" in found]
            for entry in entries
        }

        self.decimals = _decimals([*self.random.values(), *self.best.values()], regression)

    def scored(self, entry: str, seed: int) -> Scored:
        """All that is said of a method by itself."""
        spec = MethodSpec.parse(entry)
        known = self.known[entry]
        return Scored(
            method=entry,
            name=spec.method.name,
            label=spec.method.label,
            signed=spec.method.signed,
            options=dict(spec.options),
            passes=_mean([found["passes"] for found in known]) or spec.method.cost,
            n_texts=len(known),
            under={o: self._under(entry, o, seed) for o in self.operators if known},
            tau_occlusion=_mean([found["tau_occlusion"] for found in known]),
            polarity=_mean([found["polarity"] for found in known]),
            shares_operator=spec.method.operator_used(spec.options, self.operators),
            refused=self.refused[entry][-1] if self.refused[entry] else None,
        )

    def held_against(self, default: str, one: Scored, seed: int) -> Scored:
        """The same, with what sets it apart from the default."""
        under = {
            operator: replace(each, minus_default=self._minus(default, one.method, operator, seed))
            for operator, each in one.under.items()
        }
        return replace(one, under=under)

    def _under(self, entry: str, operator: str, seed: int) -> Under:
        own = self._measures(entry, operator)
        there, random = self.there[entry], self.random[operator]
        return Under(
            means=self.named(own[there].mean(0)),
            minus_random=self._differences(own[there] - random[there], seed),
            minus_default={},
            share=_ratio(
                (own[:, AOPC] - random[:, AOPC])[there],
                (self.best[operator] - random[:, AOPC])[there],
                seed,
            ),
        )

    def _minus(self, default: str, entry: str, operator: str, seed: int) -> Mapping[str, Interval]:
        if default not in self.there or entry == default:
            return {}
        both = self.there[entry] & self.there[default]
        difference = self._measures(entry, operator) - self._measures(default, operator)
        return self._differences(difference[both], seed) if both.any() else {}

    def _measures(self, entry: str, operator: str) -> FloatArray:
        """The measures of every text; 0 where the method was refused.  (N, F)"""
        there = self.there[entry]
        values = np.zeros((len(there), len(self.names)))
        if there.any():
            values[there] = [found["measures"][operator] for found in self.known[entry]]
        return values

    def _differences(self, values: FloatArray, seed: int) -> Mapping[str, Interval]:
        """The mean of each measure over texts, with its interval.  (N, F)"""
        low, high = percentile_interval(resampled_sums(values, seed) / len(values))
        rows = zip(self.names, values.mean(0), low, high, strict=True)
        return {name: _interval(mean, *ends, decimals=self.decimals) for name, mean, *ends in rows}

    def named(self, values: FloatArray) -> Mapping[str, float]:
        """Numbers by the measure that they are of.  (F,)"""
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
    if room.sum() <= 1e-9:
        return None
    sums = resampled_sums(np.stack([above, room], axis=1), seed)
    sums = sums[sums[:, 1] > 1e-9]
    low, high = percentile_interval(sums[:, 0] / sums[:, 1])
    return _interval(above.sum() / room.sum(), float(low), float(high))


def _interval(mean: float, low: float, high: float, *, decimals: int = DECIMALS) -> Interval:
    return Interval(*(_rounded(value, decimals) for value in (mean, low, high)))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _rounded(statistics.fmean(known)) if known else None


def _rounded(value: float, decimals: int = DECIMALS) -> float:
    return round(float(value), decimals)
