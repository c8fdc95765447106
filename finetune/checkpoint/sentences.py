"""The sentences of a text, found by the rules of `sentencex` for punctuation and abbreviations."""

import re

from sentencex import get_sentence_boundaries

LANGUAGE = "en"
"""Whose abbreviations are known; the sentence ends of other scripts are found all the same."""

_SURROGATES = re.compile("[\ud800-\udfff]")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Where each sentence begins and ends, in characters, without the blanks around it.

    A paragraph that ends without punctuation ends its sentence as well.
    """
    # One character for one: what is no character can't be handed to the splitter.
    plain = _SURROGATES.sub("\ufffd", text)
    spans = []
    for part in get_sentence_boundaries(LANGUAGE, plain):
        start, end = part["start_index"], part["end_index"]
        body = plain[start:end]
        inner = body.strip()
        if inner:
            start += len(body) - len(body.lstrip())
            spans.append((start, start + len(inner)))
    return spans
