"""What the atlas sends to the browser: its size, its dots undone again, and who is selected."""

import base64
import gc
import json
import zlib
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.components.v2.bidi_component import serialization
from streamlit.testing.v1 import AppTest

from finetune.checkpoint.arrays import FloatArray
from tests.page_content import payload_of
from viz.attention import views
from viz.attention.statistics import PATTERNS, STATISTICS, HeadStatistics, head_statistics
from viz.attention.thumbnails import thumbnails
from viz.attention.views import AttentionView
from viz.attention.words import Span
from viz.colors import DARK, LIGHT
from viz.errors import SelectionError
from viz.types import Reading
from viz.widgets.atlas import component as component
from viz.widgets.atlas import payload as atlas

Dots = NDArray[np.int8]


def attention(n_layers: int, n_heads: int, n_tokens: int, seed: int = 0) -> FloatArray:
    """Random weights, rows summing to 1: noise, so they compress worse than a model's."""
    scores = np.random.default_rng(seed).normal(size=(n_layers, n_heads, n_tokens, n_tokens)) * 2
    weights = np.exp(scores)
    return np.asarray(weights / weights.sum(-1, keepdims=True), dtype=np.float32)


def view_of(weights: FloatArray, *, signed: bool = False) -> AttentionView:
    queries, keys = (
        tuple(Span("x", at, at + 1, (at,), False, 0) for at in range(count))
        for count in weights.shape[2:]
    )
    return AttentionView(queries, weights, np.zeros(weights.shape[:3]), keys, signed)


def sent(view: AttentionView) -> tuple[dict[str, object], Dots]:
    """The payload, and the dots that the browser unpacks from it."""
    data = atlas.payload(view)
    packed = zlib.decompress(base64.b64decode(str(data["levels"])))
    n_layers, n_heads = view.weights.shape[:2]
    shape = (n_layers + 1, n_heads + 1, cast("int", data["rows"]), cast("int", data["columns"]))
    return data, np.frombuffer(packed, np.int8).reshape(shape)


def restored(data: dict[str, object], dots: Dots) -> FloatArray:
    """The weights that dots stand for, as the browser undoes them."""
    peaks = np.abs(np.array(data["peaks"])).reshape(dots.shape[:2])[..., None, None]
    return np.asarray(np.sign(dots) * (dots / atlas.MAX_LEVEL) ** 2 * peaks)


@pytest.mark.parametrize(
    ("shape", "limit"),
    [((12, 12, 128), 500_000), ((12, 12, 512), 500_000), ((24, 16, 128), 1_000_000)],
)
@pytest.mark.parametrize("signed", [False, True])
def test_atlas_is_small(shape: tuple[int, int, int], limit: int, signed: bool) -> None:
    weights = attention(*shape)
    if signed:
        weights[..., ::2] *= -1
    data, _ = sent(view_of(weights, signed=signed))
    assert len(json.dumps(data)) < limit


