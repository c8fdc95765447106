"""Which words belong together: edits that readers find natural, one text under two tokenizers."""

import re

import numpy as np
import pytest

from tests.synthetic import encode
from viz.attention.words import spans
from viz.comparison.alignment import align_words
from viz.comparison.word_edits import edit_words
from viz.types import Encoding, Token


def edits(first: str, second: str) -> list[str]:
    """The labels of all edits between two texts, special tokens left out."""
    alignment = align_words(encode(first), encode(second))
    return [edit.label for edit in alignment.edits if not edit.span.special]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("it was good", "it was bad", "it|was|good → bad"),
        ("it was good.", "it was not good!", "it|was|+ not|good|. → !"),
        ("it was very very good", "it was very good", "it|was|very|− very|good"),
        ("the dog", "the cat and the dog", "+ the|+ cat|+ and|the|dog"),
        ("the dog", "the dog and the cat", "the|dog|+ and|+ the|+ cat"),
        ("Oil prices rise", "Share price falls", "Oil → Share|prices → price|rise → falls"),
        ("very bad film", "good film", "very bad → good|film"),
        ("这部电影很好看", "这部电影不好看", "这|部|电|影|很 → 不|好|看"),
        ("这很好", "这不太好", "这|很 → 不太|好"),
        ("I love it 😀", "I hate it 😡", "I|love → hate|it|😀 → 😡"),
        (
            "rise as stocks fall",
            "fall as shares rise",
            "rise → fall|as|stocks → shares|fall → rise",
        ),
        ("good", "!", "− good|+ !"),
        ("Stocks", "stocks", "Stocks → stocks"),
    ],
)
def test_edits_are_those_that_a_reader_sees(first: str, second: str, expected: str) -> None:
    assert edits(first, second) == expected.split("|")


@pytest.mark.parametrize("seed", range(20))
def test_edits_hold_every_word_once_and_are_the_same_the_other_way_around(seed: int) -> None:
    random = np.random.default_rng(seed)
    first, second = (
        list(random.choice([*"abcde,.", "ab", "abc"], random.integers(0, 12))) for _ in "12"
    )
    forth, back = edit_words(first, second), edit_words(second, first)
    assert [place for edit in forth for place in edit.first] == [*range(len(first))]
    assert [place for edit in forth for place in edit.second] == [*range(len(second))]
    pairs = {(edit.first, edit.second) for edit in forth if edit.first and edit.second}
    assert pairs == {(edit.second, edit.first) for edit in back if edit.first and edit.second}
    same = [edit for edit in forth if edit.kind == "same"]
    assert all(first[edit.first[0]] == second[edit.second[0]] for edit in same)
    assert all(edit.kind == "same" for edit in edit_words(first, first))


def test_a_pair_of_texts_is_aligned_text_by_text() -> None:
    alignment = align_words(encode("good", "bad"), encode("good"))
    labels = [edit.label for edit in alignment.edits]
    assert labels == ["[CLS]", "good", "[SEP]", "− bad", "− [SEP]"]
    assert [edit.span.part for edit in alignment.edits] == [None, 0, None, 1, None]


def tokenized(text: str, pattern: str, *, special: tuple[str, str]) -> Encoding:
    """A text cut at the matches of a pattern, each a word of its own."""
    first, last = special
    matches = enumerate(re.finditer(pattern, text))
    words = [Token(m.group(), *m.span(), index, False, 0) for index, m in matches]
    ends = [[Token(name, 0, 0, None, True)] if name else [] for name in (first, last)]
    tokens = (*ends[0], *words, *ends[1])
    return Encoding(text, None, tokens, {"input_ids": np.zeros(len(tokens), np.int64)})


def test_one_text_under_two_tokenizers_is_aligned_by_characters() -> None:
    text = "it's 电影 well-known"
    fine = tokenized(text, r"\w|[^\w\s]", special=("[CLS]", "[SEP]"))
    coarse = tokenized(text, r"\S+", special=("", "</s>"))
    alignment = align_words(fine, coarse)
    assert alignment.by == "characters"
    assert [edit.label for edit in alignment.edits] == [
        "− [CLS]",
        "it's",
        "电影",
        "well-known",
        "[SEP] → </s>",
    ]
    for side, encoding in (("first", fine), ("second", coarse)):
        held = [getattr(edit, side) for edit in alignment.edits if getattr(edit, side)]
        assert [t for span in held for t in span.tokens] == [*range(encoding.n_tokens)]


def test_the_same_encoding_is_the_same_word_by_word() -> None:
    encoding = encode("Oil prices rise, internationally, 这.")
    alignment = align_words(encoding, encoding)
    assert not alignment.changed
    assert tuple(edit.first for edit in alignment.edits) == spans(encoding)
