"""What can't be looked at, as the browser is sent it: compactly, and nothing without any."""

import base64
import json
import zlib
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from tests.synthetic import causal, contribution_of, read, read_causal, read_windowed, windowed
from viz.attention import views
from viz.attention.statistics import head_statistics
from viz.attention.views import AttentionView
from viz.types import BoolArray, Reading
from viz.widgets.arcs import payload as arcs
from viz.widgets.atlas import payload as atlas
from viz.widgets.colored_text import payload as colored_text
from viz.widgets.heatmap import payload as heatmap
from viz.widgets.shared.array_codec import encode_bits

CAUSAL, WINDOWED = read_causal(), read_windowed()


def view_of(reading: Reading, *, signed: bool = False) -> AttentionView:
    attention = reading.attention
    return views.view(
        reading.encoding,
        contribution_of(reading).values if signed else attention.weights,
        signed=signed,
        impossible=attention.impossible,
    )


def unpacked(text: object) -> bytes:
    return zlib.decompress(base64.b64decode(str(text)))


def bits_of(data: dict[str, object], shape: tuple[int, ...]) -> BoolArray:
    """The pairs that a payload calls impossible."""
    packed = np.frombuffer(unpacked(cast("Any", data["impossible"])["bits"]), np.uint8)
    return np.unpackbits(packed)[: np.prod(shape)].astype(bool).reshape(shape)


@pytest.mark.parametrize("reading", [CAUSAL, WINDOWED])
@pytest.mark.parametrize("signed", [False, True])
def test_a_map_is_sent_with_its_impossible_pairs(reading: Reading, signed: bool) -> None:
    view = views.pick_layer(view_of(reading, signed=signed), 0)
    assert view.impossible is not None
    expected = view.impossible[0]
    one = views.pick(view, 0, 1)
    np.testing.assert_array_equal(bits_of(heatmap.payload(one, title=""), expected.shape), expected)
    names = ["H0", "H1", "H2"]
    data = arcs.payload(view, names=names, selected=[0], title="")
    np.testing.assert_array_equal(bits_of(data, expected.shape), expected)


@pytest.mark.parametrize("reading", [CAUSAL, WINDOWED])
@pytest.mark.parametrize("signed", [False, True])
def test_pixels_of_the_atlas_have_a_level_for_what_is_impossible(
    reading: Reading, signed: bool
) -> None:
    view = view_of(reading, signed=signed)
    data = atlas.payload(view)
    n = len(view.spans)
    levels = np.frombuffer(unpacked(data["levels"]), np.int8).reshape(3, 4, n, n)
    mask = view.impossible
    assert mask is not None
    with_mean = np.concatenate([mask, mask.all(0, keepdims=True)])
    found = levels == atlas.IMPOSSIBLE_LEVEL
    np.testing.assert_array_equal(found, np.broadcast_to(with_mean[:, None], found.shape))
    plain = np.frombuffer(
        unpacked(atlas.payload(replace(view, impossible=None))["levels"]), np.int8
    ).reshape(levels.shape)
    np.testing.assert_array_equal(levels[~found], plain[~found])


def test_words_that_a_token_cannot_look_at_have_no_score() -> None:
    view = view_of(CAUSAL)
    assert view.impossible is not None
    row = view.impossible[0, 3]
    data = colored_text.payload(
        CAUSAL.encoding, view.keys, view.weights[0, 0, 3], signed=False, impossible=row
    )
    segments = [one for part in cast("Any", data["parts"]) for one in part if one["kind"] != "gap"]
    assert [one.get("impossible", False) for one in segments] == row.tolist()
    assert all(("score" in one) != one.get("impossible", False) for one in segments)
    assert "impossible" in data


def test_a_model_without_a_mask_is_sent_as_before() -> None:
    view = view_of(read())
    facts = head_statistics(read().encoding, read().attention.weights)
    sent = [
        heatmap.payload(views.pick(view, 0, 0), title=""),
        arcs.payload(views.pick_layer(view, 0), names=["a", "b", "c"], selected=[0], title=""),
        atlas.payload(view, facts),
        colored_text.payload(
            read().encoding,
            view.keys,
            view.weights[0, 0, 0],
            signed=False,
            impossible=np.zeros(len(view.keys), bool),
        ),
    ]
    assert "impossible" not in json.dumps(sent)


@pytest.mark.parametrize("mask", [causal(512), windowed(512, 64)])
def test_the_mask_of_512_tokens_takes_little_room(mask: BoolArray) -> None:
    assert len(encode_bits(mask)) < 8_000
