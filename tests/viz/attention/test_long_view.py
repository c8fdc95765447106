"""Views of long texts show, part by part, what views of all weights show."""

import numpy as np
import pytest

from tests.synthetic import contribution_of, read, read_causal, read_windowed
from viz.attention.long_view import LongView, long_view
from viz.attention.map_source import ArrayMaps
from viz.attention.merging import add_columns
from viz.attention.thumbnails import impossible_thumbnails, thumbnails
from viz.attention.views import AttentionView, Quadrant, pick, pick_layer, quadrant, view
from viz.attention.words import Unit
from viz.errors import SelectionError
from viz.types import Attention, Reading

TEXT = "Unbelievably, oil prices rise as stock markets fall; nobody understands it. " * 4
READINGS = {
    "plain": lambda: read(TEXT),
    "causal": lambda: read_causal(TEXT),
    "windowed": lambda: read_windowed(TEXT),
    "pair": lambda: read(TEXT, "Stocks fall unbelievably."),
    "causal pair": lambda: read_causal(TEXT, "Stocks fall unbelievably."),
}


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("viz.attention.shown_rows.MAX_PART_BYTES", 20_000)


def _attention(reading: Reading) -> Attention:
    assert isinstance(reading.attention, Attention)
    return reading.attention


def _both(
    reading: Reading, unit: Unit, part: Quadrant, *, special: bool
) -> tuple[AttentionView, LongView]:
    attention = _attention(reading)
    whole = view(
        reading.encoding,
        attention.weights,
        unit=unit,
        special=special,
        impossible=attention.impossible,
    )
    source = ArrayMaps(attention.weights, attention.impossible)
    return quadrant(whole, part), long_view(
        reading.encoding, source, unit=unit, special=special, quadrant=part
    )


@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("unit", ["word", "wordpiece"])
@pytest.mark.parametrize("name", READINGS)
def test_parts_of_a_long_text_are_those_of_all_weights(
    name: str, unit: Unit, special: bool
) -> None:
    reading = READINGS[name]()
    parts: tuple[Quadrant, ...] = ("all", "A-B", "B-A") if "pair" in name else ("all",)
    for part in parts:
        whole, long = _both(reading, unit, part, special=special)
        assert (long.spans, long.keys) == (whole.spans, whole.keys)
        pixels, impossible = long.thumbnails(9, 9)
        np.testing.assert_array_equal(pixels, thumbnails(whole.weights, 9, 9))
        if whole.impossible is None:
            assert impossible is None
        else:
            np.testing.assert_array_equal(impossible, impossible_thumbnails(whole.impossible, 9, 9))
        rows, columns = slice(1, long.shape[0]), slice(0, max(1, long.shape[1] // 2))
        for layer, head in ((1, 0), (0, None), (None, 1), (None, None)):
            region = long.region(layer, head, rows, columns)
            expected = pick(whole, layer, head)
            np.testing.assert_allclose(
                region.weights, expected.weights[:, :, rows, columns], rtol=3e-7, atol=1e-9
            )
            np.testing.assert_allclose(region.removed, expected.removed[..., rows], atol=1e-6)
            if expected.impossible is not None and region.impossible is not None:
                np.testing.assert_array_equal(
                    region.impossible, expected.impossible[:, rows, columns]
                )


def test_thumbnails_of_a_long_text_are_bit_for_bit_those_of_all_weights() -> None:
    encoding = read(" ".join(["unbelievably oil prices rise"] * 200)).encoding
    n = encoding.n_tokens
    weights = np.random.default_rng(0).random((2, 3, n, n), np.float32)
    weights /= weights.sum(-1, keepdims=True)
    for unit in ("word", "wordpiece"):
        whole = view(encoding, weights, unit=unit)
        long = long_view(encoding, ArrayMaps(weights), unit=unit)
        np.testing.assert_array_equal(
            long.thumbnails(48, 48).pixels, thumbnails(whole.weights, 48, 48)
        )


def test_a_raster_is_the_map_pooled() -> None:
    for name in ("plain", "windowed"):
        whole, long = _both(READINGS[name](), "word", "all", special=True)
        pixels, impossible = long.raster(0, None, 7, 5)
        small = thumbnails(pick_layer(whole, 0).weights, 7, 5)[0, -1]
        np.testing.assert_allclose(pixels, small, rtol=3e-7)
        assert (impossible is None) == (whole.impossible is None)


def test_signed_shares_add_up_over_words() -> None:
    reading = read(TEXT)
    contribution = contribution_of(reading)
    whole = view(reading.encoding, contribution.values, signed=True)
    long = long_view(reading.encoding, ArrayMaps(contribution.values, signed=True))
    region = long.region(0, 1, slice(0, long.shape[0]), slice(0, long.shape[1]))
    np.testing.assert_allclose(region.weights, whole.weights[:1, 1:2], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(
        long.thumbnails(6, 6).pixels, thumbnails(whole.weights, 6, 6, signed=True), atol=1e-7
    )


@pytest.mark.parametrize("longest", [1, 2, 4, 8, 12])
def test_columns_are_added_up_as_numpy_adds_them(longest: int) -> None:
    generator = np.random.default_rng(longest)
    lengths = generator.integers(1, longest + 1, 60)
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    values = generator.random((3, 4, int(lengths.sum())), np.float32)
    np.testing.assert_array_equal(
        add_columns(values, starts), np.add.reduceat(values, starts, axis=-1)
    )


def test_a_part_that_does_not_exist_is_refused() -> None:
    _, long = _both(READINGS["plain"](), "word", "all", special=True)
    with pytest.raises(SelectionError, match="rows 0 to"):
        long.region(0, 0, slice(0, 10_000), slice(0, 1))
    with pytest.raises(SelectionError, match="layers are 0 to"):
        long.region(99, 0, slice(0, 1), slice(0, 1))
