"""What the Compare page computes of two readings: once, for all sessions and reruns of the page."""

from dataclasses import dataclass

from viz.app import checkpoints, readings
from viz.app.cache import LRUCache
from viz.attention.views import AttentionView
from viz.comparison.compare import compare, matching_of, shared_methods
from viz.comparison.distance_statistics import DistanceStatistics
from viz.comparison.readings import ReadingComparison, compare_readings
from viz.errors import MethodError
from viz.types import Attention, MissingAttention, Reading

MAX_CACHED_BYTES = 5e8
"""Of differences of all heads, and of the readings that they belong to."""


@dataclass(frozen=True, slots=True)
class Side:
    """What is read on one side of the page, and by which checkpoint."""

    source: str
    text: str
    pair: str | None


@dataclass(frozen=True, slots=True)
class ComparisonRequest:
    """What is compared, and how: plain values, by which the result is cached."""

    first: Side
    second: Side
    method: str | None = None
    """How words are scored; None for the first method that is quick."""
    target: str | None = None
    """The class that is explained; None for that of the second reading."""

    @property
    def key(self) -> tuple[object, ...]:
        """What a result is cached by: another key once a checkpoint is written again."""
        return (self, *(checkpoints.identity(side.source) for side in (self.first, self.second)))


@dataclass(frozen=True, slots=True)
class Differences:
    """Where heads look more in the second reading, or less, and by how much."""

    view: AttentionView
    statistics: DistanceStatistics


def reading(side: Side) -> Reading:
    """The reading of one side, made once; that of a base model predicts nothing.

    Raises:
        VizError: where the text can't be read, or the checkpoint doesn't open.
    """
    model = checkpoints.model(side.source)
    if model.has_head:
        return readings.read(side.source, side.text, side.pair)
    key = ("reading", checkpoints.identity(side.source), side)
    return _comparisons.get_or_compute(key, lambda: model.read(side.text, side.pair))


def comparison(request: ComparisonRequest) -> ReadingComparison:
    """Both readings side by side.

    Raises:
        VizError: where a text can't be read, or a checkpoint doesn't open.
    """

    def compute() -> ReadingComparison:
        first, second = request.first, request.second
        models = checkpoints.model(first.source), checkpoints.model(second.source)
        both = reading(first), reading(second)
        try:
            return compare(models, both, method=request.method, target=request.target)
        except MethodError as error:  # class and heads are shown all the same
            compared = compare_readings(*both, matching=matching_of(*models))
            return compared.refusing("words", str(error))

    return _comparisons.get_or_compute(("comparison", request.key), compute)


def differences(request: ComparisonRequest) -> Differences:
    """The differences of all heads; the same object as long as they are the same picture.

    Raises:
        VizError: where heads can't be compared.
    """

    def compute() -> Differences:
        compared = comparison(request)
        view = compared.differences()
        assert compared.heads is not None  # or there would be no differences
        return Differences(view, DistanceStatistics.of(compared.heads))

    return _comparisons.get_or_compute(("differences", request.key), compute)


def methods(first: str, second: str) -> list[str]:
    """The quick methods that both checkpoints allow."""
    return shared_methods(checkpoints.model(first), checkpoints.model(second))


def _n_bytes(result: object) -> float:
    if isinstance(result, Differences):
        return result.view.weights.nbytes
    if isinstance(result, ReadingComparison):
        return _n_bytes(result.first) + _n_bytes(result.second)
    if isinstance(result, Reading) and not isinstance(result.attention, MissingAttention):
        attention = result.attention
        return attention.weights.nbytes if isinstance(attention, Attention) else attention.nbytes
    return 0


_comparisons = LRUCache(MAX_CACHED_BYTES, _n_bytes)
