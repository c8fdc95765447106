"""What the components send to the browser: sizes, numbers, colours, and the text left whole."""

import base64
import json
import zlib
from itertools import pairwise
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from viz.attribution.wording import percent
from viz.colors import DARK, LIGHT
from viz.pictures import atlas, bars, strip
from viz.types import Encoding, FloatArray, Prediction, Reading, Token
from viz.words import Span, merge, spans


def attention(n_layers: int, n_heads: int, n_tokens: int, seed: int = 0) -> FloatArray:
    """Random weights, rows summing to 1: noise, so they compress worse than a model's."""
    scores = np.random.default_rng(seed).normal(size=(n_layers, n_heads, n_tokens, n_tokens)) * 2
    weights = np.exp(scores)
    return np.asarray(weights / weights.sum(-1, keepdims=True), dtype=np.float32)


def sent(weights: FloatArray) -> tuple[dict[str, object], NDArray[np.uint8]]:
    """The payload, and the dots that the browser unpacks from it."""
    data = atlas.payload(weights, layer=0, head=0)
    packed = zlib.decompress(base64.b64decode(str(data["dots"])))
    n_layers, n_heads, side = weights.shape[0] + 1, weights.shape[1] + 1, data["side"]
    assert isinstance(side, int)
    dots = np.frombuffer(packed, np.uint8).reshape(n_layers, n_heads, side, side)
    return data, dots


@pytest.mark.parametrize(
    ("shape", "limit"),
    [((12, 12, 128), 400_000), ((12, 12, 512), 1_000_000), ((24, 16, 128), 1_000_000)],
)
def test_atlas_is_small(shape: tuple[int, int, int], limit: int) -> None:
    data, _ = sent(attention(*shape))
    assert len(json.dumps(data)) < limit


@pytest.mark.parametrize("n_tokens", [48, 49, 100, 511])
def test_one_bright_weight_survives_pooling(n_tokens: int) -> None:
    weights = np.zeros((2, 3, n_tokens, n_tokens), np.float32)
    weights[1, 2, n_tokens - 2, n_tokens // 3] = 1
    dots = atlas.thumbnails(weights, 48)
    row, column = np.argwhere(dots[1, 2] == 1)[0]
    assert (dots[1, 2] == 1).sum() == 1
    assert row * n_tokens // 48 <= n_tokens - 2 < (row + 1) * n_tokens // 48
    assert column * n_tokens // 48 <= n_tokens // 3 < (column + 1) * n_tokens // 48


def test_last_row_and_column_are_means() -> None:
    weights = attention(3, 4, 10)
    dots = atlas.thumbnails(weights, 10)
    assert dots.shape == (4, 5, 10, 10)
    np.testing.assert_array_equal(weights, dots[:3, :4])
    np.testing.assert_allclose(weights.mean(1), dots[:3, 4], rtol=1e-5)
    np.testing.assert_allclose(weights.mean(0), dots[3, :4], rtol=1e-5)
    np.testing.assert_allclose(weights.mean((0, 1)), dots[3, 4], rtol=1e-5)


def test_means_are_taken_before_pooling() -> None:
    weights = np.zeros((1, 2, 96, 96), np.float32)
    weights[0, 0, 0, 0] = weights[0, 1, 1, 1] = 1
    assert atlas.thumbnails(weights, 48)[0, 2, 0, 0] == 0.5


def test_all_heads_share_one_square_root_scale() -> None:
    weights = np.zeros((1, 2, 4, 4), np.float32)
    weights[0, 0], weights[0, 1] = 0.8, 0.2
    data, dots = sent(weights)
    assert data["largest"] == "0.800"
    assert (dots[0, 0] == atlas.LEVELS - 1).all()
    assert (dots[0, 1] == round((atlas.LEVELS - 1) / 2)).all()


def test_what_is_no_number_is_drawn_as_nothing() -> None:
    weights = attention(2, 2, 60)
    weights[0, 0] = np.nan
    weights[1, 1, 0, 0] = np.inf
    data, dots = sent(weights)
    assert (dots[0, 0] == 0).all()
    json.dumps(data, allow_nan=False)


@pytest.mark.parametrize("shape", [(1, 1, 2), (1, 1, 1), (24, 16, 5)])
def test_atlas_of_any_size_is_json(shape: tuple[int, int, int]) -> None:
    data, dots = sent(attention(*shape))
    assert dots.shape[-1] == shape[2]
    json.dumps(data, allow_nan=False)


def test_attention_of_nothing_is_black() -> None:
    _, dots = sent(np.zeros((2, 2, 3, 3), np.float32))
    assert (dots == 0).all()


def test_colours_of_the_atlas_run_from_the_ground_to_the_strongest() -> None:
    themes = atlas.payload(attention(1, 1, 2), layer=0, head=0)["themes"]
    assert isinstance(themes, dict)
    for theme, palette in (("light", LIGHT), ("dark", DARK)):
        scale = themes[theme]["scale"]
        assert (scale[0], scale[-1]) == (palette.ground, palette.sequential[-1])
        assert len(scale) == atlas.LEVELS


@pytest.mark.parametrize(("layer", "head"), [(2, 0), (0, 3), (-1, 0)])
def test_a_head_that_is_not_there_is_refused(layer: int, head: int) -> None:
    with pytest.raises(ValueError, match="is allowed"):
        atlas.payload(attention(2, 3, 4), layer=layer, head=head)


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 4)])
def test_an_array_that_is_no_attention_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="is needed"):
        atlas.payload(np.zeros(shape, np.float32), layer=None, head=None)


