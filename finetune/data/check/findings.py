"""Findings: what the check has to say about the data, one sentence each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from finetune.data.check.invisible_characters import quoted

Severity = Literal["stop", "warning", "note"]

MAX_EXAMPLES = 3
"""Examples kept of one finding."""

MAX_NAMED = 5
"""Classes named in one sentence; the others are counted."""

MAX_TEXT_CHARS = 60
"""Characters shown of a text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One fact about the data, and how much it matters."""

    severity: Severity
    """stop: training would waste its time; warning: know it; note: good to know."""
    kind: str
    sentence: str
    count: int
    """How many rows, texts or classes it is about; `sentence` says which."""
    examples: tuple[str, ...] = ()
    """A few texts, shortened."""


def shortened(text: str) -> str:
    """*text* on one line, its end left out where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_TEXT_CHARS else line[: MAX_TEXT_CHARS - 1].rstrip() + "…"


def shown_input(row: tuple[str, str | None]) -> str:
    """A text, or both texts of a pair, shortened."""
    text, pair = row
    return shortened(text) if pair is None else f"{shortened(text)} | {shortened(pair)}"


def shown_difference(row: tuple[str, str | None], other: tuple[str, str | None]) -> str:
    """Two inputs that are nearly the same, both from shortly before where they part."""
    one, two = (
        " | ".join(" ".join(text.split()) for text in part if text) for part in (row, other)
    )
    start = max(common_prefix_length(one, two) - MAX_TEXT_CHARS // 2, 0)
    lead = "…" if start else ""
    return " ~ ".join(lead + shortened(text[start:]) for text in (one, two))


def common_prefix_length(first: str, second: str) -> int:
    """How many characters both begin with."""
    parted = (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
    return next(parted, min(len(first), len(second)))


def listed(names: Sequence[str]) -> str:
    """The first few of *names* quoted, and how many more there are."""
    rest = f" and {len(names) - MAX_NAMED:,} more" if len(names) > MAX_NAMED else ""
    return ", ".join(map(quoted, names[:MAX_NAMED])) + rest


def counted(counts: Mapping[str, int]) -> str:
    """The first few of *counts* as "name 3", and how many more there are."""
    parts = [f"{quoted(name)} {count:,}" for name, count in islice(counts.items(), MAX_NAMED)]
    rest = f" and {len(counts) - MAX_NAMED:,} more" if len(counts) > MAX_NAMED else ""
    return ", ".join(parts) + rest


def first_examples(examples: Iterable[str]) -> tuple[str, ...]:
    """The first few of *examples*."""
    return tuple(example for example, _ in zip(examples, range(MAX_EXAMPLES), strict=False))
