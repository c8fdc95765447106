"""A word taken out of a text, or put into one where it typically stands, with blanks kept sane."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from viz.model.grouping import word_key

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """How and where a word stands in some text."""

    written: str
    part: int
    """0 in the text, 1 in its second text."""
    position: float
    """From 0, before all other words, to 1, after them."""
    blank_before: bool
    """Whether a blank, or the beginning of the text, stands before it."""
    blank_after: bool


def occurrences(text: str, places: Sequence[Place], key: str, part: int = 0) -> list[Occurrence]:
    """Where a word stands in a text.

    Args:
        text: The text.
        places: Of its words, as `Encoder.words` gives them.
        key: Of the word.
        part: Of the row that the text is.
    """
    last = max(1, len(places) - 1)
    return [
        Occurrence(
            text[start:end],
            part,
            index / last,
            start == 0 or text[start - 1].isspace(),
            end == len(text) or text[end].isspace(),
        )
        for index, (start, end) in enumerate(places)
        if word_key(text[start:end]) == key
    ]


def without_word(text: str, places: Sequence[Place], key: str) -> str:
    """A text without any occurrence of a word; of the blanks around each, one is left."""
    for start, end in reversed(places):
        if word_key(text[start:end]) == key:
            before, after = text[:start], text[end:]
            if not before or before[-1].isspace():
                after = after.lstrip()
            text = before + after
    return text.strip()


def with_word(text: str, places: Sequence[Place], occurrence: Occurrence) -> str:
    """A text with a word put in at the position, and with the blanks, of an occurrence of it."""
    starts = [start for start, _ in places if start == 0 or text[start - 1].isspace()]
    if len(starts) < 2:
        starts = [start for start, _ in places]  # a script without blanks
    slots = [*starts, len(text)]
    at = slots[round(occurrence.position * (len(slots) - 1))]
    before, after = text[:at].rstrip(), text[at:].lstrip()
    written = occurrence.written
    left = occurrence.blank_before or _would_join(before, written)
    right = occurrence.blank_after or _would_join(written, after)
    if not left and any(character.isspace() for character in text):
        right = True  # a comma clings to the word before it, and not to the one after it
    return f"{before}{' ' * (left and bool(before))}{written}{' ' * (right and bool(after))}{after}"


def _would_join(before: str, after: str) -> bool:
    """Whether the last and the first letter would make one word of two."""
    return bool(before and after) and all(
        character.isalnum() and unicodedata.east_asian_width(character) not in "WF"
        for character in (before[-1], after[0])
    )