def page_with_all_three() -> None:
    """Mount every component and write what was selected."""
    import numpy as np
    import streamlit as st

    from viz.components import atlas, bars, strip
    from viz.types import Encoding, Prediction, Token
    from viz.words import spans

    encoding = Encoding("oil", None, (Token("oil", 0, 3, 0, False, 0),), {})
    weights = np.full((2, 3, 4, 4), 0.25, np.float32)
    ones = np.ones(1, np.float32)
    bars.bars(Prediction(("a",), ones, ones), key="bars")
    strip.strip(encoding, spans(encoding), ones, signed=True, key="strip", caption="one word")
    atlas.atlas(weights, layer=1, head=None, key="atlas")
    st.text(repr(atlas.selection("atlas")))


@pytest.mark.parametrize(
    ("state", "selected"),
    [
        (None, "None"),
        ({}, "None"),
        ({"selected": None}, "None"),
        ({"selected": {"layer": 1, "head": 2, "turn": 1}}, "(1, 2)"),
        ({"selected": {"layer": None, "head": 2}}, "(None, 2)"),
        ({"selected": {"layer": None, "head": None, "turn": 7}}, "(None, None)"),
        ({"selected": {"layer": 1}}, "None"),
        ({"selected": {"layer": "1", "head": True}}, "None"),
    ],
)
def test_a_page_reads_what_was_selected(state: object, selected: str) -> None:
    app = AppTest.from_function(page_with_all_three)
    if state is not None:
        app.session_state["atlas"] = state
    app.run()
    assert not app.exception
    assert app.text[0].value == selected


def tokens(
    text: str, cuts: list[int], words: list[bool], part: int = 0, first: int = 0
) -> list[Token]:
    """One token for each stretch between cuts that is chosen to be a word."""
    edges = sorted({0, *(cut % (len(text) + 1) for cut in cuts), len(text)})
    stretches = list(pairwise(edges))
    return [
        Token("x", start, end, first + index, False, part)
        for index, (start, end) in enumerate(stretches)
        if words[index % len(words)]
    ]


CLS, SEP = Token("[CLS]", 0, 0, None, True), Token("[SEP]", 0, 0, None, True)
texts = st.text(min_size=1, max_size=40)
cuts = st.lists(st.integers(0, 40), max_size=8)
choices = st.lists(st.booleans(), min_size=1, max_size=8)


@given(texts, st.none() | texts, cuts, choices, st.integers(0, 1))
def test_segments_joined_are_the_text_again(
    text: str, pair: str | None, cut: list[int], words: list[bool], n_unseen: int
) -> None:
    own = tokens(text, cut, words)
    other = [] if pair is None else [*tokens(pair, cut, words, 1, 100), SEP]
    encoding = Encoding(text, pair, (CLS, *own, SEP, *other), {}, n_unseen)
    over = spans(encoding)
    scores = np.linspace(-1, 1, len(over))
    parts = strip.segments(encoding, over, scores)
    whole = ["".join(s.text for s in part if s.kind != "special") for part in parts]
    assert whole == [text, pair][: len(parts)]
    assert len(parts) == 1 + (pair is not None)
    total = sum(segment.score for part in parts for segment in part)
    assert total == pytest.approx(scores.sum(), abs=1e-9)


