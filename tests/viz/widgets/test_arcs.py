"""The arcs: the strongest keys of every query, exactly, and what share of the weight they hold."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from finetune.checkpoint.arrays import FloatArray
from tests.page_content import component_data
from tests.viz.widgets.test_heatmap import unpacked, view_of
from viz.colors import CATEGORICAL, DARK, LIGHT, categorical_colors
from viz.errors import SelectionError
from viz.widgets.arcs.payload import MAX_ARCS, TopKeys, payload


def weights_of(n_heads: int, n: int, m: int | None = None) -> FloatArray:
    rng = np.random.default_rng(0)
    return rng.dirichlet(np.full(m or n, 0.2), (1, n_heads, n)).astype(np.float32)


def sent_of(weights: FloatArray, *, signed: bool = False) -> dict[str, Any]:
    """The payload with its arrays unpacked."""
    n_heads, n, m = weights.shape[1:]
    names = [f"H{index}" for index in range(n_heads)]
    view = view_of(weights, signed=signed)
    data: dict[str, Any] = payload(view, names=names, selected=[0], title="L0")
    shape = (n_heads, n, data["top_k"])
    arrived: dict[str, NDArray[Any]] = {
        "top_keys": unpacked(data["top_keys"], "<u2").reshape(shape),
        "values": unpacked(data["values"], "<f4").reshape(shape),
        "query_totals": unpacked(data["query_totals"], "<f4").reshape(n_heads, n),
        "key_totals": unpacked(data["key_totals"], "<f4").reshape(n_heads, m),
    }
    return data | arrived


VALUES = st.floats(-2, 2, width=32)


@given(arrays(np.float32, (2, 3, 6), elements=VALUES), st.integers(1, 6))
def test_the_strongest_keys_by_size_come_strongest_first(values: FloatArray, count: int) -> None:
    strongest = TopKeys.of(values, count)
    expected = -np.sort(-np.abs(values), axis=-1)[..., :count]
    np.testing.assert_array_equal(expected, np.abs(strongest.values))
    taken = np.take_along_axis(values, strongest.keys.astype(np.int64), -1)
    np.testing.assert_array_equal(taken, strongest.values)
    assert all(len(set(row)) == count for row in strongest.keys.reshape(-1, count).tolist())


@pytest.mark.parametrize(("n_heads", "n"), [(4, 20), (12, 128), (12, 512), (13, 512)])
def test_sent_arcs_are_the_strongest_and_bounded(n_heads: int, n: int) -> None:
    weights = weights_of(n_heads, n)
    data = sent_of(weights)
    count = data["top_k"]
    assert n_heads * n * count <= MAX_ARCS
    assert count == n or count >= 6
    expected = -np.sort(-weights[0], axis=-1)[..., :count]
    np.testing.assert_array_equal(expected, data["values"])


def test_twelve_heads_of_512_tokens_are_light() -> None:
    names = [f"H{index}" for index in range(12)]
    data = payload(view_of(weights_of(12, 512)), names=names, selected=[3], title="L0")
    assert len(json.dumps(data, allow_nan=False)) < 600_000


def test_few_tokens_are_sent_whole() -> None:
    data = sent_of(weights_of(12, 40))
    assert data["top_k"] == 40
    np.testing.assert_allclose(data["values"].sum(-1), 1, atol=1e-6)


def test_totals_are_those_of_all_weights() -> None:
    weights = weights_of(12, 130, 200)
    data = sent_of(weights)
    assert data["top_k"] < 200
    np.testing.assert_allclose(data["query_totals"], weights[0].sum(-1), rtol=1e-6)
    np.testing.assert_allclose(data["key_totals"], weights[0].sum(-2), rtol=1e-5, atol=1e-7)


def test_signed_shares_count_by_size() -> None:
    weights = weights_of(2, 5) * np.array([1, -1, 1, -1, 1], np.float32)
    data = sent_of(weights, signed=True)
    assert (data["values"] < 0).any()
    np.testing.assert_allclose(data["query_totals"], np.abs(weights[0]).sum(-1), rtol=1e-6)


def test_what_is_no_number_comes_last() -> None:
    strongest = TopKeys.of(np.array([[[np.nan, 0.5, 0.25]]], np.float32), 2)
    assert strongest.keys.tolist() == [[[1, 2]]]


def test_a_head_keeps_its_color_and_a_mean_has_that_of_the_text() -> None:
    colors = categorical_colors(("H0", "H1", "mean"))
    assert colors["light"] == [*CATEGORICAL["light"][:2], LIGHT.ink]
    assert colors["dark"] == [*CATEGORICAL["dark"][:2], DARK.ink]
    assert all(len(set(ring)) == len(ring) for ring in CATEGORICAL.values())


@pytest.mark.parametrize(
    ("shape", "names", "selected", "sentence"),
    [
        ((2, 1, 3, 3), ["H0"], [0], r"one layer.*not \(2, 1, 3, 3\)"),
        ((1, 2, 3, 3), ["H0"], [0], "1 names were given for 2 heads"),
        ((1, 1, 3, 3), ["H0"], [1], r"Heads \[1\] were chosen; choose one or more of 0 to 0"),
        ((1, 1, 3, 3), ["H0"], [], r"Heads \[\] were chosen"),
        ((1, 1, 0, 0), ["H0"], [0], "no token to draw"),
    ],
)
def test_what_does_not_fit_is_refused(
    shape: tuple[int, int, int, int], names: list[str], selected: list[int], sentence: str
) -> None:
    with pytest.raises(SelectionError, match=sentence):
        payload(view_of(np.ones(shape, np.float32)), names=names, selected=selected, title="L0")


def test_they_are_mounted_on_a_page() -> None:
    def page() -> None:
        import numpy as np

        from viz.attention.views import AttentionView
        from viz.attention.words import Span
        from viz.widgets.arcs.component import arcs

        spans = (Span("oil", 0, 3, (0,), False, 0),)
        two = np.ones((1, 2, 1, 1), np.float32)
        view = AttentionView(spans, two, two[..., 0], spans)
        arcs(view, names=["H0", "mean"], selected=[1], title="L1", key="arcs")

    app = AppTest.from_function(page).run()
    assert not app.exception
    data = component_data(app, "arcs")
    assert (data["names"], data["selected"], data["top_k"]) == (["H0", "mean"], [1], 1)
