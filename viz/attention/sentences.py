"""From words to sentences, paragraphs and passages: where they stand in a text, and their words.

Scores of words add up over each of them by `words.merge`, since every word is in exactly one.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.checkpoint.sentences import sentences
from viz.attention.words import Span, end_with_marks, spans
from viz.types import Encoding, Reading, UnseenSpan

LONG_WORDS = 1_000
"""Words of a text up to which each is looked at by itself, and its sentences are not."""
PASSAGE_WORDS = 450
"""About how many words are looked at closely at a time."""
LONGEST_PASSAGE = 600
"""Words of a passage at most."""
STRETCH = 100
"""Words up to which a sentence is one stretch; longer ones are several."""


def sentence_numbers(encoding: Encoding, words: Sequence[Span]) -> IntArray:
    """The sentence that each word begins in, counted over both texts; -1 for special tokens.  (n,)

    Args:
        encoding: The text that the words stand in.
        words: Its words or tokens, as from `words.spans`.
    """
    return _numbers(encoding, words)[0]


def paragraph_numbers(encoding: Encoding, words: Sequence[Span]) -> IntArray:
    """The paragraph that each word begins in, counted over both texts; -1 for special tokens.

    (n,)
    """
    return _numbers(encoding, words)[1]


def _numbers(encoding: Encoding, words: Sequence[Span]) -> tuple[IntArray, IntArray]:
    numbers = np.full((2, len(words)), -1, dtype=np.int64)
    before = np.zeros(2, dtype=np.int64)
    for part in (0, 1):
        places = sentences(encoding.part_text(part))
        starts = [place.start for place in places]
        for index, word in enumerate(words):
            if word.part == part and not word.special and places:
                number = max(bisect_right(starts, word.start) - 1, 0)
                numbers[:, index] = before + np.array([number, places[number].paragraph])
        if places:
            before += (len(places), places[-1].paragraph + 1)
    return numbers[0], numbers[1]


def stretch_numbers(numbers: IntArray, longest: int = STRETCH) -> IntArray:
    """Groups of at most `longest` words: whole groups where they are shorter, else equal shares.

    Args:
        numbers: The group of each word, in rising order; -1 for special tokens.  (n,)
        longest: Words of a stretch at most.

    Returns:
        The stretch of each word, counted from 0; -1 for special tokens.  (n,)
    """
    result = np.full(len(numbers), -1, dtype=np.int64)
    count = 0
    for group in _runs(numbers):
        n_shares = -(-len(group) // longest)
        result[group] = count + np.arange(len(group)) * n_shares // len(group)
        count += n_shares
    return result


def passage_numbers(
    sentence: IntArray,
    paragraph: IntArray,
    n_words: int = PASSAGE_WORDS,
    longest: int = LONGEST_PASSAGE,
) -> IntArray:
    """Passages of a long text that end with a paragraph, else with a sentence, where they can.

    Args:
        sentence: The sentence of each word, as from `sentence_numbers`.  (n,)
        paragraph: The paragraph of each word.  (n,)
        n_words: Words from which a passage ends with the next paragraph.
        longest: Words of a passage at most.

    Returns:
        The passage of each word, counted from 0; -1 for special tokens.  (n,)
    """
    result = np.full(len(sentence), -1, dtype=np.int64)
    stretches = stretch_numbers(sentence, longest)
    runs = _runs(stretches)
    size, passage = 0, 0
    for index, run in enumerate(runs):
        begins = index > 0 and paragraph[run[0]] != paragraph[runs[index - 1][0]]
        if size + len(run) > longest or (begins and size >= n_words):
            size, passage = 0, passage + 1
        result[run] = passage
        size += len(run)
    return result


def grouped(encoding: Encoding, words: Sequence[Span], numbers: IntArray) -> tuple[Span, ...]:
    """The groups of words as spans, which hold their tokens; special tokens are in none.

    Args:
        encoding: The text that the words stand in.
        words: Its words or tokens.
        numbers: The group of each word; -1 for none.  (n,)
    """
    result: list[Span] = []
    for group in _runs(numbers):
        own = [words[index] for index in group]
        start, end = min(word.start for word in own), max(word.end for word in own)
        tokens = tuple(token for word in own for token in word.tokens)
        label = encoding.part_text(own[0].part)[start:end]
        result.append(Span(label, start, end, tokens, special=False, part=own[0].part))
    return tuple(result)


def is_divided(reading: Reading) -> bool:
    """Whether a text is shown passage by passage: it is long, or read in windows."""
    if reading.document is not None:
        return reading.document.index is None
    encoding = reading.encoding
    if encoding.n_tokens <= LONG_WORDS:
        return False
    return sum(not word.special for word in spans(encoding)) > LONG_WORDS


@dataclass(frozen=True, slots=True)
class Division:
    """A long text, divided for whoever reads it."""

    words: tuple[Span, ...]
    n_sentences: int
    sentences: tuple[Span, ...]
    """Its sentences, long ones in several stretches; special tokens are in none."""
    paragraphs: tuple[Span, ...]
    passages: tuple[Span, ...]
    """What is looked at closely, one at a time."""
    passage_numbers: IntArray
    """The passage of each word; -1 for special tokens.  (n,)"""

    @classmethod
    def of(cls, encoding: Encoding) -> "Division":
        """The words of a text that were seen, and what they make."""
        words = tuple(word for word in spans(encoding) if not _is_unseen(encoding, word))
        sentence, paragraph = _numbers(encoding, words)
        passage = passage_numbers(sentence, paragraph)
        return cls(
            words,
            len(_runs(sentence)),
            grouped(encoding, words, stretch_numbers(sentence)),
            grouped(encoding, words, paragraph),
            grouped(encoding, words, passage),
            passage,
        )

    @property
    def counts(self) -> str:
        """How many sentences and paragraphs there are."""
        return counts({"sentence": self.n_sentences, "paragraph": len(self.paragraphs)})

    def strongest_passage(self, scores: FloatArray) -> int:
        """The passage that the strongest sentence begins in.

        Args:
            scores: One for each of `sentences`, of which there is one at least.  (n,)
        """
        token = self.sentences[int(np.abs(scores).argmax())].tokens[0]
        word = next(i for i, word in enumerate(self.words) if word.tokens[0] == token)
        return int(self.passage_numbers[word])


def counts(numbers: Mapping[str, int]) -> str:
    """How many there are of each kind, as in `3 sentences · 1 paragraph`; none are left out."""
    return " · ".join(
        f"{count:,} {name}{'' if count == 1 else 's'}" for name, count in numbers.items() if count
    )


def _is_unseen(encoding: Encoding, word: Span) -> bool:
    return not word.special and any(
        gap.part == word.part and gap.start <= word.start < gap.end for gap in encoding.unseen
    )


class Excerpt(NamedTuple):
    """A stretch of a text as a text of its own."""

    encoding: Encoding
    """Its text and what of it was not seen, without tokens."""
    words: tuple[Span, ...]
    """The words of the stretch, at their places in its text."""
    indices: IntArray
    """Which of all words they are.  (n,)"""


def excerpt(encoding: Encoding, words: Sequence[Span], numbers: IntArray, number: int) -> Excerpt:
    """The text of one group of words.

    Args:
        encoding: The text that the words stand in.
        words: Its words or tokens.
        numbers: The group of each word.  (n,)
        number: The group, which has a word at least.
    """
    indices = np.flatnonzero(numbers == number)
    own = [words[index] for index in indices.tolist()]
    part = own[0].part or 0
    text = encoding.part_text(part)
    start, last = min(word.start for word in own), max(word.end for word in own)
    end = end_with_marks(text, last)
    unseen = (
        UnseenSpan(0, max(start, gap.start) - start, min(end, gap.end) - start)
        for gap in encoding.unseen
        if gap.part == part and gap.start < end and gap.end > start
    )
    return Excerpt(
        Encoding(text[start:end], None, (), {}, unseen=tuple(unseen)),
        tuple(
            replace(word, start=word.start - start, end=word.end - start, part=0) for word in own
        ),
        indices,
    )


def _runs(numbers: IntArray) -> list[list[int]]:
    """The places of each number, those of -1 left out."""
    places = [index for index in range(len(numbers)) if numbers[index] >= 0]
    return [list(run) for _, run in groupby(places, key=numbers.__getitem__)]
