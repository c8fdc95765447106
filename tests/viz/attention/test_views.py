"""Words and special tokens: one operation that keeps rows at 1 and loses no mass unseen."""

from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.checkpoint.arrays import FloatArray
from tests.synthetic import causal, read_causal, read_windowed, read_with_sink
from viz import Classifier, Reading
from viz.attention import views, words
from viz.types import Encoding, Token


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
    view = views.view(encoding, weights)
    expected = np.array([(0, 1, 0), (0.25, 0.625, 0.125), (1, 0, 0)])
    np.testing.assert_allclose(view.weights[0, 0], expected, atol=1e-7)


def test_removing_special_tokens_rescales_rows_and_keeps_the_removed_mass() -> None:
    encoding = encoding_of(1, 1)
    weights = np.zeros((1, 1, 4, 4), dtype=np.float32)
    rows = [(0, 0, 0, 1), (0.5, 0.125, 0.125, 0.25), (0.1, 0.6, 0.2, 0.1), (1, 0, 0, 0)]
    weights[0, 0] = np.array(rows)
    view = views.view(encoding, weights, special=False)
    np.testing.assert_allclose(view.weights[0, 0], [[0.5, 0.5], [0.75, 0.25]], atol=1e-7)
    np.testing.assert_allclose(view.removed[0, 0], [0.75, 0.2], atol=1e-7)


@pytest.mark.parametrize("unit", ["word", "wordpiece"])
@pytest.mark.parametrize("special", [True, False])
@given(groups=st.lists(st.integers(1, 4), min_size=1, max_size=8), seed=st.integers(0, 99))
def test_rows_sum_to_one_in_every_view(
    unit: words.Unit, special: bool, groups: list[int], seed: int
) -> None:
    encoding = encoding_of(*groups)
    view = views.view(
        encoding, softmax_weights(encoding.n_tokens, seed), unit=unit, special=special
    )
    np.testing.assert_allclose(view.weights.sum(-1), 1, rtol=0, atol=1e-6)
    assert view.weights.shape[-1] == len(view.spans)
    assert ((view.removed >= 0) & (view.removed <= 1)).all()
    assert special or not any(span.special for span in view.spans)


def test_all_tokens_shown_as_wordpieces_are_the_weights_themselves(reading: Reading) -> None:
    view = views.view(reading.encoding, reading.attention.weights, unit="wordpiece")
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


def test_bytes_of_one_character_stay_together() -> None:
    encoding = encoding_from("你", ("ä½", 0, 1, 0), ("ł", 0, 1, 0))
    assert [span.tokens for span in words.spans(encoding)] == [(0, 1)]


@pytest.mark.parametrize(
    ("piece", "label"),
    [
        ("##üß", "##üß"),
        ("##n", "##n"),
        ("Ġris", "ris"),
        ("Ã¼Ã\x9f", "üß"),
        ("Ġ", "Ġ"),
        ("―", "―\u20dd"),
    ],
)
def test_a_wordpiece_keeps_its_sign_and_bytes_become_text(piece: str, label: str) -> None:
    text = label.replace("##", "")
    encoding = encoding_from(text, (piece, 0, len(text), 0))
    assert words.spans(encoding, "wordpiece")[0].label == label


