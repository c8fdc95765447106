"""Files of a text whose weights are not kept: parts exactly, whole maps pooled, the rest refused.

The same weights, all of them kept, are the oracle.
"""

import json
import re
import tracemalloc
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.synthetic import attribution_of, read, read_causal, read_windowed
from viz.attention.long_attention import summarized
from viz.attention.map_source import ArrayMaps
from viz.attention.pooling import pool, pool_impossible
from viz.attention.region import Region
from viz.errors import LongTextError
from viz.export.archive import archive
from viz.export.atomic_files import write
from viz.export.bertviz.page import bertviz_html
from viz.export.formats import FORMATS, content_of, render
from viz.figures import long_maps
from viz.figures import spec as specs
from viz.figures.canvas import rasters, text_lines
from viz.figures.file_formats import figure
from viz.figures.spec import FigureSpec
from viz.jobs.cancellation import CancelledError, cancellation_check
from viz.jobs.progress import watched_by
from viz.types import Attention, Reading

TEXT = "Unbelievably, oil prices rise as stock markets fall; nobody understands it. " * 3
READINGS = {
    "plain": read(TEXT),
    "causal": read_causal(TEXT),
    "windowed": read_windowed(TEXT),
    "pair": read(TEXT, "Stocks fall unbelievably."),
}
REGION = Region((3, 20), (5, 12))


def long(reading: Reading) -> Reading:
    """The same reading, as one that doesn't keep its weights."""
    attention = reading.attention
    assert isinstance(attention, Attention)
    maps = ArrayMaps(attention.weights, attention.impossible)
    return replace(reading, attention=summarized(reading.encoding, maps))


