"""What heads can be sorted by where two readings are compared, as the atlas takes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from finetune.checkpoint.arrays import FloatArray
from viz.attention.statistics import Statistic
from viz.comparison.head_comparison import HeadComparison

DISTANCE = Statistic(
    "distance",
    "Jensen-Shannon distance",
    "",
    "How differently the head looks: 0 for the same weights, 1 where it looks at other words "
    "alone; a mean over the words that both readings have.",
)
ONLY_FIRST = Statistic(
    "only_first",
    "to words only of the first",
    "share",
    "Share of the weight on words that only the first reading has.",
)
ONLY_SECOND = Statistic(
    "only_second",
    "to words only of the second",
    "share",
    "Share of the weight on words that only the second reading has.",
)


@dataclass(frozen=True, slots=True)
class DistanceStatistics:
    """The numbers of a comparison of heads, each (L, H)."""

    distance: FloatArray
    only_first: FloatArray
    only_second: FloatArray
    statistics: tuple[Statistic, ...]
    patterns: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, heads: HeadComparison) -> "DistanceStatistics":
        """Those of a comparison; shares only where there are such words."""
        shares = [
            statistic
            for statistic in (ONLY_FIRST, ONLY_SECOND)
            if getattr(heads, statistic.name).any()
        ]
        return cls(heads.distances, heads.only_first, heads.only_second, (DISTANCE, *shares))
