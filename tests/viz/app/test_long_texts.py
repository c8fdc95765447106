"""The Read page for a text of which not all weights are kept, without a browser."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from finetune.checkpoint.arrays import FloatArray
from tests.page_content import component_data
from tests.viz.widgets.test_heatmap import unpacked
from viz import Classifier
from viz.app import keys, long_maps, long_readings
from viz.app.long_maps import LongMap
from viz.app.panels import long_closeup, region, save, tiled_map
from viz.app.panels.heads_off import STATE
from viz.app.panels.text import Texts
from viz.app.readings import ViewOptions
from viz.attention.long_attention import LongAttention
from viz.attention.long_rows import pooled_row
from viz.attention.region import Region
from viz.attention.tiles import TilePlace
from viz.attention.views import pick, pooled_impossible, view
from viz.attention.views import pooled_row as whole_pooled_row
from viz.attribution.contribution import contribution
from viz.export.formats import FORMATS, render
from viz.figures.kinds import FIGURE_KINDS
from viz.figures.spec import FigureSpec
from viz.types import Reading
from viz.widgets.heatmap.component import TileRequest

ROOT = Path(__file__).resolve().parents[3]
TEXT = "Oil prices rise as stocks fall, the market was not good. The team wins peace talks!"
N_KEPT_TOKENS = 8


@pytest.fixture
def short(classifier: Classifier) -> Reading:
    """The reading with all of its weights."""
    return classifier.read(TEXT)


@pytest.fixture
def shares(classifier: Classifier, short: Reading) -> FloatArray:
    """All contributions, as of a short text."""
    return contribution(classifier, short).values


@pytest.fixture
def app(checkpoint: Path, short: Reading, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The app, opened on a text whose weights are too many to keep."""
    st.cache_resource.clear()
    bound = 4 * short.attention.n_layers * short.attention.n_heads * N_KEPT_TOKENS**2
    monkeypatch.setattr("viz.model.classifier.MAX_ATTENTION_BYTES", bound)
    monkeypatch.setattr(tiled_map, "PATIENCE", 30)
    monkeypatch.setattr("viz.app.panels.job_progress.PATIENCE", 30)
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params.update(
        {"checkpoint": str(checkpoint), "text": TEXT, "layer": "1", "head": "2"}
    )
    yield test
    long_readings.readings.clear()
    st.cache_resource.clear()


def test_the_page_of_a_long_text_has_the_same_pictures(
    app: AppTest, checkpoint: Path, short: Reading
) -> None:
    app.run()
    assert not app.exception
    assert not app.error
    whole = view(short.encoding, short.attention.weights)
    one = pick(whole, 1, 2)
    data = component_data(app, "heatmap")
    assert (data["title"], data["values"]) == ("L1 · H2", None)
    assert data["largest"] == pytest.approx(one.weights.max(), rel=1e-5)
    assert component_data(app, "atlas")["shape"] == list(one.weights.shape[2:])
    assert component_data(app, "atlas-selection")["layer"] == 1
    assert component_data(app, "bars")["name"] == short.prediction.label
    # Of the tiles that the browser asks for, it is sent the exact weights.
    request = TileRequest(data["tiled"]["map"], (TilePlace(0, 0, 0),))
    app.session_state[tiled_map.PENDING] = request
    app.run()
    sent = component_data(app, "heatmap-tiles")
    assert sent["map"] == data["tiled"]["map"]
    values = unpacked(sent["tiles"][0]["values"], "<f4")
    np.testing.assert_allclose(values, one.weights.ravel(), atol=1e-6)
    options = ViewOptions("word", special=True, explained=None)
    shown = LongMap(str(checkpoint), Texts(TEXT, None), options, 1, 2)
    assert shown.id == data["tiled"]["map"]
    assert long_maps.known_tiles(shown, request.places) == sent["tiles"]
    assert not [
        each for each in app.toggle if each.label in ("Show in BertViz", "Which heads matter")
    ]


def test_arcs_and_rows_of_a_long_text_are_those_of_all_weights(
    app: AppTest, short: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_closeup, "STRETCH", 4)
    app.query_params["view"] = "arcs"
    app.run()
    app.number_input(key=long_closeup.FIRST).set_value(3).run()
    assert not app.exception
    whole = view(short.encoding, short.attention.weights)
    arcs = component_data(app, "arcs")
    assert arcs["queries"]["labels"] == [span.label for span in whole.spans[3:7]]
    sent = unpacked(arcs["query_totals"], "<f4").reshape(len(arcs["names"]), 4)
    np.testing.assert_allclose(sent[:-1], whole.weights[1, :, 3:7, 3:7].sum(-1), atol=1e-5)

    app.segmented_control(key=keys.CLOSEUP).set_value("on the text").run()
    app.number_input(key=long_closeup.ROW).set_value(5).run()
    assert not app.exception
    row = whole.weights[1, 2, 5]
    parts = component_data(app, "colored-text", 1)["parts"][0]
    words = [part for part in parts if part["kind"] == "word"]
    ordinary = [span for span in whole.spans if not span.special]
    assert [part["token"] for part in words] == [span.tokens[0] for span in ordinary]
    strongest = max(ordinary, key=lambda span: row[whole.spans.index(span)])
    largest = component_data(app, "colored-text", 1)["highest"]
    assert [p["text"] for p in words if p["score"] == largest] == [strongest.label]


