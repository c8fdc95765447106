"""Balance: classes with too few rows, and classes with far more than others."""

from collections import defaultdict
from collections.abc import Iterator

from finetune.data.check.findings import Finding, counted, listed
from finetune.data.check.invisible_characters import quoted
from finetune.data.rows import Rows

MIN_ROWS = 10
"""Rows below which a class is warned about."""

MAX_RATIO = 10
"""Ratio of the largest class to the smallest above which it is warned about."""

NOTED_RATIO = 2
"""Ratio from which it is noted."""


def balance_findings(train: Rows) -> Iterator[Finding]:
    """What is odd about the class counts of the training rows that are left."""
    counts = dict(sorted(train.counts(train.names).items(), key=lambda item: item[1]))
    alone = _single_text_classes(train)
    if alone:
        yield Finding(
            severity="stop",
            kind="class too small",
            sentence=f"Fewer than two different texts are left in train for {listed(alone)}; add"
            " some, or leave the class out.",
            count=len(alone),
        )
    few = {name: n for name, n in counts.items() if n < MIN_ROWS and name not in alone}
    if few:
        yield Finding(
            severity="warning",
            kind="few rows",
            sentence=f"Classes with fewer than {MIN_ROWS} rows in train: {counted(few)}; they will"
            " hardly be learned.",
            count=len(few),
        )
    yield from _imbalance(counts)


def _single_text_classes(train: Rows) -> list[str]:
    texts: dict[str, set[tuple[str, str | None]]] = defaultdict(set)
    for row, names in zip(train.inputs(), train.labels, strict=True):
        for name in names:
            texts[name].add(row)
    return [name for name in train.names if len(texts[name]) < 2]


def _imbalance(counts: dict[str, int]) -> Iterator[Finding]:
    used = [(name, count) for name, count in counts.items() if count]
    if len(used) < 2:
        return
    (least, low), (most, high) = used[0], used[-1]
    if high < NOTED_RATIO * low:
        return
    uneven = high > MAX_RATIO * low
    yield Finding(
        severity="warning" if uneven else "note",
        kind="imbalance",
        sentence=f"The largest class of train, {quoted(most)} with {high:,} rows, is"
        f" {high / low:.1f} times as large as the smallest, {quoted(least)} with {low:,}"
        + ("; look at macro F1, not at accuracy." if uneven else "."),
        count=high - low,
    )
