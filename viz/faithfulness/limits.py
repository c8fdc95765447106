"""The limits of AOPC on one text: the best and the worst order that a search finds.

The two are searched for under each operator, once for a text: their orders, not their numbers, are
kept in files.  An order that comes from a file is measured like any other, so that no file can
change a number but by being the worse order; one that was damaged or made for something else is
searched for again.  Source: viz/faithfulness/README.md 2; Edin et al. 2025.
"""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from finetune.errors import RecordError
from finetune.run.atomic_files import write_atomically
from finetune.run.json_files import Count, Items, Number, Schema
from viz.attribution.aopc import aopc
from viz.attribution.best_order import N_VERSIONS, limit_orders
from viz.attribution.method import AttributionInput
from viz.model.perturbation import Operator, Perturbation

FOLDER = ".orders"
"""Where searched orders lie, beside the record of a checkpoint."""
VERSION = 1
"""Counted up where the search changes, so that no old order is taken for one of the new."""
TOLERANCE = 1e-3
"""How far, as a share, the AOPC of a kept order may be from what it was: by rounding only."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The lowest and the highest AOPC that a search found for a text under one operator."""

    worst: float
    best: float
    worst_order: tuple[int, ...]
    """Indices of all words, the first to be hidden first."""
    best_order: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _KeptOrders:
    """What a file holds: the orders, and what they are worth."""

    best: Items[Count]
    worst: Items[Count]
    best_aopc: Number
    worst_aopc: Number


_SCHEMA = Schema[_KeptOrders](_KeptOrders, extra="forbid")


@dataclass(frozen=True, slots=True)
class LimitSearch:
    """How the limits of a text are searched for.

    Args:
        folder: Where searched orders are kept; nowhere where None.
        n_versions: Versions of the text that either search may read under each operator.
    """

    folder: Path | None = None
    n_versions: int = N_VERSIONS

    def limits(
        self, inputs: AttributionInput, versions: Perturbation, operator: Operator
    ) -> Limits:
        """The limits of a text.

        Args:
            inputs: The text and the class, with versions of its own: what was read before must
                change no order.
            versions: By which the orders are measured.
            operator: How words are hidden.
        """

        def measured(order: Sequence[int]) -> float:
            return aopc(versions, inputs.target.target_class, order, operator)

        file = None if self.folder is None else self.folder / f"{self._key(inputs, operator)}.json"
        kept = None if file is None else _kept(file, versions.n_words, measured)
        if kept is not None:
            return kept
        orders = limit_orders(inputs, operator, self.n_versions)
        limits = _measured_limits(orders["worst"], orders["best"], measured)
        if file is not None:
            _keep(file, limits)
        return limits

    def _key(self, inputs: AttributionInput, operator: Operator) -> str:
        """A name of all that the orders depend on."""
        classifier, words = inputs.classifier, inputs.perturbation.words
        settings = {
            "version": VERSION,
            "n_versions": self.n_versions,
            "operator": operator,
            "checkpoint": classifier.fingerprint,
            "dtype": str(classifier.model.dtype),
            "temperature": classifier.temperature,
            "off": [list(head) for head in sorted(classifier.off)],
            "inputs": {name: ids.tolist() for name, ids in inputs.reading.encoding.inputs.items()},
            "words": [list(word.tokens) for word in words],
            "target": [inputs.target.target_class, inputs.target.against_class],
        }
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:32]


def _kept(file: Path, n_words: int, measured: Callable[[Sequence[int]], float]) -> Limits | None:
    """The limits by orders of a file; None where there is none, or not of this text."""
    try:
        kept = _SCHEMA.read(file)
    except RecordError:
        return None
    if not sorted(kept.best) == sorted(kept.worst) == list(range(n_words)):
        return None
    limits = _measured_limits(kept.worst, kept.best, measured)
    pairs = ((limits.worst, kept.worst_aopc), (limits.best, kept.best_aopc))
    same = (math.isclose(*pair, rel_tol=TOLERANCE, abs_tol=TOLERANCE**2) for pair in pairs)
    return limits if all(same) else None


def _measured_limits(
    worst: Sequence[int], best: Sequence[int], measured: Callable[[Sequence[int]], float]
) -> Limits:
    orders = (tuple(int(word) for word in order) for order in (worst, best))
    return Limits(measured(worst), measured(best), *orders)


def _keep(file: Path, limits: Limits) -> None:
    content = {
        "best": limits.best_order,
        "worst": limits.worst_order,
        "best_aopc": limits.best,
        "worst_aopc": limits.worst,
    }
    with suppress(OSError):  # where nothing can be written, it is searched for again
        file.parent.mkdir(exist_ok=True)
        write_atomically(file, json.dumps(content))
