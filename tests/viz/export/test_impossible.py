"""Keys that can't be looked at, in files of numbers: blank in tables, named in NPZ and JSON."""

import json
from io import BytesIO
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from tests.synthetic import causal, figure_spec, read, read_causal, read_windowed
from viz import Classifier
from viz.export.formats import render
from viz.export.json_reader import parse
from viz.export.replay import replay
from viz.figures.spec import FigureSpec
from viz.types import Reading

CAUSAL, WINDOWED = read_causal(), read_windowed()


def record_of(spec: FigureSpec) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(render(spec, "json"))
    return values


def replayed(values: dict[str, Any], reading: Reading) -> dict[str, bool]:
    """Whether each part of a record agrees, computed again from a reading made up."""
    classifier = cast("Classifier", SimpleNamespace(read=lambda text, pair, without: reading))
    parts = replay(parse("saved.json", json.dumps(values).encode()), classifier)
    return {part.name: part.agrees for part in parts}


@pytest.mark.parametrize("contribution", [False, True])
@pytest.mark.parametrize("kind", ["head", "layer", "arcs"])
def test_a_cell_of_a_table_is_empty_where_the_query_cannot_look(
    kind: str, contribution: bool
) -> None:
    spec = figure_spec(kind, CAUSAL, contribution=contribution)
    shown = spec.view()
    assert shown.impossible is not None
    table = pd.read_csv(BytesIO(render(spec, "csv")))
    cells = table[[name for name in table if name.startswith("key ")]].to_numpy(shown.weights.dtype)
    n_heads = shown.weights.shape[1]
    forbidden = np.tile(shown.impossible[0], (n_heads, 1))
    np.testing.assert_array_equal(np.isnan(cells), forbidden)
    expected = shown.weights[0].reshape(cells.shape)
    np.testing.assert_array_equal(cells[~forbidden], expected[~forbidden])


@pytest.mark.parametrize(("kind", "ndim"), [("head", 2), ("layer", 2), ("atlas", 3)])
def test_npz_says_what_cannot_be_looked_at(kind: str, ndim: int) -> None:
    spec = figure_spec(kind, CAUSAL, unit="wordpiece")
    with np.load(BytesIO(render(spec, "npz")), allow_pickle=False) as stored:
        found = stored["impossible"]
        assert found.dtype == bool
        assert found.ndim == ndim
        forbidden = np.broadcast_to(found[:, None] if ndim == 3 else found, stored["weights"].shape)
        assert not stored["weights"][forbidden].any()
    assert (found == causal(CAUSAL.encoding.n_tokens)).all()


@pytest.mark.parametrize("kind", ["head", "layer", "atlas", "arcs"])
@pytest.mark.parametrize("reading", [CAUSAL, WINDOWED])
def test_a_record_with_impossible_pairs_replays(kind: str, reading: Reading) -> None:
    spec = figure_spec(kind, reading, layer=0)
    values = record_of(spec)
    assert (
        np.array(values["numbers"]["impossible"], bool).tolist()
        == cast("Any", spec.view().impossible).tolist()
    )
    assert all(replayed(values, reading).values())


def test_a_record_of_before_there_were_impossible_pairs_replays() -> None:
    values = record_of(figure_spec("head", CAUSAL))
    del values["numbers"]["impossible"]
    agreed = replayed(values, CAUSAL)
    assert all(agreed.values())
    assert "impossible" not in agreed


@pytest.mark.parametrize("reading", [CAUSAL, read()])
def test_a_record_with_other_impossible_pairs_differs(reading: Reading) -> None:
    values = record_of(figure_spec("head", reading))
    values["numbers"]["impossible"] = [[[True]]]
    agreed = replayed(values, reading)
    assert [name for name, agrees in agreed.items() if not agrees] == ["impossible"]


@pytest.mark.parametrize("kind", ["head", "layer", "atlas", "arcs"])
def test_files_of_a_model_without_a_mask_say_nothing_of_it(kind: str) -> None:
    spec = figure_spec(kind, read())
    assert "impossible" not in record_of(spec)["numbers"]
    with np.load(BytesIO(render(spec, "npz")), allow_pickle=False) as stored:
        assert "impossible" not in stored
