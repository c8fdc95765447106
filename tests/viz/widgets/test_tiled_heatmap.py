"""A heat map in tiles: what comes at first, what a tile holds, what the browser may ask for."""

from typing import Any

import numpy as np
import pytest
import streamlit as st

from tests.viz.widgets.test_heatmap import named, unpacked
from viz.attention.tiles import Pyramid, Tile, TilePlace
from viz.widgets.heatmap.component import TileRequest, requested_tiles
from viz.widgets.heatmap.tiled import color_indices, encode_tile, payload


def bits(text: object, shape: tuple[int, ...]) -> Any:
    return np.unpackbits(unpacked(text, np.uint8), count=int(np.prod(shape))).reshape(shape)


def test_at_first_the_browser_is_sent_the_whole_map_in_few_pixels() -> None:
    pixels = np.array([[0.25, 0.0], [1.0, 0.04]], np.float32)
    spans = named(*(f"q{index}" for index in range(3000)))
    nothing = np.array([[False, True], [False, False]])
    keys = spans[:1000]
    data = payload(
        spans, keys, pixels, nothing, signed=False, largest=1.0, map_id="m", title="L0", note="n"
    )
    assert [data[name] for name in ("title", "note", "largest")] == ["L0", "n", 1.0]
    tiled: Any = data["tiled"]
    levels = [[512, 512], [1024, 1000], [2048, 1000], [3000, 1000]]
    assert (tiled["map"], tiled["side"], tiled["levels"]) == ("m", 256, levels)
    overview = tiled["overview"]
    assert overview["cells"] == [0, 0, 3000, 1000]
    assert unpacked(overview["levels"], np.uint8).tolist() == [127, 255, 254, 51]
    assert bits(overview["impossible"], (2, 2)).tolist() == nothing.tolist()


def test_signed_numbers_have_colors_on_both_sides() -> None:
    values = np.array([[-1.0, -0.25, 0.0, 0.25, 1.0, np.nan, np.inf]])
    indices = color_indices(values, signed=True, largest=1.0)
    assert indices.tolist() == [[0, 64, 127, 190, 254, 127, 254]]
    assert color_indices(values[:, 2:3], signed=True, largest=0.0).tolist() == [[127]]


def test_a_tile_of_the_last_level_is_exact_and_others_are_colors() -> None:
    pyramid = Pyramid(1000, 700)
    values = np.random.default_rng(0).random((232, 188), dtype=np.float32)
    removed = np.full(232, 0.5, np.float32)
    exact = Tile(TilePlace(1, 3, 2), values, None, removed)
    data = encode_tile(exact, pyramid, signed=False, largest=1.0)
    assert (data["place"], data["cells"]) == ([1, 3, 2], [768, 512, 1000, 700])
    assert unpacked(data["values"], np.float32).tobytes() == values.tobytes()
    assert unpacked(data["removed"], np.float32).tolist() == removed.tolist()
    assert "levels" not in data

    pooled = Tile(TilePlace(0, 1, 1), np.ones((256, 256), np.float32), None, None)
    data = encode_tile(pooled, pyramid, signed=False, largest=1.0)
    assert data["cells"] == [500, 350, 1000, 700]
    assert {*unpacked(data["levels"], np.uint8)} == {254}
    assert not {"values", "removed", "impossible"} & {*data}


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        (
            {"map": "m", "level": 1, "places": [[0, 2], [3, 4]]},
            TileRequest("m", (TilePlace(1, 0, 2), TilePlace(1, 3, 4))),
        ),
        ({"map": "m", "stop": True}, TileRequest("m", ())),
        ({"map": "m", "level": 1, "places": []}, None),
        ({"map": "m", "level": 1, "places": [[0, 0]] * 17}, None),
        ({"map": "m", "level": 1, "places": [[0]]}, None),
        ({"map": "m", "level": 1, "places": [[0, 1.5]]}, None),
        ({"map": "m", "level": None, "places": [[0, 1]]}, None),
        ({"map": "m", "level": 1, "places": [7]}, None),
        ({"map": 5, "level": 1, "places": [[0, 1]]}, None),
        ("tiles", None),
    ],
)
def test_only_places_of_tiles_can_be_asked_for(
    monkeypatch: pytest.MonkeyPatch, sent: object, wanted: TileRequest | None
) -> None:
    monkeypatch.setattr(st, "session_state", {"map": {"request": sent}})
    assert requested_tiles("map") == wanted