def test_contributions_of_a_long_text_are_those_of_all_weights(
    shares: FloatArray, app: AppTest, short: Reading
) -> None:
    app.run()
    app.segmented_control(key=keys.MEASURE).set_value("contribution").run()
    assert not app.exception
    whole = pick(view(short.encoding, shares, signed=True), 1, 2)
    data = component_data(app, "heatmap")
    assert data["signed"]
    assert data["largest"] == pytest.approx(np.abs(whole.weights).max(), rel=1e-3)


def test_rows_taken_together_are_those_of_all_weights(app: AppTest, short: Reading) -> None:
    app.run()
    attention = long_readings.readings.get(next(iter(long_readings.readings._results)))
    assert isinstance(attention, long_readings.LongReading)
    long = attention.reading.attention
    assert isinstance(long, LongAttention)
    pooling = np.linspace(0, 1, short.encoding.n_tokens)
    pooling /= pooling.sum()
    whole = pick(view(short.encoding, short.attention.weights, special=False), 1, None)
    row = pooled_row(long.view(special=False), 1, None, pooling)
    np.testing.assert_allclose(row.values, whole_pooled_row(whole, pooling), atol=1e-6)
    assert row.impossible is None
    assert pooled_impossible(whole, pooling) is None


@pytest.mark.parametrize("chosen", [None, Region((2, 5), (1, 3))])
def test_what_is_offered_of_a_long_text_can_be_saved(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, chosen: Region | None
) -> None:
    app.run()
    known = long_readings.readings.get(next(iter(long_readings.readings._results)))
    assert isinstance(known, long_readings.LongReading)
    monkeypatch.setattr("viz.figures.spec.MAX_VIEW_NUMBERS", 60)
    monkeypatch.setattr("viz.export.page_content.MAX_WEIGHTS", 60)
    html = replace(FORMATS["html"], long_limit=60)
    monkeypatch.setattr("viz.app.panels.save.FORMATS", {**FORMATS, "html": html})
    offered = set()
    for kind in FIGURE_KINDS.values():
        if not kind.needs_maps or (chosen and "region" not in kind.takes):
            continue
        parts = {"layer": 1, "head": 2, "region": chosen}
        spec = FigureSpec.of(known.reading, kind.name, unit="word", **parts)
        rows, columns = spec.part_of(spec.long_view) if spec.long_view else (None, None)
        assert rows is not None
        assert columns is not None
        n_cells = (rows.stop - rows.start) * (columns.stop - columns.start)
        for format in ("html", "csv", "npz", "json"):
            refused = save._long_refusal(spec, format, n_cells)
            if refused is None:
                assert render(spec, format)
                offered.add((kind.name, format))
            else:
                assert re.match(r"These are [\d,]+ numbers, .* choose ", refused)
    assert ("head", "npz") in offered
    assert (("head", "html") in offered) == (chosen is not None)


def test_the_page_hands_out_no_file_of_hundreds_of_megabytes(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.run()
    app.segmented_control(key=keys.FORMAT).set_value("NPZ").run()
    assert not app.get("download_button")[-1].proto.disabled
    monkeypatch.setattr("viz.app.panels.save.MAX_DOWNLOAD", 200)
    app.run()
    button = app.get("download_button")[-1].proto
    assert button.disabled
    assert "MB, and the page hands out" in button.help
    app.text_input(key=region.ROWS).set_value("2:5").run()
    app.text_input(key=region.COLUMNS).set_value("0:9").run()
    assert not app.get("download_button")[-1].proto.disabled


def test_a_region_is_taken_from_what_is_in_view(app: AppTest) -> None:
    app.run()
    app.text_input(key=region.ROWS).set_value("2:5").run()
    assert not app.exception
    app.text_input(key=region.COLUMNS).set_value("5").run()
    assert not app.exception
    assert app.get("download_button")[-1].proto.disabled


def test_heads_of_a_long_text_can_be_off(app: AppTest, checkpoint: Path) -> None:
    app.run()
    whole = component_data(app, "bars")
    app.session_state[STATE] = (str(checkpoint), ((0, 1),))
    app.run()
    assert not app.exception
    assert component_data(app, "atlas-selection")["off"] == [[0, 1]]
    assert component_data(app, "bars") != whole
    lines = [each.value for each in app.caption if "1 head is off" in each.value]
    assert lines
    # It is known what all heads said, though what was kept of their maps is gone.
    long_readings.readings.clear()
    app.run()
    assert [each.value for each in app.caption if "1 head is off" in each.value] == lines
    assert len(long_readings.readings._results) == 1
