"""A network without maps: its class and explanation go everywhere, a sentence where maps would."""

import json
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from IPython.core.formatters import DisplayFormatter
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner, Result

from tests.families import family_checkpoint
from tests.page_content import component_data
from tests.synthetic import NO_ATTENTION, attribution_of, figure_spec, read_without_attention
from viz import Classifier
from viz.__main__ import app as command
from viz.app import keys
from viz.app.markdown import plain
from viz.errors import MissingAttentionError
from viz.export import FIGURE_KINDS, FORMATS, FigureSpec, bertviz_html, render
from viz.export.archive import README, archive
from viz.export.json_reader import parse
from viz.export.replay import replay
from viz.export.request import FigureRequest
from viz.types import MissingAttention

ROOT = Path(__file__).resolve().parents[2]
TEXT = "Oil prices rise as stocks fall"
MAPS = [kind.name for kind in FIGURE_KINDS.values() if kind.needs_maps]


@pytest.fixture(scope="module")
def fnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint whose tokens are mixed by a Fourier transform."""
    return family_checkpoint(tmp_path_factory.mktemp("families") / "fnet", "fnet")


@pytest.fixture(scope="module")
def classifier(fnet: Path) -> Classifier:
    """It, opened."""
    return Classifier.load(str(fnet))


@pytest.fixture(scope="module")
def reason(classifier: Classifier) -> str:
    """Why it has no maps."""
    reading = classifier.read(TEXT)
    assert isinstance(reading.attention, MissingAttention)
    return reading.attention.reason


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [*map(str, arguments)])


@pytest.mark.parametrize("kind", MAPS)
def test_a_figure_of_maps_is_refused_with_the_reason(kind: str) -> None:
    with pytest.raises(MissingAttentionError) as refused:
        FigureSpec(read_without_attention(), kind, layer=0)
    assert str(refused.value) == NO_ATTENTION


@pytest.mark.parametrize("format", FORMATS)
def test_the_explanation_is_saved_in_every_format(format: str) -> None:
    spec = figure_spec("attribution", read_without_attention())
    with_maps = figure_spec("attribution")
    assert render(spec, format) == render(with_maps, format)


def test_everything_is_the_explanation_and_the_reason_for_the_rest() -> None:
    reading = read_without_attention()
    spec = FigureSpec(reading, "attribution", attribution=attribution_of(reading))
    with ZipFile(BytesIO(archive([spec], ["json"]))) as packed:
        readme = " ".join(packed.read(README).decode().split())
        assert len(packed.namelist()) == 2
    assert f"WHAT WAS LEFT OUT {NO_ATTENTION}" in readme


def test_bertviz_is_refused_with_the_reason() -> None:
    with pytest.raises(MissingAttentionError, match="no map"):
        bertviz_html(read_without_attention())


def test_a_notebook_shows_the_class_and_the_reason() -> None:
    data, _ = DisplayFormatter().format(read_without_attention())  # type: ignore[no-untyped-call]
    assert NO_ATTENTION in data["text/html"]
    assert "Sci/Tech" in data["text/html"]
    assert "image/png" not in data


def test_a_record_of_the_explanation_replays(classifier: Classifier) -> None:
    reading = classifier.read(TEXT)
    assert isinstance(reading.attention, MissingAttention)
    (spec,) = FigureRequest(kinds=tuple(FIGURE_KINDS)).specs(classifier, reading)
    assert spec.kind == "attribution"
    saved = parse("saved.json", render(spec, "json"))
    assert all(part.agrees for part in replay(saved, classifier))


def test_a_command_prints_the_reason_or_what_needs_no_maps(
    fnet: Path, reason: str, tmp_path: Path
) -> None:
    told = run("read", TEXT, "--checkpoint", fnet)
    assert told.exit_code == 0
    for arguments in (["--layer", "0", "--head", "1"], ["--atlas"], ["--bertviz", "head"]):
        refused = run("export", TEXT, "--output", tmp_path, "--checkpoint", fnet, *arguments)
        assert refused.exit_code == 1
        assert refused.output.strip() == reason
    assert list(tmp_path.iterdir()) == []
    packed = run("export", "all", TEXT, "--output", tmp_path, "--checkpoint", fnet)
    assert packed.exit_code == 0
    (name,) = tmp_path.iterdir()
    with ZipFile(name) as archive:
        records = [json.loads(archive.read(one)) for one in archive.namelist() if "json" in one]
    assert [record["request"]["kind"] for record in records] == ["attribution"]


def test_a_data_set_is_refused_once_before_any_row(fnet: Path, reason: str, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text(f"text\n{TEXT}\n", "utf-8")
    place = ("--output", tmp_path / "out", "--checkpoint", fnet, "--figure")
    refused = run("export", "dataset", rows, *place, "atlas")
    assert (refused.exit_code, refused.output.strip()) == (1, reason)
    assert run("export", "dataset", rows, *place, "attribution").exit_code == 0


def test_the_page_says_why_in_the_place_of_the_atlas(fnet: Path, reason: str) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params.update(
        {"checkpoint": str(fnet), "text": f"{TEXT} again", "layer": "1", "head": "2"}
    )
    app.run()
    assert not app.exception
    assert not app.error
    assert [info.value for info in app.info] == [plain(reason)]
    assert component_data(app, "colored-text")["parts"]
    assert [choice.label for choice in app.selectbox if choice.label in ("Layer", "Head")] == []
    assert app.get("download_button")
    offered = {toggle.label for toggle in app.toggle}
    assert offered.isdisjoint({"Show in BertViz", "Which heads matter", "Special tokens"})
    methods = app.selectbox(key=keys.METHOD).options
    assert "Decomposition" in methods
    assert not any("ttention" in method for method in methods)


def test_heads_that_do_not_exist_cannot_matter(fnet: Path, reason: str, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text(f"text\n{TEXT}\n", "utf-8")
    refused = run("heads", "--data", rows, "--checkpoint", fnet)
    assert (refused.exit_code, refused.output.strip()) == (1, reason)