@pytest.mark.parametrize("n_tokens", [48, 49, 100, 511])
@pytest.mark.parametrize("value", [1, -1])
def test_one_bright_weight_survives_pooling(n_tokens: int, value: int) -> None:
    weights = np.full((2, 3, n_tokens, n_tokens), -0.01 * value, np.float32)
    weights[1, 2, n_tokens - 2, n_tokens // 3] = value
    dots = thumbnails(weights, 48, 48, signed=True)
    row, column = np.argwhere(dots[1, 2] == value)[0]
    assert (dots[1, 2] == value).sum() == 1
    assert row * n_tokens // 48 <= n_tokens - 2 < (row + 1) * n_tokens // 48
    assert column * n_tokens // 48 <= n_tokens // 3 < (column + 1) * n_tokens // 48


def test_weights_are_pooled_by_the_largest() -> None:
    weights = attention(1, 1, 96)
    expected = weights.reshape(1, 1, 48, 2, 48, 2).max((3, 5))
    np.testing.assert_array_equal(expected, thumbnails(weights, 48, 48)[:1, :1])


def test_last_row_and_column_are_means() -> None:
    weights = attention(3, 4, 10)
    dots = thumbnails(weights, 10, 10)
    assert dots.shape == (4, 5, 10, 10)
    np.testing.assert_array_equal(weights, dots[:3, :4])
    np.testing.assert_allclose(weights.mean(1), dots[:3, 4], rtol=1e-5)
    np.testing.assert_allclose(weights.mean(0), dots[3, :4], rtol=1e-5)
    np.testing.assert_allclose(weights.mean((0, 1)), dots[3, 4], rtol=1e-5)


def test_means_are_taken_before_pooling() -> None:
    weights = np.zeros((1, 2, 96, 96), np.float32)
    weights[0, 0, 0, 0] = weights[0, 1, 1, 1] = 1
    assert thumbnails(weights, 48, 48)[0, 2, 0, 0] == 0.5


@pytest.mark.parametrize("signed", [False, True])
def test_the_browser_can_undo_the_dots(signed: bool) -> None:
    weights = attention(2, 3, 20)
    weights[1] *= 0.001  # a weak layer keeps as many steps as a strong one
    if signed:
        weights[..., ::3] *= -1
    data, dots = sent(view_of(weights, signed=signed))
    peaks = np.abs(weights).max((-1, -2), keepdims=True)
    gap = np.abs(restored(data, dots)[:2, :3] - weights) / peaks
    # Half a step of the root, twice for the slope of the square, and the peaks' four digits.
    assert gap.max() < 1 / atlas.MAX_LEVEL + 1e-3
    assert (np.sign(dots[:2, :3]) * weights >= 0).all()
    assert (np.abs(dots).max((-1, -2)) == atlas.MAX_LEVEL).all()


def test_a_part_of_a_pair_need_not_be_square() -> None:
    data, dots = sent(view_of(attention(2, 2, 60)[:, :, :5]))
    assert dots.shape[2:] == (5, 48)
    assert data["shape"] == [5, 60]


def test_what_is_no_number_is_drawn_as_nothing() -> None:
    weights = attention(2, 2, 60)
    weights[0, 0] = np.nan
    weights[1, 1, 0, 0] = np.inf
    data, dots = sent(view_of(weights))
    assert (dots[0, 0] == 0).all()
    json.dumps(data, allow_nan=False)


@pytest.mark.parametrize("shape", [(1, 1, 2), (1, 1, 1), (24, 16, 5)])
def test_atlas_of_any_size_is_json(shape: tuple[int, int, int]) -> None:
    data, dots = sent(view_of(attention(*shape)))
    assert dots.shape[-1] == shape[2]
    json.dumps(data, allow_nan=False)


def test_attention_of_nothing_is_nothing() -> None:
    _, dots = sent(view_of(np.zeros((2, 2, 3, 3), np.float32)))
    assert (dots == 0).all()


@pytest.mark.parametrize("signed", [False, True])
def test_colors_run_from_one_end_of_the_palette_to_the_other(signed: bool) -> None:
    themes = cast(
        "dict[str, dict[str, list[str]]]",
        atlas.payload(view_of(attention(1, 1, 2), signed=signed))["themes"],
    )
    for theme, palette in (("light", LIGHT), ("dark", DARK)):
        scale = themes[theme]["scale"]
        colors = palette.diverging if signed else palette.sequential
        assert (scale[0], scale[-1]) == (colors[0], colors[-1])
        assert scale[atlas.MAX_LEVEL if signed else 0] == palette.ground
        assert len(scale) == atlas.MAX_LEVEL * (1 + signed) + 1


def test_facts_are_sent_with_the_words_for_them(reading: Reading) -> None:
    facts = head_statistics(reading.encoding, reading.attention.weights)
    data = atlas.payload(views.view(reading.encoding, reading.attention.weights), facts)
    columns = cast("list[dict[str, Any]]", data["statistics"])
    assert [column["name"] for column in columns] == [fact.name for fact in STATISTICS]
    np.testing.assert_allclose(columns[0]["values"], facts.entropy.ravel(), rtol=1e-3)
    names = [list(PATTERNS)[int(place)] for place in columns[-1]["values"]]
    assert names == facts.pattern.ravel().tolist()


@pytest.mark.parametrize(("layer", "head"), [(2, 0), (0, 3), (-1, 0)])
def test_a_head_that_is_not_there_is_refused(layer: int, head: int) -> None:
    with pytest.raises(SelectionError, match="does not exist"):
        atlas.selection((2, 3), layer=layer, head=head)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (0, 3, 4, 4)])
def test_an_array_that_is_no_view_is_refused(shape: tuple[int, ...]) -> None:
    view = view_of(np.zeros((1, 1, 4, 4), np.float32))
    wrong = AttentionView(view.spans, np.zeros(shape), view.removed, view.keys)
    with pytest.raises(ValueError, match="is needed"):
        atlas.payload(wrong)


def test_a_view_without_tokens_is_one_sentence() -> None:
    with pytest.raises(SelectionError, match="Only special tokens"):
        atlas.payload(view_of(np.zeros((2, 2, 0, 0), np.float32)))


