"""The heat map: what the browser is sent is every value, bit by bit."""

import base64
import json
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import DTypeLike, NDArray
from streamlit.testing.v1 import AppTest

from finetune.checkpoint.arrays import FloatArray
from tests.page_content import component_data
from viz.attention.views import AttentionView
from viz.attention.words import Span
from viz.colors import DARK, LIGHT
from viz.errors import SelectionError
from viz.widgets.heatmap.payload import payload
from viz.widgets.shared.array_codec import encode_array


def unpacked(text: object, dtype: DTypeLike) -> NDArray[Any]:
    """What `array_codec.js` makes of a packed array, flat."""
    size = np.dtype(dtype).itemsize
    planes = np.frombuffer(zlib.decompress(base64.b64decode(str(text))), np.uint8)
    return np.ascontiguousarray(planes.reshape(size, -1).T).view(dtype).ravel()


def named(*labels: str) -> tuple[Span, ...]:
    return tuple(
        Span(label, 0, 0, (index,), label.startswith("["), None)
        for index, label in enumerate(labels)
    )


def view_of(
    weights: FloatArray, *, signed: bool = False, removed: FloatArray | None = None
) -> AttentionView:
    """A view over made-up tokens; a square one has the same queries and keys."""
    n, m = weights.shape[2:]
    queries = named(*(f"q{index}" for index in range(n)))
    keys = queries if n == m else named(*(f"k{index}" for index in range(m)))
    gone = np.zeros(weights.shape[:3], np.float32) if removed is None else removed
    return AttentionView(queries, weights, gone, keys, signed)


@given(arrays(np.float32, (1, 1, 5, 3), elements=st.floats(width=32)))
def test_every_value_arrives_bit_by_bit(weights: FloatArray) -> None:
    data = payload(view_of(weights, signed=True), title="L0 · H0")
    arrived = unpacked(data["values"], "<f4")
    assert arrived.tobytes() == weights.tobytes()


@given(arrays(np.uint16, st.integers(1, 40), elements=st.integers(0, 2**16 - 1)))
def test_indices_arrive_as_they_were(values: NDArray[np.uint16]) -> None:
    np.testing.assert_array_equal(values, unpacked(encode_array(values), "<u2"))


def test_double_precision_is_sent_in_single() -> None:
    weights = np.full((1, 1, 2, 2), 1 / 3)
    arrived = unpacked(payload(view_of(weights), title="")["values"], "<f4")
    np.testing.assert_array_equal(np.full(4, 1 / 3, np.float32), arrived)


def test_noise_over_512_tokens_is_sent_small() -> None:
    weights = np.random.default_rng(0).dirichlet(np.ones(512), (1, 1, 512)).astype(np.float32)
    data = payload(view_of(weights), title="L0 · H0")
    assert len(json.dumps(data, allow_nan=False)) < 1_400_000


def test_axes_name_queries_and_keys_and_say_which_are_special() -> None:
    queries, keys = named("[CLS]", "<b>x</b>"), named("ارتفعت", "油", "[SEP]")
    weights = np.ones((1, 1, 2, 3), np.float32)
    view = AttentionView(queries, weights, np.zeros((1, 1, 2), np.float32), keys)
    data = payload(view, title="L0 · H0")
    assert data["queries"] == {"labels": ["[CLS]", "<b>x</b>"], "special": [0]}
    assert data["keys"] == {"labels": ["ارتفعت", "油", "[SEP]"], "special": [2]}


def test_equal_axes_are_sent_once() -> None:
    assert payload(view_of(np.ones((1, 1, 2, 2), np.float32)), title="")["keys"] is None


def test_what_was_removed_is_sent_where_something_was() -> None:
    weights = np.ones((1, 1, 2, 2), np.float32)
    assert payload(view_of(weights), title="")["removed"] is None
    removed = np.array([[[0.25, 0.5]]], np.float32)
    data = payload(view_of(weights, removed=removed), title="")
    np.testing.assert_array_equal(removed.ravel(), unpacked(data["removed"], "<f4"))


def test_the_scale_ends_at_the_largest_size_of_a_finite_value() -> None:
    values = np.array([[[[0.25, -0.5], [np.nan, np.inf]]]], np.float32)
    assert payload(view_of(values, signed=True), title="")["largest"] == 0.5
    assert payload(view_of(values * np.nan), title="")["largest"] == 0


@pytest.mark.parametrize("signed", [False, True])
def test_the_scale_is_that_of_the_palette(signed: bool) -> None:
    data = payload(view_of(np.ones((1, 1, 2, 2), np.float32), signed=signed), title="")
    for name, palette in (("light", LIGHT), ("dark", DARK)):
        colors = palette.diverging if signed else palette.sequential
        scale = data["themes"][name]["scale"]  # type: ignore[index]
        assert (scale[0], scale[-1]) == (colors[0], colors[-1])
        if signed:
            assert scale[len(scale) // 2] == palette.ground


def test_more_than_one_map_is_refused() -> None:
    with pytest.raises(SelectionError, match=r"one map.*not \(1, 2, 3, 3\)"):
        payload(view_of(np.ones((1, 2, 3, 3), np.float32)), title="")


@pytest.mark.parametrize("shape", [(1, 1, 0, 0), (1, 1, 2, 0), (1, 1, 0, 2)])
def test_a_map_without_tokens_is_refused(shape: tuple[int, int, int, int]) -> None:
    with pytest.raises(SelectionError, match="no token to draw"):
        payload(view_of(np.ones(shape, np.float32)), title="")


def test_it_is_mounted_on_a_page() -> None:
    def page() -> None:
        import numpy as np

        from viz.attention.views import AttentionView
        from viz.attention.words import Span
        from viz.widgets.heatmap.component import heatmap

        spans = (Span("oil", 0, 3, (0,), False, 0),)
        one = np.ones((1, 1, 1, 1), np.float32)
        heatmap(AttentionView(spans, one, one[0], spans), title="L1 · H2", note="n", key="map")

    app = AppTest.from_function(page).run()
    assert not app.exception
    data = component_data(app, "heatmap")
    assert (data["title"], data["note"]) == ("L1 · H2", "n")
    assert unpacked(data["values"], "<f4").tolist() == [1.0]
