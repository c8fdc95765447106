"""The likely causes of a shift, ranked by how much each says of which file a row is in."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.run.json_files import Share
from viz.data.shift.information_chain import Information, InformationChain
from viz.data.shift.word_components import WordPresence
from viz.types import BoolArray

N_EXAMPLES = 3

Cause = Literal["class prior", "topic", "typing errors", "length", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftCause:
    """What may have happened, and how strongly the rows say so."""

    cause: Cause
    strength: Share
    """How much it says of which file a row is in, beyond the simpler causes, in bits: all together
    say 1 at most.  What causes are ranked by."""
    sentence: str
    """What was seen, with numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledRows:
    """M rows of both files."""

    labels: BoolArray
    """True for rows of the second file.  (M,)"""
    folds: IntArray
    words: Sequence[tuple[str, ...]]
    misspelled: Mapping[str, str]
    """Each word that is likely misspelled, with the one that was meant."""
    probabilities: FloatArray
    """Of one class each; (M, 0) where a row has several classes, or a score."""
    flags: FloatArray
    """Which classes a row is put into, where it may have several; (M, 0) otherwise."""
    classes: Sequence[str]
    presence: WordPresence
    """Of words that are not misspelled."""
    components: FloatArray
    """Of the same.  (M, K)"""
    states: FloatArray | None
    """(M, D)"""

    @property
    def n_words(self) -> IntArray:
        """(M,)"""
        return np.array([len(words) for words in self.words])

    @property
    def n_misspelled(self) -> IntArray:
        """Words of each row that are likely misspelled.  (M,)"""
        return np.array([sum(word in self.misspelled for word in row) for row in self.words])


def rank_causes(rows: PooledRows, tests: Mapping[str, float]) -> tuple[ShiftCause, ...]:
    """The causes that chance does not explain, the strongest first; "other" where there is none.

    Args:
        rows: Of both files.
        tests: The p-value of each test that may have given the alarm.
    """
    causes = sorted(_causes(rows), key=lambda cause: -cause.strength)
    if causes:
        return tuple(causes)
    first = min(tests, key=lambda name: tests[name])
    sentence = (
        f"No cause that is looked for explains the difference; it is clearest in the test of "
        f"{first} (p = {tests[first]:.3f} on its own)."
    )
    return (ShiftCause(cause="other", strength=0.0, sentence=sentence),)


def _causes(rows: PooledRows) -> Iterator[ShiftCause]:
    chain = InformationChain(rows.labels, rows.folds)
    new, old = rows.labels, ~rows.labels
    if rows.probabilities.shape[1] > 1:
        information, shares = chain.add_prior(rows.probabilities)
        before = rows.probabilities[old].mean(0)
        most = int(np.abs(shares - before).argmax())
        yield from _cause(
            "class prior",
            information,
            f"An estimated {shares[most]:.0%} of the rows are {rows.classes[most]!r}, "
            f"{before[most]:.0%} in the reference.",
        )
    elif rows.flags.shape[1]:
        information = chain.add(rows.flags)
        shares, before = rows.flags[new].mean(0), rows.flags[old].mean(0)
        most = int(np.abs(shares - before).argmax())
        yield from _cause(
            "class prior",
            information,
            f"{shares[most]:.0%} of the rows are put into {rows.classes[most]!r}, "
            f"{before[most]:.0%} in the reference.",
        )
    n_words, n_misspelled = rows.n_words, rows.n_misspelled
    share = n_misspelled / np.maximum(n_words, 1)
    information = chain.add(np.column_stack([share, np.log1p(n_misspelled)]))
    yield from _cause("typing errors", information, _typing_sentence(rows))
    logarithm = np.log1p(n_words)
    information = chain.add(np.column_stack([logarithm, logarithm**2]))
    yield from _cause(
        "length",
        information,
        f"A row has {np.median(n_words[new]):.0f} words in the median, "
        f"{np.median(n_words[old]):.0f} in the reference.",
    )
    information = chain.add_many(rows.components)
    yield from _cause("topic", information, _topic_sentence(rows))
    if rows.states is not None:
        information = chain.add_many(rows.states)
        yield from _cause(
            "other",
            information,
            "The states of the classifier differ by more than its classes, typing errors, length "
            "and single words explain: what is said, or how.",
        )


def _cause(name: Cause, information: Information, sentence: str) -> Iterator[ShiftCause]:
    if information.above_zero:
        yield ShiftCause(cause=name, strength=min(information.bits, 1.0), sentence=sentence)


def _typing_sentence(rows: PooledRows) -> str:
    new = rows.labels
    share, before = (
        rows.n_misspelled[part].sum() / max(rows.n_words[part].sum(), 1) for part in (new, ~new)
    )
    counts = Counter[str]()
    for words, second in zip(rows.words, new.tolist(), strict=True):
        sign = 1 if second == (share >= before) else -1  # words that the other file hasn't first
        counts.update({word: sign for word in set(words) if word in rows.misspelled})
    ordered = sorted(counts, key=lambda word: (-counts[word], word))[:N_EXAMPLES]
    examples = ", ".join(f"{word!r} for {rows.misspelled[word]!r}" for word in ordered)
    return f"{share:.1%} of the words look misspelled, {before:.1%} in the reference: {examples}."


def _topic_sentence(rows: PooledRows) -> str:
    """The words whose share of rows differs most, in standard errors."""
    vocabulary, presence = rows.presence.vocabulary, rows.presence.weights
    if not vocabulary:
        return "Words differ."
    new = rows.labels
    share, before = (
        np.asarray((presence[np.flatnonzero(part)] > 0).sum(axis=0)).ravel() / part.sum()
        for part in (new, ~new)
    )
    pooled = share * new.mean() + before * (~new).mean()
    spread = np.sqrt(np.maximum(pooled * (1 - pooled), 1e-12))
    ordered = np.argsort(-np.abs(share - before) / spread, kind="stable")[:N_EXAMPLES]
    examples = "; ".join(
        f"{vocabulary[place]!r} is in {share[place]:.1%} of the rows, not {before[place]:.1%}"
        for place in ordered.tolist()
    )
    return f"Other words are used, whatever the class: {examples}."
