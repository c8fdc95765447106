"""Files of a region: the slice of the whole, which every format says and every record keeps."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from tests.synthetic import TEXT, contribution_of, read, read_causal
from viz import Classifier
from viz.__main__ import app
from viz.attention.region import Region
from viz.errors import RecordError, SelectionError
from viz.export.filenames import file_name
from viz.export.formats import FORMATS, render
from viz.export.html import html
from viz.export.json_reader import parse
from viz.export.page_content import head_page
from viz.export.replay import replay
from viz.figures.canvas import rasters, text_lines
from viz.figures.citation import citation
from viz.figures.file_formats import figure
from viz.figures.render_options import RenderOptions
from viz.figures.spec import FigureSpec
from viz.types import Reading

REGION = Region(rows=(2, 9), columns=(1, 5))
KINDS = ("head", "layer", "arcs")
CAUSAL = read_causal(TEXT)


def spec(kind: str, region: Region | None = REGION, reading: Reading = CAUSAL) -> FigureSpec:
    return FigureSpec(reading, kind, layer=1, head=2, region=region)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("special", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_region_of_a_figure_is_the_slice_of_the_whole(
    kind: str, special: bool, signed: bool
) -> None:
    parts = {"special": special, "contribution": contribution_of(CAUSAL) if signed else None}
    whole = FigureSpec(CAUSAL, kind, layer=1, head=2, **parts)  # type: ignore[arg-type]
    part = FigureSpec(CAUSAL, kind, layer=1, head=2, region=REGION, **parts)  # type: ignore[arg-type]
    np.testing.assert_array_equal(part.view().weights, whole.view().weights[..., 2:9, 1:5])
    assert part.view().spans == whole.view().spans[2:9]
    assert part.view().keys == whole.view().keys[1:5]


@pytest.mark.parametrize("kind", ["head", "layer"])
def test_a_picture_shows_the_region_and_says_so(kind: str) -> None:
    drawn = figure(spec(kind))
    np.testing.assert_array_equal(
        rasters(drawn)[0].values, spec(kind).view().weights[0, 0].astype(np.float32)
    )
    small_print = " ".join(line.text for line in text_lines(drawn))
    assert "Only rows 2:9 and columns 1:5 of the map, counted from 0" in small_print
    assert "sum to 1" not in small_print
    assert "7 × 4 words" in small_print or "6 × 4 words" in small_print
    assert {"rows 2:9", "columns 1:5"} <= set(citation(spec(kind)).settings)


def test_rows_alone_still_sum_to_1() -> None:
    lines = text_lines(figure(spec("head", Region(rows=(2, 9)))))
    assert "each row sums to 1" in " ".join(line.text for line in lines)


def test_a_table_counts_rows_and_columns_as_in_the_whole_map() -> None:
    tables = [pd.read_csv(BytesIO(render(spec("layer", each), "csv"))) for each in (None, REGION)]
    whole, part = tables
    rows = whole["query_index"].between(2, 8)
    columns = [name for name in whole if name in part]
    assert [name.split(":")[0] for name in columns[5:]] == ["key 1", "key 2", "key 3", "key 4"]
    assert len(columns) == len(part.columns)
    pd.testing.assert_frame_equal(whole.loc[rows, columns].reset_index(drop=True), part)


def test_npz_holds_the_region() -> None:
    stored = [
        np.load(BytesIO(render(spec("head", each), "npz")), allow_pickle=False)
        for each in (None, REGION)
    ]
    whole, part = stored
    for name in ("weights", "impossible"):
        np.testing.assert_array_equal(part[name], whole[name][2:9, 1:5])
    for name, side in (("removed", slice(2, 9)), ("query", slice(2, 9)), ("key", slice(1, 5))):
        np.testing.assert_array_equal(part[name], whole[name][side])
    assert json.loads(str(part["request"]))["region"] == {"rows": [2, 9], "columns": [1, 5]}


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_shows_the_region(kind: str) -> None:
    page = html(spec(kind), RenderOptions()).decode()
    assert "rows 2:9 · columns 1:5" in page


@pytest.mark.parametrize(
    ("region", "cuts_rows"),
    [(REGION, True), (Region(columns=(1, 5)), True), (Region(rows=(2, 9)), False), (None, False)],
)
def test_a_heat_map_knows_whether_it_has_whole_rows(
    region: Region | None, *, cuts_rows: bool
) -> None:
    ((_, data),) = head_page(spec("head", region)).pictures
    assert data["cuts_rows"] is cuts_rows


def test_a_figure_of_all_heads_or_of_words_has_no_region() -> None:
    with pytest.raises(SelectionError, match="choose one of a map or of a layer"):
        FigureSpec(CAUSAL, "atlas", region=REGION)


@pytest.mark.parametrize("format", FORMATS)
def test_a_region_beyond_the_text_is_refused(format: str) -> None:
    with pytest.raises(SelectionError, match="do not exist: this map has 4; choose within 0:4"):
        render(spec("head", reading=read_causal("good movie")), format)


def test_a_file_of_a_region_has_a_name_of_its_own() -> None:
    assert file_name(spec("head"), "png") == "tiny-bert-head-L1-H2-rows-2-9-columns-1-5.png"


def test_a_record_of_all_says_nothing_of_regions() -> None:
    assert "region" not in json.loads(render(spec("head", None, read()), "json"))["request"]


@pytest.mark.parametrize("ranges", [("2:5", "0:3"), ("2:5", None), (None, "4:6")])
def test_a_region_of_the_command_line_replays(
    checkpoint: Path, classifier: Classifier, tmp_path: Path, ranges: tuple[str | None, str | None]
) -> None:
    given = zip(("--rows", "--columns"), ranges, strict=True)
    options = [part for name, each in given if each for part in (name, each)]
    arguments = ["export", TEXT, "--layer", "1", "--head", "2", *options, "--format", "json"]
    arguments += ["--output", str(tmp_path), "--checkpoint", str(checkpoint)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    path = next(tmp_path.glob("*-rows-*.json" if ranges[0] else "*-columns-*.json"))
    assert all(part.agrees for part in replay(parse("a.json", path.read_bytes()), classifier))


def test_a_record_with_a_broken_region_is_refused() -> None:
    values = json.loads(render(spec("head"), "json"))
    values["request"]["region"]["rows"] = [1, 2, 3]
    with pytest.raises(RecordError, match="export it again"):
        parse("a.json", json.dumps(values).encode())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--rows", "5"], "'5' is not a range of rows; give START:END"),
        (["--rows", "5:5"], "Rows 5:5 hold nothing"),
        (["--columns", "0:999"], "Columns 0:999 do not exist: this map has 16"),
    ],
)
def test_the_command_line_refuses_a_wrong_region_in_one_sentence(
    checkpoint: Path, tmp_path: Path, options: list[str], sentence: str
) -> None:
    arguments = ["export", "head", TEXT, "--output", str(tmp_path), "--checkpoint", str(checkpoint)]
    result = CliRunner().invoke(app, [*arguments, *options])
    assert result.exit_code == 1
    assert sentence in result.output
