"""Which words belong together: edits that readers find natural, one text under two tokenizers."""

import re
from itertools import pairwise

import numpy as np
import pytest

from tests.family_tokenizers import family_tokenizer
from tests.hostile_texts import hostile_texts
from tests.synthetic import encode
from viz.attention.words import spans
from viz.comparison.alignment import align_words
from viz.comparison.word_edits import edit_words
from viz.errors import TextError
from viz.model.encoding import Encoder
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


def encoder(family: str) -> Encoder:
    """The tokenizer of a family, without its model."""
    return Encoder(family_tokenizer(family), max_tokens=96, inputs=frozenset({"input_ids"}))


def check_whole(first: Encoding, second: Encoding) -> None:
    """Every token of both sides is in one edit, in order, and no edit is empty."""
    edits = align_words(first, second).edits
    for spans_of_side, encoding in (
        ([edit.first for edit in edits], first),
        ([edit.second for edit in edits], second),
    ):
        tokens = [token for span in spans_of_side if span for token in span.tokens]
        assert tokens == [*range(encoding.n_tokens)]
    assert all(edit.first or edit.second for edit in edits)


@pytest.mark.parametrize(
    ("one", "other"), [("bert", "modernbert"), ("gpt2", "t5"), ("xlnet", "bert")]
)
def test_any_text_is_aligned_whole_whichever_tokenizers_read_it(one: str, other: str) -> None:
    encoders = encoder(one), encoder(other)
    encodings: list[tuple[Encoding, Encoding]] = []
    for _, text, pair in hostile_texts(60):
        try:
            first, second = (each.encode(text, pair) for each in encoders)
        except TextError:
            continue
        check_whole(first, second)
        encodings.append((first, second))
    assert len(encodings) > 30
    for (first, _), (_, second) in pairwise(encodings):
        check_whole(first, second)


def test_words_of_bert_and_modernbert_line_up_one_by_one() -> None:
    text = "The market wasn't good: 电影 fall, 😀 e.g. non-stop!"
    first, second = (encoder(family).encode(text) for family in ("bert", "modernbert"))
    alignment = align_words(first, second)
    labels = [edit.label for edit in alignment.edits if not edit.span.special]
    assert "".join(labels) == text.replace(" ", "")
    assert [edit.kind for edit in alignment.edits] == ["same"] * len(alignment.edits)
    assert {"market", "电", "😀", "non"} <= {*labels}
