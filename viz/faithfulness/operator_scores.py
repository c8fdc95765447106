"""What a method reaches over all texts while words are hidden in one way, as records hold it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from finetune.run.json_files import Number
from viz.faithfulness.interval import Interval

Operator = Annotated[str, Field(pattern="^(mask|delete)$")]
OPERATOR_LABELS: Mapping[str, str] = MappingProxyType({"mask": "[MASK]", "delete": "deletion"})
"""What a reader knows them by."""
Means = Mapping[str, Number]
"""By the names in `metrics.METRICS`."""


@dataclass(frozen=True, slots=True)
class OperatorScores:
    """What a method reaches under one operator; each by the names in `metrics.METRICS`."""

    means: Means
    minus_random: Mapping[str, Interval]
    """Text by text, minus the mean of random orders."""
    minus_default: Mapping[str, Interval]
    """Text by text, minus the default method; empty where that was not scored."""
    share: Interval | None
    """AOPC from random (0) to the best order found (1); None where no order beats random."""
    naopc: Interval | None = None
    """AOPC from the worst order found (0) to the best (1), normalized AOPC (Edin et al. 2025);
    None where no order is better than another, and in records that know no worst order."""
