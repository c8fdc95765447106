"""What it costs to add a format or a kind of figure: one record, from outside the package."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from unittest.mock import patch
from zipfile import ZipFile

import pytest
from matplotlib.figure import Figure
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from tests.synthetic import read
from viz.__main__ import app as viz
from viz.app import keys
from viz.errors import SelectionError
from viz.export import (
    FIGURE_KINDS,
    FORMATS,
    FigureKind,
    FigureSpec,
    Format,
    RenderOptions,
    file_name,
    register_figure,
    register_format,
    render,
)
from viz.export.archive import README, archive
from viz.export.formats import _formats
from viz.figures.kinds import _kinds, resolve
from viz.model.plugins import load_plugins

ROOT = Path(__file__).resolve().parents[3]


def as_text(spec: FigureSpec, options: RenderOptions) -> bytes:
    """The strongest weight, in words."""
    return f"{spec.kind}: {spec.view().weights.max():.3f} in {options.colormap}".encode()


def row_sums(spec: FigureSpec, options: RenderOptions) -> Figure:
    """The mean over rows of what each token receives, as bars."""
    drawn = Figure(figsize=(4, 3), dpi=options.dpi)
    drawn.add_subplot().bar(range(len(spec.view().keys)), spec.view().weights[0, 0].mean(0))
    return drawn


@pytest.fixture
def own_format() -> Iterator[Format]:
    own = Format(name="txt", mime="text/plain", label="the strongest weight", write=as_text)
    register_format(own)
    yield own
    del _formats[own.name]


@pytest.fixture
def own_figure() -> Iterator[FigureKind]:
    own = FigureKind(
        name="received",
        label="received",
        help="Bars of what each token receives.",
        shows="map",
        draw=row_sums,
    )
    register_figure(own)
    yield own
    del _kinds[own.name]


def test_a_format_of_ones_own_is_written_named_and_packed(own_format: Format) -> None:
    spec = FigureSpec(read(), "head", layer=1, head=0)
    assert render(spec, "txt").startswith(b"head: 0.")
    assert file_name(spec, "txt") == "tiny-bert-head-L1-H0.txt"
    packed = ZipFile(BytesIO(archive([spec], tuple(FORMATS))))
    assert packed.read("tiny-bert-head-L1-H0.txt") == render(spec, "txt")
    assert "(the strongest weight)" in packed.read(README).decode()


def test_a_figure_of_ones_own_is_drawn_named_and_counted(own_figure: FigureKind) -> None:
    spec = FigureSpec.of(
        read(),
        "received",
        unit="word",
        layer=1,
        head=None,
        special=False,
        quadrant="all",
        contribution=None,
    )
    assert file_name(spec, "png") == "tiny-bert-received-L1-mean-no-special.png"
    for format, start in {
        "png": b"\x89PNG",
        "svg": b"<?xml",
        "csv": b"layer,",
        "npz": b"PK",
    }.items():
        assert render(spec, format).startswith(start)
    assert spec.n_maps == 1
    with pytest.raises(SelectionError, match="has no HTML; choose another format"):
        render(spec, "html")


@pytest.mark.usefixtures("own_format", "own_figure")
def test_the_command_line_has_them(checkpoint: Path, tmp_path: Path) -> None:
    place = ["--checkpoint", str(checkpoint), "--output", str(tmp_path)]
    assert "Bars of what each token receives." in CliRunner().invoke(viz, ["export"]).output
    for words in (["received"], ["all"]):
        result = CliRunner().invoke(viz, ["export", *words, "oil", *place, "--format", "csv,txt"])
        assert result.exit_code == 0, result.output
    assert (tmp_path / "tiny-bert-received-L2-mean.txt").read_bytes().startswith(b"received: 0.")
    packed = ZipFile(tmp_path / "tiny-bert-all-decomposition.zip")
    assert {"tiny-bert-received-L2-mean.csv", "tiny-bert-head-L2-mean.txt"} < {*packed.namelist()}


@pytest.mark.usefixtures("own_format", "own_figure")
def test_the_page_offers_them(checkpoint: Path) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["checkpoint"] = str(checkpoint)
    app.run()
    assert not app.exception
    subject = app.segmented_control(key=keys.SUBJECT)
    assert subject.options == ["head", "layer", "all heads", "arcs", "attribution", "received"]
    assert app.segmented_control(key=keys.FORMAT).options[-1] == "TXT"
    subject.set_value("received")
    app.segmented_control(key=keys.FORMAT).set_value("TXT").run()
    assert not app.exception


@pytest.mark.usefixtures("own_format", "own_figure")
def test_an_installed_package_brings_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "brought.py").write_text("""
from dataclasses import replace
from viz.export import FIGURE_KINDS, FORMATS
FORMAT = replace(FORMATS["txt"], name="text")
FIGURE = replace(FIGURE_KINDS["received"], name="brought")
""")
    info = tmp_path / "brought-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: brought\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[clsight.figures]\nown = brought:FIGURE\nbroken = brought:NOTHING\n"
        "[clsight.formats]\nown = brought:FORMAT\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with patch.dict(_formats), patch.dict(_kinds):
        with pytest.warns(RuntimeWarning, match=r"'broken' \(brought:NOTHING\) of clsight.figures"):
            load_plugins("clsight.figures", FigureKind, register_figure)
        load_plugins("clsight.formats", Format, register_format)
        assert list(FIGURE_KINDS)[-1] == "brought"
        assert list(FORMATS)[-1] == "text"


def test_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(SelectionError, match="There is a format 'png' already"):
        register_format(FORMATS["png"])
    with pytest.raises(SelectionError, match="There is a figure 'head' already"):
        register_figure(FIGURE_KINDS["head"])


def test_an_unknown_figure_is_refused() -> None:
    with pytest.raises(SelectionError, match="'heads' is unknown; known are head, layer, atlas"):
        FigureSpec(read(), "heads")


@pytest.mark.parametrize("kind", FIGURE_KINDS.values(), ids=FIGURE_KINDS)
def test_every_function_that_a_kind_names_is_there(kind: FigureKind) -> None:
    assert callable(resolve(kind.draw))
    assert callable(resolve(kind.page))
    assert callable(resolve(kind.numbers).rows)


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)
def test_every_function_that_a_format_names_is_there(format: Format) -> None:
    assert callable(resolve(format.write))
