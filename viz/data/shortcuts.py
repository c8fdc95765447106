"""Words that the classifier takes for a class by themselves."""

from dataclasses import dataclass

from finetune.run.json_files import Count, Items
from viz.faithfulness.record import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    """A word, a class, and what the decision does with and without the word."""

    word: str
    label: str
    n_rows: Count
    """Rows that have the word, among those that were explained."""
    contribution: Interval
    """What it adds to the class over the mean of the others, mean over these rows."""
    removal: Interval
    """By how much the probability of the class falls when the word is removed from rows that have
    it and are put into the class; mean."""
    n_removal: Count
    insertion: Interval
    """By how much it rises when the word is put into rows that don't have it and are put into
    another class; mean."""
    n_insertion: Count
    removal_flips: Interval
    """Share of these rows that leave the class."""
    insertion_flips: Interval
    """Share of these rows that come into it."""
    flagged: bool
    """Whether contribution and both tests agree: it is a shortcut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcuts:
    """The words that were tested: those flagged first, then by contribution."""

    n_explained: Count
    """Rows whose words were taken apart."""
    n_words: Count
    """Words that occur in enough of them."""
    items: Items[Shortcut]
    notes: Items[str] = ()
