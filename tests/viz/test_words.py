"""Words and special tokens: one operation that keeps rows at 1 and loses no mass unseen."""

from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viz import Classifier, Reading, words
from viz.types import Encoding, FloatArray, Token


def encoding_of(*groups: int) -> Encoding:
    """[CLS], then words of so many pieces each, then [SEP]."""
    tokens = [Token("[CLS]", 0, 0, None, True)]
    for word, pieces in enumerate(groups):
        tokens += [
            Token("x", word * 9 + i, word * 9 + i + 1, word, False, 0) for i in range(pieces)
        ]
    tokens.append(Token("[SEP]", 0, 0, None, True))
    ids = np.zeros(len(tokens), dtype=np.int64)
    return Encoding(
        "abcdefgh " * len(groups), None, tuple(tokens), MappingProxyType({"input_ids": ids})
    )


def softmax_weights(n_tokens: int, seed: int = 0) -> FloatArray:
    raw = np.exp(np.random.default_rng(seed).normal(0, 4, (2, 3, n_tokens, n_tokens)))
    return np.asarray(raw / raw.sum(-1, keepdims=True), dtype=np.float32)


def test_keys_of_a_word_are_added_and_its_queries_averaged() -> None:
    encoding = encoding_of(2)
    weights = np.zeros((1, 1, 4, 4), dtype=np.float32)
    rows = [(0, 1, 0, 0), (0, 0.25, 0.5, 0.25), (0.5, 0.5, 0, 0), (1, 0, 0, 0)]
    weights[0, 0] = np.array(rows)
    view = words.view(encoding, weights)
    expected = np.array([(0, 1, 0), (0.25, 0.625, 0.125), (1, 0, 0)])
    np.testing.assert_allclose(view.weights[0, 0], expected, atol=1e-7)


def test_removing_special_tokens_rescales_rows_and_keeps_the_removed_mass() -> None:
    encoding = encoding_of(1, 1)
    weights = np.zeros((1, 1, 4, 4), dtype=np.float32)
    rows = [(0, 0, 0, 1), (0.5, 0.125, 0.125, 0.25), (0.1, 0.6, 0.2, 0.1), (1, 0, 0, 0)]
    weights[0, 0] = np.array(rows)
    view = words.view(encoding, weights, special=False)
    np.testing.assert_allclose(view.weights[0, 0], [[0.5, 0.5], [0.75, 0.25]], atol=1e-7)
    np.testing.assert_allclose(view.removed[0, 0], [0.75, 0.2], atol=1e-7)


@pytest.mark.parametrize("unit", ["word", "wordpiece"])
@pytest.mark.parametrize("special", [True, False])
@given(groups=st.lists(st.integers(1, 4), min_size=1, max_size=8), seed=st.integers(0, 99))
def test_rows_sum_to_one_in_every_view(
    unit: words.Unit, special: bool, groups: list[int], seed: int
) -> None:
    encoding = encoding_of(*groups)
    view = words.view(
        encoding, softmax_weights(encoding.n_tokens, seed), unit=unit, special=special
    )
    np.testing.assert_allclose(view.weights.sum(-1), 1, rtol=0, atol=1e-6)
    assert view.weights.shape[-1] == len(view.spans)
    assert ((view.removed >= 0) & (view.removed <= 1)).all()
    assert special or not any(span.special for span in view.spans)


def test_all_tokens_shown_as_wordpieces_are_the_weights_themselves(reading: Reading) -> None:
    view = words.view(reading.encoding, reading.attention.weights, unit="wordpiece")
    np.testing.assert_allclose(view.weights, reading.attention.weights, atol=1e-7)


@given(groups=st.lists(st.integers(1, 4), min_size=1, max_size=8))
def test_word_scores_add_up_to_token_scores(groups: list[int]) -> None:
    encoding = encoding_of(*groups)
    scores = np.random.default_rng(0).normal(size=encoding.n_tokens).astype(np.float32)
    merged = words.merge(scores, words.spans(encoding))
    assert len(merged) == len(groups) + 2
    assert merged.sum() == pytest.approx(scores.sum(), abs=1e-5)


def test_a_word_is_spelled_as_in_the_text_and_a_wordpiece_as_in_the_vocabulary(
    classifier: Classifier,
) -> None:
    encoding = classifier.encode("Oil Stocksy ΩΩ")
    assert [span.label for span in words.spans(encoding)] == [
        "[CLS]",
        "Oil",
        "Stocksy",
        "ΩΩ",
        "[SEP]",
    ]
    pieces = [span.label for span in words.spans(encoding, "wordpiece")]
    assert pieces == ["[CLS]", "oil", "stocks", "##y", "[UNK]", "[SEP]"]


def encoding_from(text: str, *pieces: tuple[str, int, int, int]) -> Encoding:
    """Tokens as a tokenizer made them: spelling, start, end, word."""
    tokens = tuple(Token(piece, start, end, word, False, 0) for piece, start, end, word in pieces)
    ids = np.zeros(len(tokens), dtype=np.int64)
    return Encoding(text, None, tokens, {"input_ids": ids})


def test_ideographs_that_a_tokenizer_joins_are_words_of_their_own() -> None:
    encoding = encoding_from(
        "你好 oils",
        ("\u2581", 0, 1, 0),
        ("你", 0, 1, 0),
        ("好", 1, 2, 0),
        ("\u2581oil", 2, 6, 1),
        ("s", 6, 7, 1),
    )
    assert [span.label for span in words.spans(encoding)] == ["你", "好", "oils"]


def test_bytes_of_one_character_stay_together() -> None:
    encoding = encoding_from("你", ("ä½", 0, 1, 0), ("ł", 0, 1, 0))
    assert [span.tokens for span in words.spans(encoding)] == [(0, 1)]


@pytest.mark.parametrize(
    ("piece", "label"), [("##üß", "##üß"), ("##n", "##n"), ("Ġris", "ris"), ("Ã¼Ã\x9f", "üß")]
)
def test_a_wordpiece_keeps_its_sign_and_bytes_become_text(piece: str, label: str) -> None:
    text = label.replace("##", "")
    encoding = encoding_from(text, (piece, 0, len(text), 0))
    assert words.spans(encoding, "wordpiece")[0].label == label
