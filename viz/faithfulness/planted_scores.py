"""How methods find words that were planted for a class, as faithfulness.json holds it.

Source: viz/faithfulness/README.md 2; Bastings et al. 2022.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from finetune.errors import number_of, quoted
from finetune.run.json_files import Count, Items, Share
from viz.faithfulness.interval import Interval
from viz.faithfulness.operator_scores import OPERATOR_LABELS, Operator


@dataclass(frozen=True, slots=True)
class PlantedWord:
    """A planted word, and whether the checkpoint goes by it."""

    word: str
    """As it was given."""
    label: str | None
    """The class that texts with the word are mostly predicted as; None where no text has it, or
    none of them is put into a class."""
    n_texts: Count
    """That have the word and are predicted as this class."""
    n_other: Count
    """That have it and are predicted as another one, or as none."""
    changed: Mapping[Operator, Interval]
    """Of the former, the share that leaves the class when the word is hidden, by operator, with a
    Wilson interval."""
    refused: str | None = None
    """Why no method is judged by this word."""


@dataclass(frozen=True, slots=True)
class PlantedMethod:
    """How near the top a method puts planted words."""

    n_texts: Count
    precision: Interval
    """At 1: the share of texts whose first word is the planted one, with a Wilson interval."""
    reciprocal_rank: Interval
    """The mean of 1 / its place."""


@dataclass(frozen=True, slots=True)
class PlantedChance:
    """What an order drawn at random is expected to reach."""

    precision: Share
    reciprocal_rank: Share


@dataclass(frozen=True, slots=True)
class PlantedScores:
    """How methods find words that were planted, over the texts of all words that passed."""

    words: Items[PlantedWord]
    n_several: Count
    """Texts with more than one of the words, which are left out."""
    methods: Mapping[str, PlantedMethod]
    """By the method as it was written; empty where the checkpoint goes by none of the words, or
    every method was refused."""
    random: PlantedChance | None
    """None where the checkpoint goes by none of the words."""

    @property
    def sentence(self) -> str:
        """What was planted, and whether the checkpoint goes by it."""
        return " ".join(_sentence(one) for one in self.words)


def _sentence(one: PlantedWord) -> str:
    if one.refused is not None:
        return one.refused
    shares = [
        f"{share.mean:.0%} by {OPERATOR_LABELS[operator]}"
        for operator, share in one.changed.items()
    ]
    return (
        f"{quoted(one.word)} was planted for {quoted(one.label or '')}: of "
        f"{number_of(one.n_texts, 'text')} with it predicted so, {' and '.join(shares)} leave the "
        "class when it is hidden."
    )
