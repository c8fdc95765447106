"""What a twin says of the same orders, as faithfulness.json holds it.

A twin was trained with hidden words in its texts, so that a text with hidden words is ordinary to
it.  Source: viz/faithfulness/README.md 2; Madsen et al. 2024.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from finetune.errors import number_of, quoted
from finetune.run.json_files import Correlation, Count, Number
from viz.attribution.descriptions import true_minus
from viz.faithfulness.interval import Interval
from viz.faithfulness.operator_scores import Means, Operator, OperatorScores


@dataclass(frozen=True, slots=True)
class JudgeAccuracy:
    """How often either checkpoint is right on the same texts, with 95% Wilson intervals."""

    n_texts: Count
    """Of the texts that were judged, those with a true class."""
    original: Interval
    judge: Interval


@dataclass(frozen=True, slots=True)
class RankAgreement:
    """How alike the original and the twin rank methods by their mean share on the same texts."""

    n_methods: Count
    """Those that were measured, the random control not among them."""
    spearman: Correlation
    kendall: Correlation
    """Tau-b."""


@dataclass(frozen=True, slots=True)
class JudgeScores:
    """The orders of all methods measured by the probabilities of a twin.

    The explained class is the one that the original predicts; orders are those that the original
    was measured with.
    """

    checkpoint: str
    fingerprint: str
    """SHA-256 of its weights."""
    masking: bool | None
    """Whether it was trained with hidden words; None where no record of its training says so."""
    n_texts: Count
    """How many were judged: those that are read at once, not in windows."""
    n_agree: Count | None
    """Of these, for how many it predicts the class that the original does; None in a regression."""
    methods: Mapping[str, Mapping[Operator, OperatorScores]]
    """By the method as it was written; without those that were refused for every text."""
    random: Mapping[Operator, Means]
    """What random orders reach, mean."""
    best: Mapping[Operator, Number]
    """The highest AOPC by the twin of any order that was measured, mean; with a search those that
    were found on the original are among them."""
    worst: Mapping[Operator, Number]
    """The lowest one, also of reversed orders, mean."""
    accuracy: JudgeAccuracy | None = None
    """None where the texts have no true classes that the checkpoints know."""
    no_accuracy: str | None = None
    """Why it is None although texts of the file have labels: one sentence."""
    ranking: RankAgreement | None = None
    """None where fewer than three methods can be ranked, or all are equal."""

    def share(self, method: str, operator: str) -> Interval | None:
        """What a method reaches by the twin under one operator; None where there is no share."""
        under = self.methods.get(method, {}).get(operator)
        return None if under is None else under.share

    @property
    def sentence(self) -> str:
        """How far the two agree, for a reader: one sentence or two."""
        parts, measured = [], number_of(self.n_texts, "text")
        if self.n_agree is not None:
            parts.append(f"predicts the same class for {self.n_agree:,} of {measured}")
        if self.accuracy is not None:
            shares = [
                f"{each.mean:.1%} ({each.low:.1%} to {each.high:.1%})"
                for each in (self.accuracy.judge, self.accuracy.original)
            ]
            parts.append(
                f"is right for {shares[0]} of {number_of(self.accuracy.n_texts, 'text')} with a "
                f"known class, the original for {shares[1]}"
            )
        if self.ranking is not None:
            parts.append(
                f"ranks {self.ranking.n_methods} methods with a Spearman correlation of "
                f"{true_minus(f'{self.ranking.spearman:.2f}')} with the original's ranking"
            )
        who = f"The twin {quoted(self.checkpoint)}"
        parts = parts or [f"measured {measured}"]
        note = masking_note(self.masking)
        return f"{who} {'; it '.join(parts)}.{' ' * bool(note)}{note}"


def masking_note(masking: bool | None) -> str:
    """What a reader has to know of a twin that is no judge for which hidden words are ordinary."""
    if masking is None:
        return "No record beside it says whether it was trained with hidden words."
    return "" if masking else "It was trained without hidden words, which are odd to it too."
