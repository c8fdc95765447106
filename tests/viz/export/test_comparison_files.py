"""A comparison as files: every figure in every format, with the same numbers in all of them."""

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.synthetic import read, read_without_attention
from viz import Classifier
from viz.cli.commands import app
from viz.comparison.compare import compare_texts
from viz.comparison.readings import ReadingComparison, compare_readings
from viz.errors import MissingAttentionError, SelectionError
from viz.export.comparison_files import FORMATS, comparison_file, comparison_file_name
from viz.export.comparison_record import comparison_values
from viz.figures.canvas import text_lines
from viz.figures.comparison_kinds import COMPARISON_KINDS, ComparisonSpec
from viz.figures.kinds import resolve
from viz.figures.render_options import RenderOptions
from viz.types import Attention

FIRST = "oil prices rise as stocks fall"
SECOND = "oil prices fall, as the team wins"


@pytest.fixture(scope="module")
def compared(classifier: Classifier) -> ReadingComparison:
    return compare_texts(classifier, FIRST, SECOND)


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


@pytest.mark.parametrize("kind", COMPARISON_KINDS)
def test_a_figure_is_drawn_with_its_citation(compared: ReadingComparison, kind: str) -> None:
    spec = ComparisonSpec(compared, kind, 1, 2)
    picture = Image.open(io.BytesIO(comparison_file(spec, "png")))
    assert picture.info["Description"] == spec.citation()
    assert np.asarray(picture).std() > 5
    assert b"<svg" in comparison_file(spec, "svg")
    assert comparison_file(spec, "pdf").startswith(b"%PDF")


@pytest.mark.parametrize("kind", COMPARISON_KINDS)
def test_a_page_needs_no_network(compared: ReadingComparison, kind: str) -> None:
    page = comparison_file(ComparisonSpec(compared, kind, 1, 2), "html").decode()
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)=\"?https?:", page)
    assert FIRST in page
    assert SECOND in page


def test_tables_arrays_and_json_hold_the_same_numbers(compared: ReadingComparison) -> None:
    assert compared.words is not None
    assert compared.heads is not None
    words = ComparisonSpec(compared, "words")
    arrays = np.load(io.BytesIO(comparison_file(words, "npz")), allow_pickle=False)
    record = json.loads(comparison_file(words, "json"))
    rows = [
        row for row in table(comparison_file(words, "csv")) if row["kind"] in ("word", "special")
    ]
    for changes, name in (
        (compared.words.raw_changes, "difference"),
        (compared.words.changes, "share_difference"),
    ):
        differences = [change.difference for change in changes]
        assert [float(row[name]) for row in rows] == differences
        assert arrays[f"{name}s"].tolist() == differences
        assert [change[name] for change in record["words"]["changes"]] == differences
    *_, hidden, value = table(comparison_file(words, "csv"))
    assert (hidden["kind"], value["kind"]) == ("hidden", "value")
    for column in ("first_share", "second_share", "share_difference"):
        added = sum(float(row[column] or 0) for row in rows) + float(hidden[column])
        assert added == pytest.approx(float(value[column]), abs=1e-4)
    distances = table(comparison_file(ComparisonSpec(compared, "distances"), "csv"))
    assert [
        float(row["distance"]) for row in distances
    ] == compared.heads.distances.ravel().tolist()
    assert record["heads"]["distances"] == compared.heads.distances.tolist()
    assert np.array_equal(arrays["distances"], compared.heads.distances)


def test_the_difference_of_a_head_is_the_same_in_all_formats(compared: ReadingComparison) -> None:
    spec = ComparisonSpec(compared, "difference", 1, 2)
    expected = compared.differences().weights[1, 2]
    arrays = np.load(io.BytesIO(comparison_file(spec, "npz")), allow_pickle=False)
    assert np.array_equal(arrays["weights"], expected)
    assert np.allclose(json.loads(comparison_file(spec, "json"))["difference"]["weights"], expected)
    rows = table(comparison_file(spec, "csv"))
    assert [row["query"] for row in rows] == arrays["query"].tolist()
    assert [float(cell) for cell in list(rows[0].values())[6:]] == pytest.approx(expected[0])
    assert comparison_file_name(spec, "csv") == "tiny-bert-compare-difference-L1-H2.csv"