def test_a_real_reading_keeps_its_text_and_its_scores(reading: Reading) -> None:
    encoding = reading.encoding
    over = spans(encoding)
    scores = merge(np.arange(encoding.n_tokens, dtype=np.float32), over)
    (part,) = strip.segments(encoding, over, scores)
    assert "".join(s.text for s in part if s.kind != "special") == encoding.text
    assert [s.text for s in part if s.kind == "word"] == [s.label for s in over if not s.special]
    assert sum(s.score for s in part) == scores.sum()


def kinds(encoding: Encoding) -> list[list[tuple[str, str]]]:
    over = spans(encoding)
    parts = strip.segments(encoding, over, np.zeros(len(over)))
    return [[(segment.kind, segment.text) for segment in part] for part in parts]


def test_special_tokens_stand_where_the_model_reads_them() -> None:
    one, two = Token("hi", 0, 2, 0, False, 0), Token("you", 1, 4, 1, False, 1)
    assert kinds(Encoding("hi!", " you", (CLS, one, SEP, two, SEP), {})) == [
        [("special", "[CLS]"), ("word", "hi"), ("special", "[SEP]"), ("gap", "!")],
        [("gap", " "), ("word", "you"), ("special", "[SEP]")],
    ]


def test_what_the_model_never_saw_is_marked() -> None:
    seen = (CLS, Token("oil", 0, 3, 0, False, 0), SEP)
    assert kinds(Encoding("oil rises", None, seen, {}, n_unseen=1)) == [
        [("special", "[CLS]"), ("word", "oil"), ("special", "[SEP]"), ("unseen", " rises")]
    ]
    assert kinds(Encoding("oil \n", None, seen, {}, n_unseen=1))[0][-1] == ("gap", " \n")
    assert kinds(Encoding("oil!", None, seen, {}))[0][-1] == ("gap", "!")


def test_a_text_of_which_nothing_was_seen_is_marked_whole() -> None:
    first = Token("oil", 0, 3, 0, False, 0)
    assert kinds(Encoding("oil", "gone", (CLS, first, SEP), {}, 1))[1] == [("unseen", "gone")]


def test_pieces_of_one_character_are_one_word_with_their_scores_added() -> None:
    pieces = tuple(Token(f"b{index}", 0, 1, index, False, 0) for index in range(3))
    encoding = Encoding("😀", None, pieces, {})
    (part,) = strip.segments(encoding, spans(encoding, "wordpiece"), np.array([0.5, 0.25, 0.25]))
    assert part == [strip.Segment("😀", "word", 1.0)]


def test_blanks_that_a_tokenizer_counts_to_a_word_stay_uncoloured() -> None:
    encoding = Encoding("a  b", None, (Token("b", 1, 4, 0, False, 0),), {})
    assert kinds(encoding) == [[("gap", "a  "), ("word", "b")]]
    blank = Encoding("a\nb", None, (Token("Ċ", 1, 2, 0, False, 0),), {})
    assert kinds(blank) == [[("gap", "a"), ("word", "\n"), ("gap", "b")]]


def words_of(
    scores: list[float], *, signed: bool
) -> tuple[dict[str, object], list[dict[str, object]]]:
    """The payload of one-letter words, with a special token whose score is much larger."""
    letters = tuple(Token("x", index, index + 1, index, False, 0) for index in range(len(scores)))
    encoding = Encoding("x" * len(scores), None, (CLS, *letters), {})
    data = strip.payload(encoding, spans(encoding), np.array([9.0, *scores]), signed=signed)
    parts = data["parts"]
    assert isinstance(parts, list)
    return data, [segment for segment in parts[0] if segment["kind"] == "word"]


