"""What can't be looked at, in pictures for paper: hatched, named, and never over a number."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.synthetic import causal, figure_spec, read_causal, read_windowed, read_with_sink
from viz.attention.pooling import pool_impossible
from viz.colors import LIGHT, PALETTES, rgb
from viz.figures.canvas import rasters, text_lines
from viz.figures.file_formats import figure
from viz.figures.raster import Raster
from viz.types import BoolArray, Reading

HATCH = {rgb(color) for color in LIGHT.impossible}
LEGEND, NOTE = "looked at", "Hatched: can't be looked at"


def texts(drawn: Figure) -> str:
    return " ".join(line.text for line in text_lines(drawn))


def hatched(drawn: Raster, side: int) -> BoolArray:
    """Which dots have a color of the hatch, (side, side)."""
    dots = drawn.dots(side, side)[..., :3]
    return np.asarray(np.any([(dots == color).all(-1) for color in HATCH], axis=0))


@pytest.mark.parametrize("contribution", [False, True])
@pytest.mark.parametrize("kind", ["head", "layer", "atlas"])
@pytest.mark.parametrize("reading", [read_causal(), read_windowed()])
def test_every_map_hatches_what_its_layer_cannot_look_at(
    kind: str, reading: Reading, contribution: bool
) -> None:
    spec = figure_spec(kind, reading, layer=0, contribution=contribution)
    shown, drawn = spec.view(), figure(spec)
    mask = shown.impossible
    assert mask is not None
    n_layers, n_heads, n, _ = shown.weights.shape
    maps = rasters(drawn)[: n_layers * n_heads]
    for place, one in enumerate(maps):
        cells = hatched(one, 8 * n).reshape(n, 8, n, 8)
        expected = mask[place // n_heads]
        assert (cells == expected[:, None, :, None]).all()
    assert LEGEND in texts(drawn)
    assert NOTE in texts(drawn)


@pytest.mark.parametrize("kind", ["head", "layer", "atlas", "arcs"])
def test_a_figure_without_a_mask_does_not_speak_of_one(kind: str) -> None:
    drawn = figure(figure_spec(kind))
    assert "looked at" not in texts(drawn).replace("the token looked at", "").replace(
        "the tokens looked at", ""
    )
    assert "mask" not in texts(drawn)
    assert all(one.impossible is None for one in rasters(drawn))


def test_the_mean_of_a_local_and_a_global_layer_has_no_hatch() -> None:
    assert NOTE not in texts(figure(figure_spec("head", read_windowed(), layer=None)))
    assert NOTE in texts(figure(figure_spec("head", read_causal(), layer=None)))


def test_a_dot_is_hatched_where_all_that_it_covers_is_impossible() -> None:
    mask = causal(9)
    expected = [[False, True, True], [False, False, True], [False, False, False]]
    assert pool_impossible(mask, 3, 3).tolist() == expected


@pytest.mark.parametrize("unit", [1.0, 150 / 72, 600 / 72])
def test_a_hatch_shows_its_lines_and_its_ground_at_any_resolution(unit: float) -> None:
    drawn = rasters(figure(figure_spec("head", read_causal())))[0]
    everywhere = Raster(drawn.place, drawn.values, drawn.color_scale, drawn.values > -1)
    dots = everywhere.dots(60, 60, unit)[..., :3]
    found = {tuple(color) for color in dots.reshape(-1, 3).tolist()}
    assert found == HATCH
    is_line = (dots == rgb(LIGHT.impossible[1])).all(-1)
    assert 0.15 < is_line.mean() < 0.45


def test_arcs_say_how_many_pairs_can_have_none() -> None:
    spec = figure_spec("arcs", read_causal())
    n_tokens = len(spec.view().spans)
    count = n_tokens * (n_tokens - 1) // 2
    assert f"{count} of {n_tokens**2} pairs of tokens can't have an arc" in texts(figure(spec))


@pytest.mark.parametrize("theme", PALETTES)
def test_the_hatch_is_gray_and_unlike_every_weight(theme: str) -> None:
    palette = PALETTES[theme]  # type: ignore[index]
    for color in palette.impossible:
        assert max(rgb(color)) - min(rgb(color)) <= 24
    ground, lines = (np.array(rgb(color)) for color in palette.impossible)
    assert np.abs(ground - lines).max() >= 32
    assert np.abs(lines - np.array(rgb(palette.ground))).max() >= 48


@pytest.mark.parametrize("kind", ["head", "layer"])
@pytest.mark.parametrize("special", [True, False])
def test_rows_that_a_sink_takes_from_are_not_said_to_sum_to_one(kind: str, special: bool) -> None:
    said = texts(figure(figure_spec(kind, read_with_sink(), special=special)))
    assert "sum to 1" not in said.replace("sums to 1", "sum to 1")
    assert "sum to 0.50 on average" in said
    assert "a sum of 1" not in said