@pytest.fixture(scope="module")
def nearest() -> ReadingComparison:
    """Six heads whose counterparts stand in another order, in layers of another size."""
    reading = read(FIRST, shape=(2, 3))
    weights = reading.attention.weights
    n_words = weights.shape[-1]
    shuffled = weights.reshape(6, n_words, n_words)[[3, 1, 5, 0, 2, 4]]
    attention = Attention(shuffled.reshape(3, 2, n_words, n_words))
    return compare_readings(reading, replace(reading, attention=attention))


def pictures_of(spec: ComparisonSpec) -> Any:
    """What the HTML page of a figure tells its pictures."""
    page = comparison_file(spec, "html").decode()
    found = re.search(r'id="story">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_a_difference_says_in_every_format_which_heads_it_is_of(nearest: ReadingComparison) -> None:
    spec = ComparisonSpec(nearest, "difference", 0, 0)
    title = "L1 · H1 of the second − L0 · H0 of the first"
    assert f"difference of attention weights · {title} · checkpoint" in spec.citation()
    picture = resolve(spec.figure_kind.draw)(spec, RenderOptions())
    assert f"{title}, distance 0.00" in " ".join(line.text for line in text_lines(picture))
    assert pictures_of(spec)["pictures"][0]["data"]["title"] == title
    columns = ("layer", "head", "second_layer", "second_head")
    for row in table(comparison_file(spec, "csv")):
        assert [row[name] for name in columns] == ["0", "0", "1", "1"]
    record = json.loads(comparison_file(spec, "json"))["difference"]
    assert [record[name] for name in columns] == [0, 0, 1, 1]
    closeups = pictures_of(ComparisonSpec(nearest, "distances"))["closeups"]
    assert closeups["0-0"]["title"] == title
    assert closeups["1-null"]["title"] == "L1 · mean of heads: second − first"


@pytest.mark.parametrize(
    ("layer", "head", "second"), [(1, None, ["mean", "mean"]), (0, 2, ["2", "0"])]
)
def test_a_mean_over_nearest_heads_is_that_of_no_layer(
    nearest: ReadingComparison, layer: int, head: int | None, second: list[str]
) -> None:
    row = table(comparison_file(ComparisonSpec(nearest, "difference", layer, head), "csv"))[0]
    assert [row["second_layer"], row["second_head"]] == second


def test_a_mean_of_heads_in_common_is_that_of_the_same_layer(compared: ReadingComparison) -> None:
    row = table(comparison_file(ComparisonSpec(compared, "difference", 1), "csv"))[0]
    assert [row["second_layer"], row["second_head"]] == ["1", "mean"]


def test_no_file_replaces_another_however_long_the_names_of_checkpoints_are() -> None:
    long = "distilbert-base-uncased-finetuned-sst-2-english"
    seconds = [long, *(f"{long}-seed-of-a-long-study-{seed}" for seed in (1, 2))]
    comparisons = [
        compare_readings(read(FIRST), replace(read(FIRST), checkpoint=second)) for second in seconds
    ]
    specs = [
        ComparisonSpec(comparison, kind, 1, head)
        for comparison in comparisons
        for kind in COMPARISON_KINDS
        for head in (0, 1)
        if kind == "difference" or head == 0
    ]
    names = {comparison_file_name(spec, "png") for spec in specs}
    assert len(names) == len(specs)
    assert f"tiny-bert-with-{long}-compare-difference-L1-H0.png" in names


def test_words_by_another_method_or_of_another_class_have_a_file_of_their_own(
    classifier: Classifier,
) -> None:
    def name(**chosen: str) -> str:
        compared = compare_texts(classifier, FIRST, SECOND, **chosen)
        return comparison_file_name(ComparisonSpec(compared, "words"), "png")

    prediction = classifier.read(SECOND).prediction
    usual = prediction.predicted_class
    other = next(
        i for i in range(4) if i not in (usual, classifier.read(FIRST).prediction.predicted_class)
    )
    labels = prediction.labels
    assert name() == "tiny-bert-compare-words-decomposition.png"
    assert name(target=labels[usual]) == name()
    names = {
        name(),
        name(method="saliency"),
        name(target=labels[other]),
        name(target=labels[other], against="none"),
        name(against="none"),
        name(against=labels[other]),
    }
    assert len(names) == 6
    assert f"tiny-bert-compare-words-decomposition-class-{usual}-against-none.png" in names


def test_what_can_not_be_shown_is_refused_in_a_sentence(compared: ReadingComparison) -> None:
    with pytest.raises(SelectionError, match="Figure 'maps' is unknown"):
        ComparisonSpec(compared, "maps")
    with pytest.raises(SelectionError, match="Layer 9 does not exist"):
        comparison_file(ComparisonSpec(compared, "difference", 9, 0), "csv")
    with pytest.raises(SelectionError, match="Head 9 does not exist"):
        comparison_file(ComparisonSpec(compared, "difference", 0, 9), "json")
    with pytest.raises(SelectionError, match="unknown"):
        comparison_file(ComparisonSpec(compared, "words"), "gif")
    without = compare_readings(read(FIRST), read_without_attention(SECOND))
    with pytest.raises(MissingAttentionError, match="Fourier"):
        ComparisonSpec(without, "distances")
    for format in sorted({*FORMATS} - {"pdf", "svg"}):
        assert comparison_file(ComparisonSpec(without, "words"), format)
    assert comparison_values(without)["heads"] is None


def test_the_command_says_what_changed_and_writes_it(checkpoint: Path, tmp_path: Path) -> None:
    base = ["compare", FIRST, SECOND, "--checkpoint", str(checkpoint)]
    result = CliRunner().invoke(app, [*base, "--output", str(tmp_path), "--format", "csv,json"])
    assert result.exit_code == 0, result.output
    assert "Words that changed most, by decomposition" in result.output
    assert "Heads that changed most" in result.output
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 6
    assert "tiny-bert-compare-words-decomposition.csv" in names
    record = json.loads(CliRunner().invoke(app, [*base, "--json"]).stdout)
    assert record["first"]["text"] == FIRST
    assert record["words"]["method"] == "decomposition"


@pytest.mark.parametrize(
    ("options", "pairs"),
    [
        (["--pair", "oil", "--other-pair", "team"], ("oil", "team")),
        (["--other-pair", "team"], (None, "team")),
        (["--pair", "oil", "--with-checkpoint"], ("oil", "oil")),
        (["--pair", "oil", "--other-pair", "team", "--with-checkpoint"], ("oil", "team")),
        ([SECOND, "--pair", "oil"], ("oil", None)),
    ],
)
def test_the_command_reads_each_second_text(
    checkpoint: Path, options: list[str], pairs: tuple[str | None, str | None]
) -> None:
    options = [*options, str(checkpoint)] if options[-1] == "--with-checkpoint" else options
    base = ["compare", FIRST, "--checkpoint", str(checkpoint), "--json"]
    result = CliRunner().invoke(app, [*base, *options])
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    assert (record["first"]["pair"], record["second"]["pair"]) == pairs


def test_the_command_compares_two_checkpoints(checkpoint: Path) -> None:
    pair = ["--checkpoint", str(checkpoint), "--with-checkpoint", str(checkpoint)]
    result = CliRunner().invoke(app, ["compare", FIRST, *pair])
    assert result.exit_code == 0, result.output
    assert " in both: " in result.output
    assert "No head changed" in result.output


FOLDER = ("--output", "never-written")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "nothing to compare with"),
        ([SECOND, "--head", "1"], "--head needs --layer"),
        ([SECOND, *FOLDER, "--format", "gif"], "Format 'gif' is unknown"),
        ([SECOND, *FOLDER, "--figure", "atlas"], "Figure 'atlas' is unknown"),
        ([SECOND, *FOLDER, "--format", ","], "No format was named; give at least one of png"),
        ([SECOND, *FOLDER, "--figure", ""], "No figure was named; give at least one of words"),
        ([SECOND, "--layer", "9"], "--layer does nothing without --output; leave it out, or name"),
        ([SECOND, "--figure", "words"], "--figure does nothing without --output"),
        ([SECOND, "--format", "png"], "--format does nothing without --output"),
    ],
)
def test_the_command_refuses_in_one_sentence(options: list[str], sentence: str) -> None:
    result = CliRunner().invoke(app, ["compare", FIRST, *options])
    assert result.exit_code == 1
    assert sentence in result.stderr
