"""The numbers of a figure as files: those of its view, whatever reads them."""

import csv
import json
from dataclasses import replace
from io import BytesIO, StringIO
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viz import Classifier, attribute
from viz.attention.statistics import STATISTICS, head_statistics
from viz.attention.views import QUADRANTS
from viz.attention.words import merge, spans
from viz.attribution.contribution import contribution
from viz.errors import SelectionError
from viz.export import formats
from viz.export.csv_cells import guarded, unguarded
from viz.export.formats import FORMATS, render
from viz.figures.citation import citation
from viz.figures.spec import FigureSpec
from viz.types import Reading

ODD = "good = + - @ ' movie, \" 你好 script"
KINDS = ("head", "mean", "layer", "atlas", "arcs", "pair", "signed")


@pytest.fixture(scope="module")
def odd(classifier: Classifier) -> Reading:
    return classifier.read(ODD, "bad market")


def spec_of(kind: str, classifier: Classifier, read: Reading) -> FigureSpec:
    return {
        "head": lambda: FigureSpec(read, "head", layer=1, head=2),
        "mean": lambda: FigureSpec(read, "head", special=False),
        "layer": lambda: FigureSpec(read, "layer", layer=0, special=False),
        "atlas": lambda: FigureSpec(read, "atlas"),
        "arcs": lambda: FigureSpec(read, "arcs", layer=2, unit="wordpiece"),
        "pair": lambda: FigureSpec(read, "layer", layer=1, quadrant="A-B"),
        "signed": lambda: FigureSpec(
            read, "head", layer=1, special=False, contribution=contribution(classifier, read)
        ),
        "attribution": lambda: FigureSpec(
            read, "attribution", attribution=attribute(classifier, read)
        ),
    }[kind]()


def arrays_of(spec: FigureSpec) -> dict[str, Any]:
    with np.load(BytesIO(render(spec, "npz")), allow_pickle=False) as stored:
        return dict(stored)


def table_of(spec: FigureSpec) -> pd.DataFrame:
    return pd.read_csv(BytesIO(render(spec, "csv")), keep_default_na=False)


@pytest.mark.parametrize("kind", KINDS)
def test_npz_holds_the_numbers_of_the_view(classifier: Classifier, odd: Reading, kind: str) -> None:
    spec = spec_of(kind, classifier, odd)
    shown, stored = spec.view(), arrays_of(spec)
    values = stored[spec.measure]
    assert values.ndim == {"atlas": 4, "layer": 3}.get(spec.kind, 2)
    np.testing.assert_array_equal(values.reshape(shown.weights.shape), shown.weights)
    np.testing.assert_array_equal(stored["removed"].reshape(shown.removed.shape), shown.removed)
    assert stored["query"].tolist() == [span.label for span in shown.spans]
    assert stored["key"].tolist() == [span.label for span in shown.keys]
    assert stored["logits"].tolist() == odd.prediction.logits.tolist()
    assert (stored["text"].item(), stored["pair"].item()) == (odd.encoding.text, "bad market")
    assert json.loads(stored["citation"].item())["sentence"] == citation(spec).sentence()


@pytest.mark.parametrize("kind", [*KINDS, "attribution"])
def test_the_same_figure_makes_the_same_bytes(
    classifier: Classifier, odd: Reading, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_of(kind, classifier, odd)
    first = {name: render(spec, name) for name in ("csv", "npz", "json")}
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert first == {name: render(spec, name) for name in ("csv", "npz", "json")}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "atlas"])
def test_csv_is_a_labeled_matrix_to_the_last_digit(
    classifier: Classifier, odd: Reading, kind: str
) -> None:
    spec = spec_of(kind, classifier, odd)
    shown, table = spec.view(), table_of(spec)
    keys = [f"key {index}: {key.label}" for index, key in enumerate(shown.keys)]
    assert list(table.columns) == ["layer", "head", "query_index", "query", "removed", *keys]
    n_rows = shown.weights.shape[1] * len(shown.spans)
    np.testing.assert_array_equal(
        table[keys].to_numpy(np.float32), shown.weights.reshape(n_rows, len(keys))
    )
    np.testing.assert_array_equal(table["removed"].to_numpy(np.float32), shown.removed.ravel())
    labels = [span.label for span in shown.spans] * shown.weights.shape[1]
    assert [unguarded(str(cell)) for cell in table["query"]] == labels
    assert set(table["layer"]) == {"mean" if spec.layer is None else spec.layer}


def test_the_csv_of_an_atlas_has_a_row_of_facts_for_each_head(
    classifier: Classifier, odd: Reading
) -> None:
    spec = spec_of("atlas", classifier, odd)
    shown, table = spec.view(), table_of(spec)
    facts = head_statistics(odd.encoding, odd.attention.weights)
    assert len(table) == classifier.n_layers * classifier.n_heads
    for row in table.to_dict("records"):
        values = shown.weights[row["layer"], row["head"]]
        assert np.float32(row["largest_weights"]) == values.max()
        assert values[row["query_index"], row["key_index"]] == values.max()
        assert unguarded(str(row["key"])) == shown.keys[row["key_index"]].label
        for fact in STATISTICS:
            expected = getattr(facts, fact.name)[row["layer"], row["head"]]
            found = row[fact.name]
            assert found == expected or np.float32(found) == expected


