"""What heads are worth, over one text or many, as a table: one row a head, from L0 H0 on."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attention.rank_correlation import spearman
from viz.attribution.descriptions import true_minus
from viz.attribution.head_importance import ablate, gate_gradients
from viz.attribution.method import no_progress
from viz.errors import SelectionError
from viz.jobs.background import ProgressCallback
from viz.model.classifier import Classifier
from viz.types import Reading

AGREEMENT, DISAGREEMENT = 0.7, 0.3
"""Rank correlations from which on two measures say the same, and below which they don't."""
PASSES_OF_GRADIENT = 2
"""One forward, one backward."""


@dataclass(frozen=True, slots=True)
class HeadTable:
    """Means over texts of what each head is worth for the explained class."""

    n_texts: int
    gradient: FloatArray
    """(L, H), signed: the slope of the explained scalar in the head's gate."""
    gradient_size: FloatArray
    """(L, H): the mean of its size, as heads may speak for one text and against another."""
    ablation: FloatArray | None = None
    """(L, H), signed: what the explained scalar loses without it; None where not measured."""
    ablation_size: FloatArray | None = None

    @property
    def correlation(self) -> float | None:
        """Spearman's, of the sizes of both measures; None where there is one, NaN for no order."""
        if self.ablation_size is None:
            return None
        return spearman(self.gradient_size, self.ablation_size)

    @property
    def columns(self) -> dict[str, FloatArray]:
        """The numbers by their names, each (L, H)."""
        named = {"gradient": self.gradient, "gradient_size": self.gradient_size}
        if self.ablation is not None and self.ablation_size is not None:
            named |= {"ablation": self.ablation, "ablation_size": self.ablation_size}
        return named

    @property
    def by_size(self) -> list[tuple[int, int]]:
        """Layer and head, what matters most first: by ablation where that is known."""
        sizes = self.gradient_size if self.ablation_size is None else self.ablation_size
        order = np.argsort(-sizes, axis=None, kind="stable")
        return [divmod(int(place), sizes.shape[1]) for place in order]


def head_table(
    classifier: Classifier,
    readings: Iterable[Reading],
    *,
    ablation: bool = False,
    progress: ProgressCallback = no_progress,
) -> HeadTable:
    """Measure heads over texts; the margin of each predicted class over its runner-up is explained.

    Args:
        classifier: The classifier that made the readings.
        readings: At least one.
        ablation: Whether every head is switched off in turn, which takes as many passes as heads.
        progress: Called with the passes done; what it raises ends the work.

    Raises:
        MethodError: where the heads of this architecture can't be gated.
        SelectionError: where no reading came, or one of another classifier.
    """
    slopes, losses = [], []
    for reading in readings:
        slopes.append(gate_gradients(classifier, reading))
        progress(PASSES_OF_GRADIENT)
        if ablation:
            losses.append(ablate(classifier, reading, progress=progress))
    if not slopes:
        raise SelectionError("No text was given; head importance is a mean over at least one.")
    return _mean(slopes, losses)


def single_text_table(gradient: FloatArray, ablation: FloatArray | None) -> HeadTable:
    """The table of one text, from what was measured of it, each (L, H)."""
    return _mean([gradient], [] if ablation is None else [ablation])


def expected_passes(classifier: Classifier, n_texts: int, *, ablation: bool) -> int:
    """How many passes a table takes."""
    heads = classifier.n_layers * classifier.n_heads if ablation else 0
    return n_texts * (PASSES_OF_GRADIENT + heads)


def agreement_sentence(correlation: float) -> str:
    """One sentence on whether gradient and ablation agree on which heads matter."""
    if np.isnan(correlation):
        return "One of the two measures is the same for every head, so there is nothing to compare."
    written = f"rank correlation of the sizes {true_minus(f'{correlation:.2f}')}"
    if correlation >= AGREEMENT:
        return f"Both agree on which heads matter: {written}."
    if correlation >= DISAGREEMENT:
        return f"Both agree in part on which heads matter: {written}. Trust the ablation more."
    return (
        f"The two disagree on which heads matter: {written}. Trust the ablation, not the gradient."
    )


def table_csv(table: HeadTable) -> bytes:
    """UTF-8 with one header line."""
    written = io.StringIO()
    writer = csv.DictWriter(written, ["layer", "head", *table.columns], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(table))
    return written.getvalue().encode()


def table_json(table: HeadTable, about: Mapping[str, object]) -> bytes:
    """The rows, with what they are about in front; NaN becomes null."""
    correlation = table.correlation
    is_known = correlation is not None and not np.isnan(correlation)
    whole = {
        **about,
        "n_texts": table.n_texts,
        "correlation": correlation if is_known else None,
        "heads": rows(table),
    }
    return (json.dumps(whole, ensure_ascii=False, indent=1) + "\n").encode()


def rows(table: HeadTable) -> list[dict[str, float]]:
    """One a head, layer by layer."""
    n_layers, n_heads = table.gradient.shape
    return [
        {"layer": layer, "head": head}
        | {name: float(values[layer, head]) for name, values in table.columns.items()}
        for layer in range(n_layers)
        for head in range(n_heads)
    ]


def _mean(slopes: list[FloatArray], losses: list[FloatArray]) -> HeadTable:
    lost = (np.mean(losses, axis=0), np.mean(np.abs(losses), axis=0)) if losses else (None, None)
    return HeadTable(len(slopes), np.mean(slopes, axis=0), np.mean(np.abs(slopes), axis=0), *lost)
