"""What of a long or slow text is hidden for its badge, so that it takes a bounded number of passes.

Source: viz/faithfulness/README.md 3.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from viz.attention.sentences import LONG_WORDS, grouped, sentence_numbers, stretch_numbers
from viz.attention.words import Span
from viz.documents.document_versions import DocumentVersions
from viz.faithfulness.order_effects import word_counts
from viz.faithfulness.orders import N_RANDOM
from viz.model.perturbation import Operator, Perturbation

Unit = Literal["word", "sentence"]

PERCENTS = (5, 10, 20, 50)
"""Percent of the words that are hidden or kept, as in a record but for the top 1%.

That is one word of a text under 100 words, about what 5% are, and costs a fifth of the passes.
"""
FEW_PERCENTS = (20,)
"""The same where passes are slow."""
SAMPLES = (256, 128, 64)
"""Units of a document that are hidden where hiding them all takes too long; all others stay."""


@dataclass(frozen=True, slots=True)
class EvidencePlan:
    """Which versions of a text are read for its badge."""

    operators: tuple[Operator, ...]
    """How words are hidden."""
    percents: tuple[int, ...]
    """Percent of the units that are hidden or kept."""
    unit: Unit
    """What is hidden at a time."""
    n_units: int
    """How many of them are ordered and hidden."""
    n_all: int
    """How many of them the text has."""
    passes: float
    """About how many plain passes this takes at most; of a document passes over one window."""
    in_full: bool
    """Whether each word is hidden by every operator, as in a short text."""

    @property
    def basis(self) -> str:
        """What the badge was measured on, where that is not each word; else empty."""
        if self.in_full:
            return ""
        parts = []
        if self.n_units < self.n_all:
            parts.append(f"on {self.n_units:,} of {self.n_all:,} {self.unit}s")
        elif self.unit == "sentence":
            parts.append(f"on {self.n_all:,} sentences")
        if self.operators == ("mask",):
            parts.append("by masks")
        if self.percents != PERCENTS:
            parts.append(f"top {', '.join(map(str, self.percents))}%")
        return ", ".join(parts)


def evidence_units(versions: Perturbation) -> tuple[tuple[Span, ...], Unit]:
    """What is hidden of a text at a time: its words, or its sentences where there are many words.

    Args:
        versions: The text, or a document.
    """
    words = versions.words
    if isinstance(versions, DocumentVersions):
        return words, "sentence" if versions.by_sentence else "word"
    if len(words) <= LONG_WORDS:
        return words, "word"
    numbers = stretch_numbers(sentence_numbers(versions.encoding, words))
    return grouped(versions.encoding, words, numbers), "sentence"


def plan_evidence(
    versions: Perturbation, max_passes: float = math.inf, *, n_random: int = N_RANDOM
) -> EvidencePlan:
    """The most that can be measured within so many passes, or the least there is.

    Args:
        versions: The text, or a document.
        max_passes: Plain passes over the text, or over one window of a document.
        n_random: How many random orders are drawn.
    """
    plan = None
    for plan in _plans(versions, n_random):
        if plan.passes <= max_passes:
            break
    assert plan is not None
    return plan


def _plans(versions: Perturbation, n_random: int) -> Iterator[EvidencePlan]:
    """All that can be measured, the most first."""
    units, unit = evidence_units(versions)
    every, one = versions.operators, versions.operators[:1]

    def plan(operators: tuple[Operator, ...], percents: tuple[int, ...], n: int) -> EvidencePlan:
        own = versions.hiding(units[:: max(1, len(units) // n)][:n])
        counts = word_counts(n, percents)
        shares = [count / n for count in counts] + [1 - count / n for count in counts]
        passes = sum(own.expected_passes(each, share) for each in operators for share in shares)
        in_full = (unit, operators, percents, n) == ("word", every, PERCENTS, len(units))
        return EvidencePlan(
            operators, percents, unit, n, len(units), 1 + (1 + n_random) * passes, in_full
        )

    yield plan(every, PERCENTS, len(units))
    yield plan(one, PERCENTS, len(units))
    yield plan(one, FEW_PERCENTS, len(units))
    # Where words are deleted windows are cut again, and where there is one it changes in any case.
    if one == ("mask",) and isinstance(versions, DocumentVersions):
        for n in SAMPLES:
            if n < len(units):
                yield plan(one, FEW_PERCENTS, n)


def sample_units(units: Sequence[Span], n: int, seed: int) -> tuple[Span, ...]:
    """So many of the units, drawn at random, in reading order."""
    if n == len(units):
        return tuple(units)
    drawn = np.random.default_rng(seed).choice(len(units), n, replace=False)
    return tuple(units[index] for index in sorted(drawn.tolist()))
