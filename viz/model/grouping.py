"""Which tokens make a word: the words that a reader sees, whichever tokenizer read the text.

Words are those of BERT's pre-tokenizer: what stands between blanks, each punctuation mark apart,
and each ideograph apart too.  Tokenizers see other ones: some keep the blank in the token, some
split at digits or not at all, some have tokens over several words.  So tokens are laid on the words
of the text by their places in it.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from tokenizers import PreTokenizedString
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from transformers import PreTrainedTokenizerFast

Place = tuple[int, int]
"""The first character of a token or a word, and one past its last."""

_IDEOGRAPH = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HAS_IDEOGRAPH = re.compile(f"[{_IDEOGRAPH}]")
_IDEOGRAPH_OR_RUN = re.compile(f"[{_IDEOGRAPH}]|[^{_IDEOGRAPH}]+")
_SPLIT = BertPreTokenizer()
_UNCHANGED = BertNormalizer(clean_text=False, strip_accents=False, lowercase=False)
"""Sets ideographs apart, and leaves every character as it is."""


def word_places(text: str, tokenizer: PreTrainedTokenizerFast) -> list[Place]:
    """Where the words of a text stand, in reading order, before tokens join any of them.

    A tokenizer that is built as BERT's cleans a text in its own way first; its words are the very
    ones that it makes.
    """
    backend = tokenizer.backend_tokenizer
    own = isinstance(backend.pre_tokenizer, BertPreTokenizer) and isinstance(
        backend.normalizer, BertNormalizer
    )
    split = PreTokenizedString(text)
    split.normalize((backend.normalizer if own else _UNCHANGED).normalize)
    _SPLIT.pre_tokenize(split)
    places: list[Place] = [place for _, place, _ in split.get_splits("original", "char")]
    if _HAS_IDEOGRAPH.search(text):
        places = [
            (start + match.start(), start + match.end())
            for start, end in places
            for match in _IDEOGRAPH_OR_RUN.finditer(text[start:end])
        ]
    return places if own else list(_visible(text, places))


def word_key(word: str) -> str:
    """A word in the one spelling under which it is counted: case and compatible signs folded."""
    return unicodedata.normalize("NFKC", word).casefold().strip()


def _visible(text: str, places: Sequence[Place]) -> Iterator[Place]:
    """The words that a reader sees: accents and emoji selectors stay with what they stand on."""
    word: Place | None = None
    for start, end in places:
        if word and word[1] == start and unicodedata.category(text[start]).startswith("M"):
            word = word[0], end
        elif is_visible(text[start:end]):
            if word:
                yield word
            word = start, end
    if word:
        yield word


def is_visible(text: str) -> bool:
    """Whether there is anything to see, which blanks and format marks are not."""
    return any(
        unicodedata.category(character) not in ("Cc", "Cf") and not character.isspace()
        for character in text
    )


def word_numbers(words: Sequence[Place], tokens: Sequence[Place]) -> list[int]:
    """The number of the word that each token belongs to, counted from 0.

    Tokens that share a word are one word; so are the words that share a token.  A token over
    nothing but blanks belongs to the word that follows it, the last ones to the word before.

    Args:
        words: Where the words stand, in reading order.
        tokens: Where the tokens stand, blanks included or not.
    """
    starts, ends = [start for start, _ in words], [end for _, end in words]
    numbers: list[int] = []
    number = reached = -1
    for place, (start, end) in enumerate(tokens):
        first, last = bisect_right(ends, start), bisect_left(starts, end) - 1
        if start >= end or last < first:
            continue
        number += first > reached
        reached = max(reached, last)
        numbers += [number] * (place + 1 - len(numbers))
    return numbers + [max(number, 0)] * (len(tokens) - len(numbers))