@given(groups=st.lists(st.integers(1, 4), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_signed_shares_add_up_and_what_was_removed_is_the_rest(
    groups: list[int], seed: int
) -> None:
    encoding = encoding_of(*groups)
    shape = (2, 3, encoding.n_tokens, encoding.n_tokens)
    shares = np.random.default_rng(seed).normal(size=shape)
    whole = views.view(encoding, shares, signed=True)
    left = views.view(encoding, shares, signed=True, special=False)
    np.testing.assert_allclose(whole.weights.sum((-1, -2)), shares.sum((-1, -2)))
    kept = whole.weights[:, :, 1:-1, 1:-1]
    np.testing.assert_array_equal(left.weights, kept)
    np.testing.assert_allclose(left.removed, whole.weights[:, :, 1:-1, [0, -1]].sum(-1))


def test_rows_of_a_long_text_sum_to_one_without_special_tokens() -> None:
    encoding = encoding_of(*[1, 2, 3] * 85)
    view = views.view(encoding, softmax_weights(encoding.n_tokens, 0), special=False)
    sums = view.weights.sum(-1, dtype=np.float64)
    np.testing.assert_allclose(sums, 1, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "queries", "keys"),
    [
        ("A-A", "[CLS] oil prices [SEP]", "[CLS] oil prices [SEP]"),
        ("A-B", "[CLS] oil prices [SEP]", "rise [SEP]"),
        ("B-A", "rise [SEP]", "[CLS] oil prices [SEP]"),
        ("B-B", "rise [SEP]", "rise [SEP]"),
    ],
)
def test_a_quadrant_is_one_text_of_a_pair_looking_at_one(
    classifier: Classifier, name: views.Quadrant, queries: str, keys: str
) -> None:
    reading = classifier.read("oil prices", "rise")
    whole = views.view(reading.encoding, reading.attention.weights)
    part = views.quadrant(whole, name)
    assert " ".join(span.label for span in part.spans) == queries
    assert " ".join(span.label for span in part.keys) == keys
    rows, columns = ({"A": [0, 1, 2, 3], "B": [4, 5]}[letter] for letter in (name[0], name[2]))
    np.testing.assert_array_equal(part.weights, whole.weights[:, :, rows][..., columns])
    assert part.removed.shape == part.weights.shape[:3]


def test_all_of_a_pair_is_the_view_itself(classifier: Classifier) -> None:
    reading = classifier.read("oil prices", "rise")
    whole = views.view(reading.encoding, reading.attention.weights)
    assert views.quadrant(whole, "all") is whole


def test_a_word_keeps_the_accents_that_its_tokens_dropped(classifier: Classifier) -> None:
    decomposed = "oil cafe\u0301"
    labels = [span.label for span in words.spans(classifier.encode(decomposed))]
    assert labels == ["[CLS]", "oil", "cafe\u0301", "[SEP]"]


@pytest.mark.parametrize("unit", ["word", "wordpiece"])
@pytest.mark.parametrize("special", [True, False])
@given(groups=st.lists(st.integers(1, 4), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_what_is_merged_is_impossible_where_all_of_it_is(
    unit: words.Unit, special: bool, groups: list[int], seed: int
) -> None:
    encoding = encoding_of(*groups)
    n_tokens = encoding.n_tokens
    mask = np.random.default_rng(seed).random((2, n_tokens, n_tokens)) < 0.7
    mask[:, np.arange(n_tokens), np.arange(n_tokens)] = False
    weights = softmax_weights(n_tokens, seed) * ~mask[:, None]
    weights /= weights.sum(-1, keepdims=True)
    view = views.view(encoding, weights, unit=unit, special=special, impossible=mask)
    for layer, row, column in np.ndindex(2, len(view.spans), len(view.keys)):
        merged = mask[layer][np.ix_(view.spans[row].tokens, view.keys[column].tokens)]
        found = view.impossible is not None and view.impossible[layer, row, column]
        assert found == merged.all()
        assert not found or not view.weights[layer, :, row, column].any()


def test_a_word_looks_at_itself_even_where_its_first_piece_cannot_see_the_others() -> None:
    view = views.view(encoding_of(2), np.tril(np.ones((1, 1, 4, 4))), impossible=causal(4)[None])
    assert view.impossible is not None
    np.testing.assert_array_equal(view.impossible[0], causal(3))


def test_the_mean_over_layers_is_impossible_where_every_layer_is() -> None:
    reading = read_windowed()
    mask = reading.attention.impossible
    whole = views.view(
        reading.encoding, reading.attention.weights, unit="wordpiece", impossible=mask
    )
    assert mask is not None
    assert views.pick(whole, None, None).impossible is None  # the global layer sees all
    assert views.pick_layer(whole, 1).impossible is None
    local = views.pick(whole, 0, 1).impossible
    assert local is not None
    np.testing.assert_array_equal(local, mask[:1])


def test_a_quadrant_that_a_causal_mask_forbids_is_impossible_throughout() -> None:
    reading = read_causal("Oil prices rise.", "Stocks fall.")
    whole = views.view(
        reading.encoding, reading.attention.weights, impossible=reading.attention.impossible
    )
    ahead = views.quadrant(whole, "A-B")
    assert ahead.impossible is not None
    assert ahead.impossible.all()
    assert views.quadrant(whole, "B-A").impossible is None


def test_a_mean_of_rows_can_look_where_one_of_them_can() -> None:
    reading = read_causal()
    view = views.view(
        reading.encoding, reading.attention.weights, impossible=reading.attention.impossible
    )
    one = views.pick(view, 0, 0)
    pooling = np.zeros(reading.encoding.n_tokens)
    pooling[[1, 3]] = 0.5
    found = views.pooled_impossible(one, pooling)
    assert found is not None
    np.testing.assert_array_equal(found, np.arange(len(one.keys)) > 3)
    assert not views.pooled_row(one, pooling)[found].any()


def test_rows_with_a_sink_keep_their_sum_without_special_tokens() -> None:
    reading = read_with_sink()
    view = views.view(reading.encoding, reading.attention.weights, special=False)
    np.testing.assert_allclose(view.weights.sum(-1), 0.5, rtol=0, atol=1e-6)
    plain = views.view(reading.encoding, read_causal().attention.weights, special=False)
    np.testing.assert_allclose(view.removed, plain.removed / 2, rtol=0, atol=1e-6)
    assert views.sink_note(view).startswith("rows sum to 0.50 on average: the rest goes to a sink")
    assert views.sink_note(plain) == ""
