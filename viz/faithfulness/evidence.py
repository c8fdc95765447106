"""The badge beside an explanation: is its order of words better than random ones, on this text?

Source: viz/faithfulness/README.md 3.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import stdtrit

from finetune.checkpoint.arrays import IntArray
from viz.attribution import reader_of, shared_versions
from viz.attribution.method import no_progress
from viz.attribution.target import Target
from viz.documents.document import Document
from viz.documents.document_versions import DocumentVersions
from viz.faithfulness.evidence_plan import (
    PERCENTS,
    EvidencePlan,
    evidence_units,
    plan_evidence,
    sample_units,
)
from viz.faithfulness.metrics import MIN_WORDS
from viz.faithfulness.order_effects import Hidden, order_effects
from viz.faithfulness.orders import N_RANDOM, random_orders, word_order
from viz.jobs.background import ProgressCallback
from viz.model.classifier import Classifier
from viz.model.perturbation import Operator, Perturbation
from viz.types import Attribution, Prediction, Reading

CONFIDENCE = 0.95
"""Share of random orders that a band holds, and that a better order has to beat."""
_TOLERANCE = 1e-6
"""Probabilities nearer than this are equal, and scores, relative to their size.

Single precision says no more.
"""


@dataclass(frozen=True, slots=True)
class Erasure:
    """What the class loses without the words at the top of an order, and with them alone."""

    comprehensiveness: float
    """Fall of the probability without the top words; higher is better."""
    sufficiency: float
    """Fall of the probability with the top words alone; lower is better."""

    @property
    def value(self) -> float:
        """Comprehensiveness minus sufficiency: both in one number, higher is better."""
        return self.comprehensiveness - self.sufficiency


@dataclass(frozen=True, slots=True)
class Evidence:
    """How the order of words of an explanation compares with random orders of them."""

    n_words: int
    measures: Mapping[Operator, Erasure] = field(default_factory=dict)
    """Of the explanation, by operator; empty where the text is too short."""
    random: Mapping[Operator, tuple[Erasure, ...]] = field(default_factory=dict)
    """Of the random orders, the same ones under each operator."""
    score: float | None = None
    """The predicted score, in whose unit all is measured; None of a class, for probabilities."""
    plan: EvidencePlan | None = None
    """What was hidden of a long or slow text; None where that is each word, by every operator."""

    @property
    def measured(self) -> bool:
        """Whether the text has enough words."""
        return bool(self.measures)

    @property
    def value(self) -> float:
        """Comprehensiveness minus sufficiency, mean over operators; nan where not measured."""
        return _mean([erasure.value for erasure in self.measures.values()])

    @property
    def random_values(self) -> tuple[float, ...]:
        """The same of each random order."""
        orders = zip(*self.random.values(), strict=True)
        return tuple(_mean([erasure.value for erasure in order]) for order in orders)

    @property
    def band(self) -> tuple[float, float]:
        """Where 95% of random orders lie, lowest and highest value; nan where not measured."""
        low, high = (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2
        return self._limit(low), self._limit(high)

    @property
    def better(self) -> bool:
        """Whether it is better than 95% of random orders."""
        return self.value > self._limit(CONFIDENCE) + self._tolerance

    @property
    def worse(self) -> bool:
        """Whether it is worse than 95% of random orders."""
        return self.value < self._limit(1 - CONFIDENCE) - self._tolerance

    @property
    def sentence(self) -> str:
        """What a badge says."""
        if not self.measured:
            return too_short(self.n_words)
        if self.better:
            return "better than 95% of random orders"
        return (
            "worse than 95% of random orders" if self.worse else "not distinguishable from random"
        )

    @property
    def basis(self) -> str:
        """What it was measured on, where that is not each word: `on 64 of 812 sentences`."""
        return "" if self.plan is None else self.plan.basis

    @property
    def _tolerance(self) -> float:
        if self.score is None:
            return _TOLERANCE
        return _TOLERANCE * max(map(abs, (self.score, self.value, *self.random_values)))

    def _limit(self, share: float) -> float:
        """The value under which a share of further random orders is expected.

        The prediction limit of a normal sample: mean + t sd sqrt(1 + 1/n).
        """
        values = np.array(self.random_values)
        if len(values) < 2:
            return math.nan
        spread = values.std(ddof=1) * math.sqrt(1 + 1 / len(values))
        return float(values.mean() + stdtrit(len(values) - 1, share) * spread)


def evidence(
    classifier: Classifier,
    reading: Reading,
    attribution: Attribution,
    *,
    n_random: int = N_RANDOM,
    shared: Perturbation | None = None,
    progress: ProgressCallback = no_progress,
    seed: int = 0,
    max_passes: float = math.inf,
) -> Evidence:
    """Compare an explanation with random orders of the words, under every operator.

    In a text of more than 1,000 words the words of a sentence are hidden together.

    Args:
        classifier: The classifier that made the reading.
        reading: The text.
        attribution: The explanation; only the order of its words counts.
        n_random: How many random orders, at least 2.
        shared: Versions of the text that were read before.
        progress: Called with the number of versions read; what it raises ends the work.
        seed: Of the random orders, and of the order of words with equal scores.
        max_passes: Plain passes over the text that this may take; where all it takes is more, less
            is measured, and `plan` says what.

    Raises:
        SelectionError: for a reading of another classifier, or one that stands for a document.
    """
    classifier = reader_of(classifier, reading)
    known = shared_versions(classifier, shared) or Perturbation(classifier, reading.encoding)
    versions = known.reporting_to(progress)
    return _evidence(versions, reading.prediction, attribution, n_random, seed, max_passes)


def document_evidence(
    classifier: Classifier,
    document: Document,
    attribution: Attribution,
    *,
    n_random: int = N_RANDOM,
    shared: DocumentVersions | None = None,
    progress: ProgressCallback = no_progress,
    seed: int = 0,
    max_passes: float = math.inf,
) -> Evidence:
    """Compare an explanation of a document with random orders of its words, on pooled logits.

    Words are hidden in the whole text, or sentences where there are more than 400 words; windows
    in which nothing changes are not read again.

    Args:
        classifier: The classifier that read the document.
        document: What `read_document` returned.
        attribution: What `attribute_document` returned.
        n_random: As in `evidence`.
        shared: Versions of the document that were read before.
        progress: Called with the number of windows read; what it raises ends the work.
        seed: As in `evidence`, and of the sample.
        max_passes: Passes over one window that this may take; where all it takes is more, less is
            measured, in the end a sample of sentences, and `plan` says what.

    Raises:
        SelectionError: for a document of another classifier.
    """
    known = shared or DocumentVersions(document.reader(classifier), document)
    versions = known.reporting_to(progress)
    return _evidence(versions, document.prediction, attribution, n_random, seed, max_passes)


def _evidence(
    text: Perturbation,
    prediction: Prediction,
    attribution: Attribution,
    n_random: int,
    seed: int,
    max_passes: float,
) -> Evidence:
    if n_random < 2:
        raise ValueError(f"{n_random} random orders have no spread; draw 2 or more")
    if text.n_words < MIN_WORDS:
        return Evidence(text.n_words)
    plan = plan_evidence(text, max_passes, n_random=n_random)
    units = sample_units(evidence_units(text)[0], plan.n_units, seed)
    # What is known of the words themselves stays known.
    versions = text if units == text.words else text.hiding(units)
    target = Target(
        attribution.target_class, attribution.against_class, against_all=attribution.against_all
    )
    own = word_order(versions.to_words(attribution.scores), seed)
    orders = (own, *random_orders(len(units), n_random, seed))
    erasures = {
        operator: erase_orders(versions, target, orders, operator, plan.percents)
        for operator in plan.operators
    }
    return Evidence(
        text.n_words,
        {operator: each[0] for operator, each in erasures.items()},
        {operator: each[1:] for operator, each in erasures.items()},
        float(prediction.logits[0]) if prediction.regression else None,
        None if plan.in_full else plan,
    )


def erase_orders(
    perturbation: Perturbation,
    target: Target,
    orders: Sequence[IntArray],
    operator: Operator,
    percents: tuple[int, ...] = PERCENTS,
) -> tuple[Erasure, ...]:
    """Comprehensiveness and sufficiency alone, which take few versions.

    Args:
        perturbation: The text; what it has read is not read again.
        target: The explained class.
        orders: Each (n_words,), most important word first.
        operator: How words are hidden.
        percents: Percent of the words.
    """
    top, all_but_top = Hidden("first", percents), Hidden("last", percents, keep=True)
    return tuple(
        Erasure(effects.outcome_drop(top), effects.outcome_drop(all_but_top))
        for effects in order_effects(perturbation, target, orders, operator, (top, all_but_top))
    )


def too_short(n_words: int) -> str:
    """What is said of a text whose order of words can't be measured."""
    return f"too short to measure: {n_words} word{'' if n_words == 1 else 's'}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
