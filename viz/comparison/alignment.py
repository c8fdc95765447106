"""Which words of two readings belong together.

Of two texts the words that stay, and those that are replaced, inserted or deleted
(`word_edits.py`).  Of one text that two tokenizers cut differently, the words that share
characters.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from viz.attention.words import Span, spans, without_blanks
from viz.comparison.word_edits import EditKind, edit_words
from viz.types import Encoding

MAX_CHARS = 30
"""Of the words of one side of an edit, where it is named."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Words of the first text, and what stands in their place in the second."""

    kind: EditKind
    """`same` where both are spelled alike; of special tokens, of which a model reads one."""
    first: Span | None
    """All of its words as one span; None where something is inserted."""
    second: Span | None
    """None where something is deleted."""

    @property
    def is_shared(self) -> bool:
        """Whether both texts have it."""
        return self.first is not None and self.second is not None

    @property
    def span(self) -> Span:
        """The words of the second text, or of the first where they are deleted."""
        span = self.second or self.first
        assert span is not None  # an edit has words on one side at least
        return span

    @property
    def label(self) -> str:
        """What a reader sees, as in `good → bad`, `+ not` or `− not`; long stretches cut short."""
        return self.written(shortened)

    def written(self, write: Callable[[str], str] = str) -> str:
        """The same in full, or with the words of each side written in another way."""
        if self.first is None or self.second is None:
            return f"{'+' if self.first is None else '−'} {write(self.span.label)}"
        if self.first.label == self.second.label:
            return write(self.first.label)
        return f"{write(self.first.label)} → {write(self.second.label)}"


def shortened(words: str) -> str:
    """The beginning and the end of a long stretch of words."""
    if len(words) <= MAX_CHARS:
        return words
    return f"{words[: MAX_CHARS // 2].rstrip()} … {words[-MAX_CHARS // 3 :].lstrip()}"


@dataclass(frozen=True, slots=True)
class Alignment:
    """The words of two readings side by side.

    Every token of both readings is in one edit, and edits stand in the order of both.
    """

    edits: tuple[Edit, ...]
    by: Literal["words", "characters"]
    """By edits of words, or one text by its characters."""

    @property
    def changed(self) -> tuple[Edit, ...]:
        """The edits that are not the same on both sides."""
        return tuple(edit for edit in self.edits if edit.kind != "same")


def align_words(first: Encoding, second: Encoding) -> Alignment:
    """Which words of two encodings belong together.

    Special tokens belong together by their place: before, between or behind the texts.  Words that
    were cut off because a text is too long stand nowhere.

    Args:
        first: A text, or a pair of texts, as a model reads it.
        second: Another text, or the same one as another model reads it.
    """
    is_same = (first.text, first.pair) == (second.text, second.pair)
    align = _by_characters if is_same else _by_words
    edits: list[Edit] = []
    for place, (ours, theirs) in enumerate(zip(_sections(first), _sections(second), strict=True)):
        if place in _TEXTS:
            edits += align(ours, theirs, first, second)
        else:
            edits += _special_tokens(ours, theirs)
    return Alignment(tuple(edits), "characters" if is_same else "words")


_TEXTS = (1, 3)
"""The sections that hold words."""


def _sections(encoding: Encoding) -> list[list[Span]]:
    """Special tokens, the text, special tokens, the second text, special tokens."""
    sections: list[list[Span]] = [[] for _ in range(5)]
    place = 0
    for span in spans(encoding):
        if span.part is not None:
            place = 1 + 2 * span.part
        elif place in _TEXTS:
            place += 1
        sections[place].append(span)
    return sections


def _special_tokens(first: Sequence[Span], second: Sequence[Span]) -> Iterator[Edit]:
    for ours, theirs in zip_longest(first, second):
        if ours is None or theirs is None:
            yield Edit("inserted" if ours is None else "deleted", ours, theirs)
        else:
            yield Edit("same" if ours.label == theirs.label else "replaced", ours, theirs)


def _by_words(
    first: Sequence[Span], second: Sequence[Span], ours: Encoding, theirs: Encoding
) -> Iterator[Edit]:
    for edit in edit_words([span.label for span in first], [span.label for span in second]):
        yield Edit(
            edit.kind,
            _joined(first[edit.first.start : edit.first.stop], ours),
            _joined(second[edit.second.start : edit.second.stop], theirs),
        )


def _by_characters(
    first: Sequence[Span], second: Sequence[Span], ours: Encoding, theirs: Encoding
) -> Iterator[Edit]:
    """Stretches of the text that no word of either side crosses."""
    marked = [(span, side) for side, words in enumerate((first, second)) for span in words]
    marked.sort(key=lambda entry: (*_characters(entry[0], ours), entry[1]))
    stretch: tuple[list[Span], list[Span]] = ([], [])
    end = -1
    for span, side in marked:
        start, stop = _characters(span, ours)
        if start >= end and any(stretch):
            yield _stretch(stretch, ours, theirs)
            stretch = ([], [])
        stretch[side].append(span)
        end = max(end, stop)
    if any(stretch):
        yield _stretch(stretch, ours, theirs)


def _characters(span: Span, encoding: Encoding) -> tuple[int, int]:
    return without_blanks(encoding.part_text(span.part), span.start, span.end)


def _stretch(words: tuple[list[Span], list[Span]], ours: Encoding, theirs: Encoding) -> Edit:
    first, second = _joined(words[0], ours), _joined(words[1], theirs)
    kind: EditKind = "inserted" if first is None else "deleted" if second is None else "same"
    return Edit(kind, first, second)


def _joined(words: Sequence[Span], encoding: Encoding) -> Span | None:
    """Neighboring words as one span, which reads as they stand in the text; None of no words."""
    if len(words) < 2:
        return words[0] if words else None
    start, end = words[0].start, max(word.end for word in words)
    return Span(
        " ".join(encoding.part_text(words[0].part)[start:end].split()),
        start,
        end,
        tuple(token for word in words for token in word.tokens),
        special=False,
        part=words[0].part,
    )
