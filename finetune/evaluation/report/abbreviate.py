"""What is told of many classes: the first few, or the ones that matter most, and how many more."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from finetune.data.tables.safe_text import printable
from finetune.run.measurements import ClassMetrics, Metrics

MAX_NAMED = 10
"""Names in one sentence."""
MAX_TABLE_CLASSES = 30
"""Classes up to which a table has them all."""
N_WORST_CLASSES = 20
"""Classes in a table of more."""
MAX_CONFUSIONS = 10
"""Confusions told where there are too many classes for a matrix."""
MAX_NAME_CHARS = 40
"""Letters shown of a name in the terminal."""


class Confusion(NamedTuple):
    """A class that is taken for another."""

    true: str
    predicted: str
    rows: int


def abbreviated(names: Sequence[str], most: int = MAX_NAMED) -> str:
    """The first few of *names*, and how many more there are."""
    if len(names) <= most + 1:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most:,} more"


def abbreviated_counts(counts: Mapping[str, int], most: int = MAX_NAMED) -> str:
    """The first few of *counts* as "name 3", and how many more there are."""
    return abbreviated([f"{one_line(name)} {count:,}" for name, count in counts.items()], most)


def worst_classes(metrics: Metrics) -> list[ClassMetrics]:
    """All classes, or of many those with the lowest F1 among the ones that have rows."""
    if len(metrics.classes) <= MAX_TABLE_CLASSES:
        return list(metrics.classes)
    return sorted(metrics.classes, key=lambda row: (not row.support, row.f1))[:N_WORST_CLASSES]


def top_confusions(metrics: Metrics, most: int = MAX_CONFUSIONS) -> list[Confusion]:
    """What is most often taken for what, the most rows first."""
    labels, counts = metrics.confusion_labels, np.array(metrics.confusion or [[]])
    pairs = [
        Confusion(labels[true], labels[called], int(counts[true, called]))
        for true, called in np.argwhere(counts)
        if true != called
    ]
    return sorted(pairs, key=lambda each: -each.rows)[:most]


def one_line(text: str, longest: int = MAX_NAME_CHARS) -> str:
    """*text* on one line of a terminal, which acts on none of it; a long one loses its end."""
    shown = printable(" ".join(text.split()))
    return shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"