def test_an_attribution_has_a_row_a_word_then_bias_and_value(
    classifier: Classifier, odd: Reading
) -> None:
    spec = spec_of("attribution", classifier, odd)
    made, table = spec.attribution, table_of(spec)
    assert made is not None
    over = spans(odd.encoding)
    words = table[table["kind"] == "word"]
    np.testing.assert_array_equal(words["score"].to_numpy(np.float32), merge(made.scores, over))
    assert [unguarded(text) for text in words["text"]] == [span.label for span in over]
    assert list(table["kind"][-3:]) == ["bias", "hidden", "value"]
    assert made.shares is not None
    numbers = [float(table[name].iloc[row]) for name, row in (("score", -3), ("share", -2))]
    assert numbers == [made.bias, made.shares.hidden]
    assert float(table["score"].iloc[-1]) == made.value
    stored = arrays_of(spec)
    np.testing.assert_array_equal(stored["scores"], merge(made.scores, over))
    np.testing.assert_array_equal(stored["token_scores"], made.scores)
    assert (stored["bias"].item(), stored["value"].item()) == (made.bias, made.value)


def test_a_method_without_a_bias_has_none_in_its_files(
    classifier: Classifier, reading: Reading
) -> None:
    made = attribute(classifier, reading, "rollout")
    spec = FigureSpec(reading, "attribution", attribution=made)
    assert "bias" not in set(table_of(spec)["kind"])
    assert "bias" not in arrays_of(spec)


@pytest.mark.parametrize("kind", KINDS)
def test_json_holds_the_view_exactly(classifier: Classifier, odd: Reading, kind: str) -> None:
    spec = spec_of(kind, classifier, odd)
    shown, numbers = spec.view(), json.loads(render(spec, "json"))["numbers"]
    np.testing.assert_array_equal(np.array(numbers[spec.measure]), shown.weights)
    np.testing.assert_array_equal(np.array(numbers["removed"]), shown.removed)


def test_text_formats_refuse_too_many_numbers_and_npz_holds_them(
    classifier: Classifier, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("csv", "json"):
        small = replace(formats.FORMATS[name], limit=100)
        monkeypatch.setitem(formats._formats, name, small)
    spec = FigureSpec(reading, "layer", layer=0)
    for format in ("csv", "json"):
        with pytest.raises(SelectionError, match=r"numbers and (CSV|JSON) holds 100 .* NPZ"):
            render(spec, format)
    assert arrays_of(spec)["weights"].size > 100


@given(st.text() | st.builds(str.__add__, st.sampled_from("='+-@\t＝"), st.text()))
def test_every_text_survives_its_cell_and_none_is_a_formula(text: str) -> None:
    cell = guarded(text)
    assert unguarded(cell) == text
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
    line = StringIO()
    csv.writer(line).writerow([cell])
    assert next(csv.reader(StringIO(line.getvalue(), newline=""))) == [cell]


@pytest.mark.parametrize("word", ["good", "'s", "'", "don't", "油价", "a=b", "1-2"])
def test_plain_words_are_written_as_they_are(word: str) -> None:
    assert guarded(word) == word


def test_a_formula_in_a_text_is_no_formula_in_its_csv(classifier: Classifier) -> None:
    read = classifier.read("good =1+1 @sum -2")
    for spec in (
        FigureSpec(read, "head", unit="wordpiece"),
        spec_of("attribution", classifier, read),
    ):
        rows = csv.reader(StringIO(render(spec, "csv").decode(), newline=""))
        cells = [cell for row in rows for cell in row if not _is_number(cell)]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
        assert "'=" in cells or any("[UNK]" in cell for cell in cells)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("texts", [("\u200b", "good bad"), ("good bad", "\u200b")])
@pytest.mark.parametrize("kind", ["head", "layer", "atlas", "arcs"])
def test_a_quadrant_of_a_text_that_was_not_read_is_refused(
    classifier: Classifier, texts: tuple[str, str], kind: str
) -> None:
    """A zero-width space alone leaves no token of its text."""
    read = classifier.read(*texts)
    layer, whole = (0 if kind == "layer" else None), "A-A" if texts[0] == "good bad" else "B-B"
    for quadrant in QUADRANTS[1:]:
        shown = FigureSpec(read, kind, layer, special=False, quadrant=quadrant)
        for format in FORMATS:
            if quadrant == whole:
                assert render(shown, format)
            else:
                with pytest.raises(SelectionError, match=f"so {quadrant} is empty; choose all"):
                    render(shown, format)
