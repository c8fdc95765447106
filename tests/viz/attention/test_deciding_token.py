"""Where the class is read from, in words."""

from dataclasses import replace

import numpy as np
import pytest

from tests import synthetic
from viz import Reading
from viz.attention import deciding_token

READING = synthetic.read("Oil prices rise")
N_TOKENS = READING.encoding.n_tokens
ONE_HOT = np.eye(N_TOKENS, dtype=np.float32)


def pooled(shares: np.ndarray | None, *, special: bool = True) -> Reading:
    """The reading, its class read from some tokens; without special tokens as GPT-2 reads it."""
    encoding = READING.encoding
    if not special:
        tokens = tuple(replace(token, special=False) for token in encoding.tokens)
        encoding = replace(encoding, tokens=tokens)
    return replace(READING, encoding=encoding, pooling=shares)


EVEN = np.full(N_TOKENS, 1 / N_TOKENS)
WORDS = np.array([0, *[1 / (N_TOKENS - 2)] * (N_TOKENS - 2), 0])


@pytest.mark.parametrize(
    ("shares", "name", "with_text", "sentence"),
    [
        (ONE_HOT[0], "[CLS]", "[CLS]", None),
        (
            ONE_HOT[-1],
            "the last token",
            "the last token, [SEP]",
            "The class is read from the last token, [SEP].",
        ),
        (ONE_HOT[2], "token 2", "token 2, “prices”", "The class is read from token 2, “prices”."),
        (
            EVEN,
            "the mean of all tokens",
            "the mean of all tokens",
            "The class is read from the mean of all tokens.",
        ),
        (
            WORDS,
            "a weighted mean of tokens",
            "a weighted mean of tokens",
            "The class is read from a weighted mean of tokens.",
        ),
        (None, "the deciding token", "the deciding token", None),
    ],
)
def test_the_deciding_token_goes_by_its_name(
    shares: np.ndarray | None, name: str, with_text: str, sentence: str | None
) -> None:
    reading = pooled(shares)
    assert deciding_token.name_of(reading) == name
    assert deciding_token.name_with_text(reading) == with_text
    assert deciding_token.sentence(reading) == sentence


def test_a_word_in_front_is_no_cls() -> None:
    reading = pooled(ONE_HOT[0], special=False)
    assert deciding_token.name_of(reading) == "the first token"
    assert deciding_token.sentence(reading) is not None


def test_a_special_token_in_front_of_others_goes_by_its_spelling() -> None:
    """As in mBART, whose </s> stands before the code of a language."""
    reading = synthetic.read("Oil prices rise", "the team wins")
    at = [token.text for token in reading.encoding.tokens].index("[SEP]")
    reading = replace(reading, pooling=np.eye(reading.encoding.n_tokens)[at])
    assert deciding_token.name_of(reading) == "[SEP]"
    assert deciding_token.sentence(reading) == "The class is read from [SEP]."
