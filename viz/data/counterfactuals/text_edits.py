"""A text with some of its words replaced or deleted, written out as a text again."""

from collections.abc import Mapping
from dataclasses import dataclass

from viz.attention.words import Span, spans, written_place
from viz.types import Encoding

MAX_CODE_OF_SPACED_SCRIPTS = 0x2E7F
"""The last character of the scripts that set words apart by blanks; ideographs follow."""


@dataclass(frozen=True, slots=True)
class EditedText:
    """What stands in the place of a text, or of a pair of texts."""

    text: str
    pair: str | None = None


class EditableText:
    """A text, or a pair of texts, by its words.

    Args:
        encoding: The text, as the model sees it; words that it never saw can't be edited.
    """

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding
        self.words: tuple[Span, ...] = tuple(span for span in spans(encoding) if not span.special)
        """The words, in reading order; those of the second text come last."""

    def written(self, word: int) -> str:
        """A word as it stands in the text."""
        span = self.words[word]
        return self.encoding.part_text(span.part)[slice(*self.place(word))]

    def place(self, word: int) -> tuple[int, int]:
        """Where a word stands in its text, its accents and emoji selectors included."""
        span = self.words[word]
        return written_place(self.encoding.part_text(span.part), span.start, span.end)

    def edit(self, replacements: Mapping[int, str | None]) -> EditedText:
        """The text with words replaced, or deleted where the replacement is None.

        A word that is deleted takes the blanks behind it with it, and no two words that it stood
        between become one.
        """
        texts = [self.encoding.text, self.encoding.pair]
        for word in sorted(replacements, reverse=True):
            part = self.words[word].part or 0
            text, (start, end) = texts[part] or "", self.place(word)
            new = replacements[word]
            texts[part] = (
                _without(text, start, end) if new is None else text[:start] + new + text[end:]
            )
        return EditedText(texts[0] or "", texts[1])


def _without(text: str, start: int, end: int) -> str:
    before, after = text[:start], text[end:]
    if not after.strip():
        return before.rstrip() + after
    if not before or before[-1].isspace():
        return before + after.lstrip()
    return before + (" " if _joins(before[-1], after[0]) else "") + after


def _joins(left: str, right: str) -> bool:
    """Whether two characters side by side would belong to one word."""
    return all(
        character.isalnum() and ord(character) <= MAX_CODE_OF_SPACED_SCRIPTS
        for character in (left, right)
    )
