"""Where the sentences and paragraphs of a text stand."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from sentencex import get_sentence_boundaries

LANGUAGE = "en"
"""Whose abbreviations are known; the signs that end a sentence are known in many scripts."""

_NO_LETTERS = re.compile(r"<[^<>]*>|[\W_]+")
"""Markup, and what is neither letter nor digit."""
_EMPTY_LINES = re.compile(r"(?>\r\n|\n|\r)(?:[^\S\r\n]*(?>\r\n|\n|\r))+")
_SURROGATES = re.compile("[\ud800-\udfff]")


class Sentence(NamedTuple):
    """Where a sentence stands in its text, without the blanks around it."""

    start: int
    end: int
    paragraph: int
    """Counted from 0; an empty line ends one."""


def sentences(text: str) -> tuple[Sentence, ...]:
    """The sentences of a text in reading order.

    They are found by the rules of sentencex, which know abbreviations and the signs that end a
    sentence in many scripts.  A text in which no sentence ends is one sentence.
    """
    result: list[Sentence] = []
    ends = [match.end() for match in _EMPTY_LINES.finditer(text)]
    paragraph = 0
    for first, last in pairwise([0, *ends, len(text)]):
        own = list(_in_paragraph(text[first:last], first, paragraph))
        result += own
        paragraph += bool(own)
    return tuple(result)


def _in_paragraph(text: str, offset: int, paragraph: int) -> Iterator[Sentence]:
    """The sentences of a paragraph that begins at `offset`."""
    start, stop = None, 0
    # One character for one: what is no character can't be handed to the splitter.
    plain = _SURROGATES.sub("\ufffd", text)
    for boundary in get_sentence_boundaries(LANGUAGE, plain):
        first, last = boundary["start_index"], boundary["end_index"]
        first += len(text[first:last]) - len(text[first:last].lstrip())
        last -= len(text[first:last]) - len(text[first:last].rstrip())
        # Marks and tags alone close the sentence before, or open the next one.
        if start is not None and _NO_LETTERS.sub("", text[first:last]):
            yield Sentence(offset + start, offset + stop, paragraph)
            start = None
        if text[first:last].strip():
            start, stop = first if start is None else start, last
    if start is not None:
        yield Sentence(offset + start, offset + stop, paragraph)
