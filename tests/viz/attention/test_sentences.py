"""Sentences, paragraphs and passages: where they stand, and that their words add up."""

import re
from dataclasses import replace

import numpy as np
import pytest

from finetune.checkpoint.sentences import sentences
from viz.attention.sentences import (
    excerpt,
    grouped,
    paragraph_numbers,
    passage_numbers,
    sentence_numbers,
    stretch_numbers,
)
from viz.attention.words import merge, spans
from viz.types import Encoding, Token, UnseenSpan


def encoding_of(text: str, pair: str | None = None) -> Encoding:
    """Runs of letters, ideographs and other signs, each a token, between special tokens."""
    special = Token("[CLS]", 0, 0, None, special=True)
    tokens = [special]
    for part, own in enumerate((text, pair or "")):
        for match in re.finditer(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+|[^\w\s]", own):
            word = len(tokens)
            tokens.append(Token(match[0], *match.span(), word, special=False, part=part))
    tokens.append(special)
    ids = np.arange(len(tokens), dtype=np.int64)
    return Encoding(text, pair, tuple(tokens), {"input_ids": ids})


TEXTS = {
    "English": (
        "Oil rises. Dr. Smith sells it! Why?",
        ["Oil rises.", "Dr. Smith sells it!", "Why?"],
    ),
    "Chinese": ("油价上涨。股市下跌！为什么？", ["油价上涨。", "股市下跌！", "为什么？"]),
    "emoji": ("I 😀 it. So 👨‍👩‍👧 good! 🎉", ["I 😀 it.", "So 👨‍👩‍👧 good! 🎉"]),
    "markup": (
        "<p>Hello.</p> <p>And <b>you</b>?</p>",
        ["<p>Hello.", "</p> <p>And <b>you</b>?</p>"],
    ),
    "line breaks": ("One.\r\nTwo.\r\n\r\nThree.", ["One.", "Two.", "Three."]),
    "without any end": ("oil prices rise", ["oil prices rise"]),
    "blanks around": ("\n\n  oil.  \n", ["oil."]),
    "blanks": (" \n\t ", []),
    "empty": ("", []),
    "half a character": ("\ud800 ends. Next", ["\ud800 ends.", "Next"]),
}


@pytest.mark.parametrize("name", TEXTS)
def test_sentences_stand_where_they_are_written(name: str) -> None:
    text, expected = TEXTS[name]
    assert [text[place.start : place.end] for place in sentences(text)] == expected


@pytest.mark.parametrize("line", ["\n", "\r\n", "\r"])
def test_an_empty_line_ends_a_paragraph(line: str) -> None:
    text = f"One. Two{line}goes on.{line}{line} {line}Three{line}{line}Four."
    assert [place.paragraph for place in sentences(text)] == [0, 0, 1, 2]


@pytest.mark.parametrize("name", TEXTS)
def test_every_word_is_in_one_sentence_and_scores_add_up(name: str) -> None:
    encoding = encoding_of(f"{TEXTS[name][0]}\n\nLast one. Yes", "A second text. Of two.")
    words = spans(encoding)
    scores = np.random.default_rng(0).normal(size=encoding.n_tokens)
    sentence, paragraph = sentence_numbers(encoding, words), paragraph_numbers(encoding, words)
    for numbers in (sentence, paragraph, passage_numbers(sentence, paragraph, 3, 5)):
        groups = grouped(encoding, words, numbers)
        assert len(groups) == numbers.max() + 1
        assert [token for group in groups for token in group.tokens] == [
            token for word in words if not word.special for token in word.tokens
        ]
        assert merge(scores, groups, np.float64).sum() == pytest.approx(scores[1:-1].sum())
        assert all(
            group.label == encoding.part_text(group.part)[group.start : group.end]
            for group in groups
        )
    assert (sentence[[0, -1]] == -1).all()


def test_passages_end_with_a_paragraph_else_with_a_sentence() -> None:
    paragraphs = ["Oil prices rise. " * 3, "Stocks fall. " * 10, "no end of words " * 10]
    encoding = encoding_of("\n\n".join(paragraphs))
    words = spans(encoding)
    sentence, paragraph = sentence_numbers(encoding, words), paragraph_numbers(encoding, words)
    passages = passage_numbers(sentence, paragraph, n_words=10, longest=16)
    labels = [group.label for group in grouped(encoding, words, passages)]
    assert labels[0] == paragraphs[0].strip(), "twelve words and signs, then the paragraph ends"
    assert labels[1] == ("Stocks fall. " * 5).strip()
    assert labels[2] == ("Stocks fall. " * 5).strip()
    sizes = np.bincount(passages[passages >= 0])
    assert sizes[3:].tolist() == [14, 13, 13], "a sentence that is too long is shared out"


def test_stretches_share_out_what_is_long_and_leave_what_is_short() -> None:
    numbers = np.array([-1, 0, 0, *[1] * 7, 2, -1])
    assert stretch_numbers(numbers, 3).tolist() == [-1, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, -1]
    whole = stretch_numbers(np.zeros(5_000, dtype=np.int64))
    assert np.bincount(whole).tolist() == [100] * 50


def test_a_text_without_words_has_no_groups() -> None:
    encoding = encoding_of(" ")
    words = spans(encoding)
    numbers = sentence_numbers(encoding, words)
    assert numbers.tolist() == [-1, -1]
    assert grouped(encoding, words, numbers) == ()
    assert passage_numbers(numbers, numbers).tolist() == [-1, -1]


def test_an_excerpt_has_the_words_of_a_passage_at_their_places() -> None:
    encoding = encoding_of("Oil rises.\n\nStocks fall. They 🙂 do.", "Gas too.")
    # Of what was not seen, the excerpt has the part that lies in it.
    encoding = replace(encoding, unseen=(UnseenSpan(0, 8, 18), UnseenSpan(1, 0, 3)))
    words = spans(encoding)
    numbers = paragraph_numbers(encoding, words)
    own = excerpt(encoding, words, numbers, 1)
    assert own.encoding.text == "Stocks fall. They 🙂 do."
    assert [own.encoding.text[word.start : word.end] for word in own.words] == [
        words[index].label for index in own.indices
    ]
    assert own.encoding.unseen == (UnseenSpan(0, 0, 6),)
    second = excerpt(encoding, words, numbers, 2)
    assert (second.encoding.text, second.encoding.unseen) == ("Gas too.", (UnseenSpan(0, 0, 3),))