def both(name: str, kind: str, **parts: Any) -> tuple[FigureSpec, FigureSpec]:
    """A figure of a long text, and that of the same text with all weights."""
    kept, forgotten = (
        FigureSpec(reading, kind, layer=1, head=2, **parts)
        for reading in (READINGS[name], long(READINGS[name]))
    )
    return forgotten, kept


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No map fits in one piece, and a few rows are computed at a time."""
    monkeypatch.setattr(specs, "MAX_VIEW_NUMBERS", 100)
    monkeypatch.setattr(long_maps, "MAX_BLOCK_NUMBERS", 300)


def small_print(spec: FigureSpec) -> str:
    return " ".join(line.text for line in text_lines(figure(spec)))


@pytest.mark.parametrize("head", [2, None])
@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("region", [REGION, None])
@pytest.mark.parametrize("kind", ["head", "layer"])
@pytest.mark.parametrize("name", READINGS)
def test_what_fits_is_exact(
    name: str,
    kind: str,
    region: Region | None,
    special: bool,
    head: int | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(long_maps, "MAX_BLOCK_NUMBERS", 300)
    pair = both(name, kind, region=region, special=special, quadrant="all")
    ours, theirs = (replace(spec, head=head).view() for spec in pair)
    np.testing.assert_allclose(ours.weights, theirs.weights, atol=1e-6)
    np.testing.assert_allclose(ours.removed, theirs.removed, atol=1e-6)
    np.testing.assert_array_equal(ours.impossible, theirs.impossible)
    assert (ours.spans, ours.keys) == (theirs.spans, theirs.keys)


@pytest.mark.parametrize(
    ("kind", "format"), [*(("head", name) for name in FORMATS), ("layer", "npz"), ("arcs", "html")]
)
def test_a_region_is_saved_in_every_format(kind: str, format: str) -> None:
    ours, theirs = both("causal", kind, region=REGION)
    assert render(ours, format) == render(theirs, format)


@pytest.mark.usefixtures("few_at_once")
@pytest.mark.parametrize("kind", ["head", "layer", "atlas"])
@pytest.mark.parametrize("name", READINGS)
def test_pictures_of_whole_maps_have_the_same_dots(name: str, kind: str) -> None:
    ours, theirs = (rasters(figure(spec)) for spec in both(name, kind))
    assert len(ours) == len(theirs)
    for own, kept in zip(ours[:-1], theirs[:-1], strict=True):
        assert (own.place.width, own.place.height) == (kept.place.width, kept.place.height)
        size = own.values.shape
        np.testing.assert_allclose(own.values, pool(kept.values, *size), atol=1e-6)
        if kept.impossible is None:
            assert own.impossible is None
        else:
            expected = pool_impossible(kept.impossible, *size)
            np.testing.assert_array_equal(own.impossible, expected)


@pytest.mark.usefixtures("few_at_once")
def test_a_whole_map_is_pooled_to_the_dots_of_its_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_maps, "MAX_SIDE", 10)
    ours, theirs = both("causal", "head")
    drawn, whole = rasters(figure(ours))[0], theirs.view().weights[0, 0]
    np.testing.assert_array_equal(drawn.values, pool(whole, 10, 10))
    covered = -(-len(whole) // 10)
    assert f"Each pixel is the largest of up to {covered} × {covered} weights." in small_print(ours)
    assert "sums to 1" not in small_print(ours)


@pytest.mark.usefixtures("few_at_once")
def test_a_vector_picture_holds_its_maps_as_pixels() -> None:
    ours, _ = both("plain", "layer")
    picture = render(ours, "svg").decode()
    assert picture.count("<image") == 4  # three heads and the color scale
    assert "<rect" not in picture


@pytest.mark.usefixtures("few_at_once")
@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("name", READINGS)
def test_streamed_arrays_equal_those_of_all_weights(
    name: str, special: bool, tmp_path: Path
) -> None:
    ours, theirs = both(name, "head", special=special)
    content = content_of(ours, "npz")
    assert callable(content)
    path = write(tmp_path / "head.npz", content)
    assert [file.name for file in tmp_path.iterdir()] == ["head.npz"]
    with (
        np.load(path, allow_pickle=False) as streamed,
        np.load(BytesIO(render(theirs, "npz")), allow_pickle=False) as kept,
    ):
        assert set(streamed) == set(kept)
        for array in kept:
            assert streamed[array].dtype == kept[array].dtype
            if kept[array].dtype.kind == "f":
                np.testing.assert_allclose(streamed[array], kept[array], atol=1e-6)
            else:
                np.testing.assert_array_equal(streamed[array], kept[array])
    assert path.read_bytes() == render(ours, "npz")


@pytest.mark.usefixtures("few_at_once")
def test_arrays_are_written_without_a_whole_map_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_tokens = 700
    monkeypatch.setattr(long_maps, "MAX_BLOCK_NUMBERS", 15 * n_tokens)
    reading = long(read_windowed("word and " * (n_tokens // 2)))
    spec = FigureSpec(reading, "head", layer=0, head=0)
    content = content_of(spec, "npz")
    tracemalloc.start()
    write(tmp_path / "head.npz", content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * n_tokens**2 / 2


@pytest.mark.usefixtures("few_at_once")
def test_a_file_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    ours, _ = both("plain", "head")
    shares: list[float] = []

    def check() -> None:
        if sum(shares) > 0.4:
            raise CancelledError

    content = content_of(ours, "npz")
    with pytest.raises(CancelledError), cancellation_check(check), watched_by(shares.append):
        write(tmp_path / "head.npz", content)
    assert 0.4 < sum(shares) < 0.9
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("few_at_once")
@pytest.mark.parametrize(
    ("kind", "format"), [("head", "png"), ("layer", "svg"), ("atlas", "png"), ("head", "npz")]
)
def test_progress_tells_all_of_it(kind: str, format: str) -> None:
    ours, _ = both("plain", kind, special=False)
    shares: list[float] = []
    with watched_by(shares.append):
        render(ours, format)
    assert sum(shares) == pytest.approx(1)


@pytest.mark.parametrize("format", ["csv", "json", "html"])
def test_what_holds_every_number_is_refused_with_the_size(
    format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viz.export.map_numbers.MAX_NUMBERS", 900)
    monkeypatch.setattr("viz.export.page_content.MAX_WEIGHTS", 900)
    ours, theirs = both("plain", "head")
    size = theirs.view().weights.size
    expected = rf"{size:,} numbers, .* 900 can be had at once; .* region .* 30 × 30 or less"
    with pytest.raises(LongTextError, match=expected):
        render(ours, format)


@pytest.mark.usefixtures("few_at_once")
@pytest.mark.parametrize("kind", ["layer", "arcs"])
def test_what_cannot_be_streamed_is_refused(kind: str) -> None:
    ours, _ = both("plain", kind)
    with pytest.raises(LongTextError, match="or a region"):
        render(ours, "npz" if kind == "layer" else "png")


@pytest.mark.parametrize("format", ["npz", "json"])
def test_the_numbers_of_all_heads_are_refused(format: str) -> None:
    ours, theirs = both("plain", "atlas")
    with pytest.raises(LongTextError, match=f"{theirs.view().weights.size:,} numbers"):
        render(ours, format)


def test_everything_in_one_file_is_refused_and_so_is_bertviz() -> None:
    ours, theirs = both("plain", "atlas")
    size = theirs.reading.attention.weights.size
    with pytest.raises(LongTextError, match=f"{size:,} of them, are too many for one ZIP"):
        archive([ours], tuple(FORMATS))
    with pytest.raises(LongTextError, match=r"would take .* GB"):
        bertviz_html(ours.reading)


def test_the_table_of_heads_has_what_is_known() -> None:
    ours, theirs = (pd.read_csv(BytesIO(render(s, "csv"))) for s in both("causal", "atlas"))
    place = ["query_index", "query", "key_index", "key"]
    assert ours[place].isna().all(axis=None)
    pd.testing.assert_frame_equal(ours.drop(columns=place), theirs.drop(columns=place), rtol=1e-5)


def test_the_page_of_all_heads_is_the_same_as_without_closeups() -> None:
    def data(page: bytes) -> dict[str, Any]:
        story = re.search(r'id="story">(.*?)</script>', page.decode(), re.DOTALL)
        assert story is not None
        atlas: dict[str, Any] = json.loads(story[1])["pictures"][0]["data"]
        return {name: atlas[name] for name in ("levels", "peaks", "shape", "selected")}

    ours, theirs = both("causal", "atlas")
    page = render(ours, "html")
    assert data(page) == data(render(theirs, "html"))
    assert b"weights are too many to carry along, so no head opens here" in page


def test_a_notebook_shows_a_reading_with_the_thumbnails_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading = long(READINGS["causal"])
    monkeypatch.setattr("viz.attention.long_view.LongView.swept", None)  # nothing is read again
    bundle = reading._repr_mimebundle_()
    assert "image/png" in bundle
    assert "<iframe" in bundle["text/html"]


@pytest.mark.usefixtures("few_at_once")
def test_a_notebook_shows_the_picture_of_a_map_whose_page_would_be_too_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("viz.export.page_content.MAX_WEIGHTS", 100)
    bundle = both("plain", "head")[0]._repr_mimebundle_()
    assert "<iframe" not in bundle["text/html"]
    assert "image/png" in bundle


def test_the_numbers_of_an_attribution_need_no_maps() -> None:
    reading = long(READINGS["plain"])
    spec = FigureSpec(reading, "attribution", attribution=attribution_of(reading))
    kept = replace(spec, reading=READINGS["plain"])
    for format in ("html", "csv", "npz", "json"):
        assert render(spec, format) == render(kept, format)