def test_facts_of_other_heads_are_refused(reading: Reading) -> None:
    facts = head_statistics(reading.encoding, reading.attention.weights)
    with pytest.raises(ValueError, match="weights of"):
        atlas.payload(view_of(attention(1, 2, 3)), facts)


def test_a_payload_is_made_once_for_a_view_and_goes_with_it(reading: Reading) -> None:
    facts = head_statistics(reading.encoding, reading.attention.weights)
    shown = [view_of(attention(reading.attention.n_layers, reading.attention.n_heads, 5))]

    def cached(statistics: HeadStatistics | None) -> dict[str, object]:
        view = shown[0]
        return component._cached_payload(
            view.weights, statistics, lambda: atlas.payload(view, statistics)
        )

    before = len(component._payloads)
    payload = cached(facts)
    assert cached(facts) is payload
    assert cached(None)["statistics"] is None
    assert len(component._payloads) == before + 1
    shown.clear()
    gc.collect()
    assert len(component._payloads) == before


def page_with_an_atlas() -> None:
    """Mount the atlas and write what was selected."""
    import numpy as np
    import streamlit as st

    from viz.attention.views import AttentionView
    from viz.attention.words import Span
    from viz.widgets.atlas import component as atlas

    spans = tuple(Span("x", at, at + 1, (at,), False, 0) for at in range(4))
    weights = np.full((2, 3, 4, 4), 0.25, np.float32)
    view = AttentionView(spans, weights, np.zeros((2, 3, 4), np.float32), spans)
    atlas.atlas(view, None, layer=1, head=None, key="atlas")
    st.text(repr(atlas.selected_head("atlas")))


@pytest.mark.parametrize(
    ("state", "selected"),
    [
        (None, "None"),
        ({}, "None"),
        ({"selected": None}, "None"),
        ({"selected": {"layer": 1, "head": 2, "revision": 1}}, "(1, 2)"),
        ({"selected": {"layer": None, "head": 2}}, "(None, 2)"),
        ({"selected": {"layer": None, "head": None, "revision": 7}}, "(None, None)"),
        ({"selected": {"layer": 1}}, "None"),
        ({"selected": {"layer": "1", "head": True}}, "None"),
    ],
)
def test_a_page_reads_what_was_selected(state: object, selected: str) -> None:
    app = AppTest.from_function(page_with_an_atlas)
    if state is not None:
        app.session_state["atlas"] = state
    app.run()
    assert not app.exception
    assert app.text[0].value == selected


def test_the_selection_is_a_message_of_its_own() -> None:
    app = AppTest.from_function(page_with_an_atlas)
    app.session_state["atlas"] = {"selected": {"layer": 0, "head": 2, "revision": 3}}
    app.run()
    data = {
        element.proto.component_name: payload_of(element.proto)
        for element in app.get("bidi_component")
    }
    expected = {"layer": 1, "head": None, "revision": 3, "picture": "atlas"}
    assert data["clsight-atlas-selection"] == expected
    assert "selected" not in data["clsight-atlas"]


def test_no_payload_is_searched_for_data_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[object] = []  # for which Streamlit would import pandas
    monkeypatch.setattr(serialization, "is_dataframe_like", searched.append)
    app = AppTest.from_function(page_with_an_atlas)
    app.run()
    assert len(app.get("bidi_component")) == 2
    assert not searched


def page_that_turns_heads_off() -> None:
    import numpy as np
    import streamlit as st

    from viz.attention.views import AttentionView
    from viz.attention.words import Span
    from viz.widgets.atlas import component as atlas

    spans = tuple(Span("x", at, at + 1, (at,), False, 0) for at in range(4))
    weights = np.full((2, 3, 4, 4), 0.25, np.float32)
    view = AttentionView(spans, weights, np.zeros((2, 3, 4), np.float32), spans)
    atlas.atlas(view, None, layer=1, head=0, key="atlas", off=[(1, 2)], toggles=True)
    st.text(repr(atlas.toggled("atlas")))


@pytest.mark.parametrize(
    ("state", "toggled"),
    [({}, False), ({"toggle": True}, True), ({"toggle": 1}, False), ({"toggle": None}, False)],
)
def test_heads_that_are_off_go_with_the_selection(state: dict[str, object], toggled: bool) -> None:
    app = AppTest.from_function(page_that_turns_heads_off)
    app.session_state["atlas"] = {"selected": {"layer": 0, "head": 2, "revision": 3, **state}}
    app.run()
    data = {
        element.proto.component_name: payload_of(element.proto)
        for element in app.get("bidi_component")
    }
    selection = data["clsight-atlas-selection"]
    assert (selection["off"], selection["toggles"]) == ([[1, 2]], True)
    assert app.text[0].value == str(toggled)