def test_signed_scores_run_from_orange_over_the_ground_to_blue() -> None:
    data, words = words_of([-0.5, 0.0, 0.5], signed=True)
    assert [word["light"] for word in words] == [
        (LIGHT.diverging[0], "#ffffff"),
        (LIGHT.ground, "#000000"),
        (LIGHT.diverging[-1], "#ffffff"),
    ]
    assert [word["dark"] for word in words] == [
        (DARK.diverging[0], "#000000"),
        (DARK.ground, "#ffffff"),
        (DARK.diverging[-1], "#000000"),
    ]
    assert [word["score"] for word in words] == ["−0.500", "0", "+0.500"]
    assert (data["lowest"], data["highest"]) == ("−0.500", "+0.500")


def test_unsigned_scores_run_from_the_ground_up() -> None:
    data, words = words_of([0.0, 0.04], signed=False)
    grounds = [pair[0] for word in words if isinstance(pair := word["light"], tuple)]
    assert grounds == [LIGHT.ground, LIGHT.sequential[-1]]
    assert [word["score"] for word in words] == ["0", "0.0400"]
    assert (data["lowest"], data["highest"]) == ("0", "0.0400")


@pytest.mark.parametrize("scores", [[0.0, 0.0], [np.nan, np.inf], [1e-30, 0.0], [1e30, -1e30]])
def test_any_scores_are_sent_as_json(scores: list[float]) -> None:
    data, _ = words_of(scores, signed=True)
    json.dumps(data, allow_nan=False)


def test_a_text_of_special_tokens_only_is_shown() -> None:
    encoding = Encoding("", None, (CLS, SEP), {})
    data = strip.payload(encoding, spans(encoding), np.ones(2), signed=True)
    assert [[segment["text"] for segment in part] for part in data["parts"]] == [["[CLS]", "[SEP]"]]  # type: ignore[attr-defined]


def test_scores_and_spans_must_fit() -> None:
    span = Span("oil", 0, 3, (0,), False, 0)
    encoding = Encoding("oil", None, (Token("oil", 0, 3, 0, False, 0),), {})
    with pytest.raises(ValueError, match="for 1 spans"):
        strip.payload(encoding, [span], np.zeros(2), signed=True)


def prediction_of(*probabilities: float, multi_label: bool = False) -> Prediction:
    shares = np.array(probabilities, np.float32)
    return Prediction(tuple("abcdefgh"[: len(shares)]), shares, shares, multi_label)


def test_bars_are_sorted_and_name_the_predicted_class() -> None:
    data = bars.payload(prediction_of(0.2, 0.1, 0.7))
    assert (data["name"], data["percent"]) == ("c", "70.0 %")
    shown = [(row["label"], row["percent"], row["predicted"]) for row in rows_of(data)]
    assert shown == [("c", "70.0 %", True), ("a", "20.0 %", False), ("b", "10.0 %", False)]
    json.dumps(data, allow_nan=False)


def rows_of(data: dict[str, object]) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", data["rows"])


@pytest.mark.parametrize(
    ("probabilities", "name", "percent", "assigned"),
    [
        ((0.9, 0.2, 0.6), "a, c", "each 60.0 % or more", ["a", "c"]),
        ((0.1, 0.8, 0.2), "b", "80.0 %", ["b"]),
        ((0.0001, 0.2, 0.1), "no class", "all below 50 %, at most 20.0 %", []),
    ],
)
def test_a_multi_label_head_has_as_many_classes_as_reach_one_half(
    probabilities: tuple[float, ...], name: str, percent: str, assigned: list[str]
) -> None:
    data = bars.payload(prediction_of(*probabilities, multi_label=True))
    assert (data["name"], data["percent"]) == (name, percent)
    assert [row["label"] for row in rows_of(data) if row["predicted"]] == assigned


@pytest.mark.parametrize(
    ("probability", "written"),
    [
        (0.0, "0.0 %"),
        (0.0004, "< 0.1 %"),
        (0.0005, "0.1 %"),
        (0.9126, "91.3 %"),
        (0.9996, "> 99.9 %"),
        (1.0, "100.0 %"),
    ],
)
def test_percentages_do_not_round_to_certainty(probability: float, written: str) -> None:
    assert percent(probability) == written


def test_probabilities_that_are_no_numbers_are_sent_as_json() -> None:
    json.dumps(bars.payload(prediction_of(np.nan, np.nan)), allow_nan=False)
