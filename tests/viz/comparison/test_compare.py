"""What changed in class, words and heads: invariants, sums and an oracle."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from tests.synthetic import read, read_causal, read_with_sink, read_without_attention
from tests.tiny_models import edit_config, tiny_checkpoint, without_head, without_mask_token
from viz import Classifier
from viz.attention.views import pick
from viz.comparison.alignment import align_words
from viz.comparison.class_comparison import compare_classes
from viz.comparison.compare import (
    compare_checkpoints,
    compare_texts,
    is_related,
    open_model,
)
from viz.comparison.descriptions import word_summary
from viz.comparison.difference_maps import pick_difference
from viz.comparison.readings import compare_readings
from viz.comparison.word_comparison import WordComparison, compare_words
from viz.errors import CheckpointError, MethodError, MissingAttentionError, SelectionError
from viz.model.label_matching import match_labels
from viz.types import Attention, Attribution, Encoding, Prediction, Reading

NUMBER = re.compile(r"[+−]\d+\.\d+")
LABELS = ("World", "Sports", "Business", "Sci/Tech")
FIRST = "oil prices rise as stocks fall, the market was good"
SECOND = "oil prices fall as the stocks fall; the market was not very good"


def read_text(attribution: Attribution) -> Encoding:
    assert attribution.reading is not None
    return attribution.reading.encoding


def predicted(labels: tuple[str, ...], *logits: float, **kind: bool) -> Prediction:
    values = np.array(logits)
    shares = 1 / (1 + np.exp(-values)) if kind.get("multi_label") else np.exp(values)
    if not kind.get("multi_label"):
        shares = shares / shares.sum()
    return Prediction(labels, values, shares[:0] if kind.get("regression") else shares, **kind)


@pytest.mark.parametrize("make", [read, read_causal, read_with_sink])
def test_a_reading_with_itself_has_not_changed(make: Callable[..., Reading]) -> None:
    reading = make(FIRST)
    compared = compare_readings(reading, reading)
    assert compared.heads is not None
    assert compared.classes is not None
    assert not compared.heads.distances.any()
    assert not compared.classes.is_changed
    assert not compared.differences().weights.any()
    assert compared.heads.n_left_out == 0


@pytest.mark.parametrize("make", [read, read_causal, read_with_sink])
def test_distances_are_symmetric_and_from_0_to_1(make: Callable[..., Reading]) -> None:
    forth, back = (
        compare_readings(*pair)
        for pair in ((make(FIRST), make(SECOND)), (make(SECOND), make(FIRST)))
    )
    assert forth.heads is not None
    assert back.heads is not None
    assert np.array_equal(forth.heads.distances, back.heads.distances)
    assert np.array_equal(forth.heads.only_first, back.heads.only_second)
    assert forth.heads.distances.min() > 0
    assert forth.heads.distances.max() <= 1
    layer, head = forth.heads.most_changed[0]
    assert forth.heads.distances[layer, head] == forth.heads.distances.max()


def test_a_distance_is_the_mean_of_those_of_its_rows_by_scipy() -> None:
    first, second = read("good film was good"), read("bad film was not good")
    compared = compare_readings(first, second)
    assert compared.heads is not None
    # [CLS] good→bad film was +not good [SEP]: no word is cut, so rows and columns are tokens.
    ours = np.insert(first.attention.weights, 4, 0.0, axis=-1)
    theirs = np.delete(second.attention.weights, 4, axis=-2)
    expected = jensenshannon(ours, theirs, base=2, axis=-1).mean(-1)
    assert np.allclose(compared.heads.distances, expected, atol=1e-6)
    assert np.allclose(compared.heads.only_second, theirs[..., 4].mean(-1), atol=1e-6)
    assert np.allclose(compared.differences().weights, theirs - ours, atol=1e-6)
    assert (compared.heads.n_queries, compared.heads.n_left_out) == (6, 1)


def test_rows_of_words_replaced_by_several_are_means_and_their_columns_sums() -> None:
    first, second = read("very bad film"), read("good film")
    differences = compare_readings(first, second).differences()
    assert [span.label for span in differences.keys] == [
        "[CLS]",
        "very bad → good",
        "film",
        "[SEP]",
    ]
    weights = first.attention.weights
    rows = np.stack(
        [
            weights[..., 0, :],
            weights[..., 1:3, :].mean(-2),
            *np.moveaxis(weights[..., 3:, :], -2, 0),
        ],
        -2,
    )
    ours = np.stack([rows[..., 0], rows[..., 1:3].sum(-1), rows[..., 3], rows[..., 4]], -1)
    assert np.allclose(differences.weights, second.attention.weights - ours, atol=1e-6)
    assert np.allclose(differences.weights.sum(-1), 0, atol=1e-5)


def test_a_row_without_a_choice_is_not_compared() -> None:
    first, second = read_causal("good film"), read_causal("bad film")
    compared = compare_readings(first, second)
    assert compared.heads is not None
    ours, theirs = (each.attention.weights[..., 1:, :] for each in (first, second))
    expected = jensenshannon(ours, theirs, base=2, axis=-1).mean(-1)
    assert np.allclose(compared.heads.distances, expected, atol=1e-6)


def test_the_nearest_head_of_a_model_with_other_layers_is_its_counterpart() -> None:
    reading = read(FIRST, shape=(2, 3))
    order = [3, 1, 5, 0, 2, 4]
    weights = reading.attention.weights
    shuffled = weights.reshape(6, *weights.shape[2:])[order].reshape(3, 2, *weights.shape[2:])
    compared = compare_readings(reading, replace(reading, attention=Attention(shuffled)))
    assert compared.heads is not None
    assert compared.heads.matching == "nearest"
    assert compared.heads.distances.max() == 0
    places = compared.heads.counterparts @ [2, 1]
    assert [order[int(place)] for place in places.ravel()] == [*range(6)]
    assert not compared.differences().weights.any()
    other = replace(reading, attention=Attention(shuffled))
    refused = compare_readings(reading, other, matching="number").refused["heads"]
    assert refused.startswith("One model has 2 layers of 3 heads and the other 3 layers of 2 heads")


def test_a_network_without_maps_is_compared_without_heads() -> None:
    compared = compare_readings(read(FIRST), read_without_attention(SECOND))
    assert compared.heads is None
    assert "Fourier" in compared.refused["heads"]
    assert compared.classes is not None
    with pytest.raises(MissingAttentionError, match="Fourier"):
        compared.differences()


def test_one_head_of_a_difference_is_picked_and_one_that_is_not_there_refused() -> None:
    differences = compare_readings(read(FIRST), read(SECOND)).differences()
    assert np.array_equal(
        pick_difference(differences, 1, 2).weights, pick(differences, 1, 2).weights
    )
    assert pick_difference(differences, None, None).weights.shape[:2] == (1, 1)
    with pytest.raises(SelectionError, match="Head 3 does not exist"):
        pick_difference(differences, 0, 3)


@pytest.mark.parametrize(
    ("first", "second", "sentence", "changed"),
    [
        (
            predicted(("a", "b"), 2, 0),
            predicted(("a", "b"), 0, 1),
            "a (88.1%) becomes b (73.1%).",
            True,
        ),
        (
            predicted(("a", "b"), 2, 0),
            predicted(("B", "A"), 0, 1),
            "a in both: 88.1%, then 73.1%.",
            False,
        ),
        (
            predicted(("a", "b"), 2, 0),
            predicted(("x", "y"), 0, 1),
            "a (88.1%) in the first, y (73.1%) in the second.",
            True,
        ),
        (
            predicted(("a", "b"), 2, 1, multi_label=True),
            predicted(("a", "b"), 2, -1, multi_label=True),
            "a, b (each 73.1% or more) becomes a (88.1%).",
            True,
        ),
        (
            predicted(("stars",), 3, regression=True),
            predicted(("stars",), 4.5, regression=True),
            "stars goes from 3.00 to 4.50 (+1.50).",
            True,
        ),
        (
            predicted(("stars",), 3, regression=True),
            predicted(("stars",), 3, regression=True),
            "stars in both: 3.00.",
            False,
        ),
    ],
)  # fmt: skip
def test_what_became_of_the_class_is_one_sentence(
    first: Prediction, second: Prediction, sentence: str, changed: bool
) -> None:
    compared = compare_classes(first, second)
    assert (compared.sentence, compared.is_changed) == (sentence, changed)


def test_classes_that_differ_in_case_alone_are_two() -> None:
    compared = compare_classes(predicted(("Good", "good"), 1, 0), predicted(("Good", "good"), 0, 1))
    assert {change.label: change.assigned for change in compared.changes} == {
        "Good": (True, False),
        "good": (False, True),
    }
    assert compared.is_changed


def test_classes_are_matched_by_name() -> None:
    assert match_labels(("Good", "x"), ("y", "good")) == [(0, 1), (1, None), (None, 0)]
    compared = compare_classes(predicted(("Good", "x"), 1, 0), predicted(("y", "good"), 1, 0))
    assert [(c.label, c.first is None, c.second is None) for c in compared.changes] == [
        ("Good", False, False),
        ("y", True, False),
        ("x", False, True),
    ]
    assert compared.notes == ("Only the first model has x.", "Only the second model has y.")
    score = compare_classes(predicted(("stars",), 3, regression=True), predicted(("a", "b"), 1, 0))
    assert "can't be compared" in score.notes[0]


@pytest.mark.parametrize("method", [None, "decomposition-path"])
def test_word_changes_and_that_of_the_hidden_value_sum_to_that_of_the_scalar(
    classifier: Classifier, method: str | None
) -> None:
    compared = compare_texts(classifier, FIRST, SECOND, method=method)
    words = compared.words
    assert words is not None
    first, second = words.first.shares, words.second.shares
    assert first is not None
    assert second is not None
    total = sum(change.difference for change in words.changes) + second.hidden - first.hidden
    assert total == pytest.approx(words.second.value - words.first.value, abs=1e-4)
    lines = word_summary(words, compared.first.prediction).splitlines()
    assert [line.split(":")[0] for line in lines] == ["first", "second", "change"]
    rows = [[float(n.replace("−", "-")) for n in NUMBER.findall(line)] for line in lines]
    for hidden, added, value in rows:  # what is written adds up to the digit
        assert round(hidden + added, 2) == value
    for one, other, change in zip(*rows, strict=True):
        assert round(other - one, 2) == change


def test_raw_changes_and_that_of_the_bias_sum_to_that_of_the_scalar(
    classifier: Classifier,
) -> None:
    words = compare_texts(classifier, FIRST, SECOND).words
    assert words is not None
    assert words.method == "decomposition"
    assert words.bias_difference is not None
    total = sum(change.difference for change in words.raw_changes) + words.bias_difference
    assert total == pytest.approx(words.second.value - words.first.value, abs=1e-4)
    plain = tuple(replace(each, shares=None) for each in (words.first, words.second))
    alignment = align_words(*(read_text(each) for each in plain))
    raw = compare_words(alignment, *plain)
    assert raw.changes == raw.raw_changes == words.raw_changes
    assert "sum" in word_summary(raw, predicted(LABELS, 0, 0, 0, 0))


def test_the_other_way_around_the_strongest_word_is_the_same(classifier: Classifier) -> None:
    words = compare_texts(classifier, FIRST, SECOND).words
    assert words is not None
    back = compare_texts(classifier, SECOND, FIRST).words
    assert back is not None
    strongest, same = words.most_changed[0], back.most_changed[0]
    assert abs(strongest.difference) == pytest.approx(abs(same.difference), abs=1e-5)


def test_a_text_with_itself_has_the_same_words(classifier: Classifier) -> None:
    words = compare_texts(classifier, FIRST, FIRST).words
    assert words is not None
    assert not any(change.difference for change in words.changes)


def test_words_are_scored_for_the_class_that_is_named(classifier: Classifier) -> None:
    words = compare_texts(classifier, FIRST, SECOND, target="Sports", against="World").words
    assert words is not None
    for attribution in (words.first, words.second):
        assert (attribution.target_class, attribution.against_class) == (1, 0)
    with pytest.raises(SelectionError, match="no class 'Cooking'"):
        compare_texts(classifier, FIRST, SECOND, target="Cooking")


def test_scores_without_unit_and_shares_are_not_subtracted(classifier: Classifier) -> None:
    words = compare_texts(classifier, FIRST, SECOND, method="decomposition-path").words
    assert words is not None
    bare = replace(words.second, shares=None, notes=("No shares add up to that.",))
    alignment = align_words(read_text(words.first), read_text(bare))
    with pytest.raises(MethodError, match=r"No shares add up to that\. The scores of .* no unit"):
        compare_words(alignment, words.first, bare)


def test_shares_that_do_not_add_up_and_ways_of_hiding_that_differ_are_refused(
    classifier: Classifier,
) -> None:
    words = compare_texts(classifier, FIRST, SECOND).words
    assert words is not None
    strongest = max(words.changes, key=lambda change: abs(change.first or 0))
    kept = tuple(change for change in words.changes if change is not strongest)
    with pytest.raises(ValueError, match=r"hidden value and shares are .* away"):
        WordComparison(kept, words.first, words.second)
    assert words.second.shares is not None
    other = replace(words.second, shares=replace(words.second.shares, operator="delete"))
    alignment = align_words(read_text(words.first), read_text(other))
    with pytest.raises(SelectionError, match="hide them alike"):
        compare_words(alignment, words.first, other)


def test_words_of_both_are_deleted_where_one_checkpoint_has_no_mask_token(
    classifier: Classifier, tmp_path: Path
) -> None:
    bare = without_mask_token(tmp_path / "bare")
    words = compare_checkpoints(classifier, Classifier.load(bare), FIRST).words
    assert words is not None
    assert words.first.shares is not None
    assert words.second.shares is not None
    assert words.first.shares.operator == words.second.shares.operator == "delete"


def test_heads_of_two_checkpoints_go_by_number_only_where_both_come_from_one(
    classifier: Classifier, checkpoint: Path, tmp_path: Path
) -> None:
    other = Classifier.load(tiny_checkpoint(tmp_path / "other", seed=5))
    assert not is_related(classifier, other)
    compared = compare_checkpoints(classifier, other, FIRST)
    assert compared.heads is not None
    assert compared.heads.matching == "nearest"
    assert is_related(classifier, Classifier.load(checkpoint))
    again = compare_checkpoints(classifier, Classifier.load(checkpoint), FIRST)
    assert again.heads is not None
    assert again.heads.matching == "number"
    assert not again.heads.distances.any()


def test_checkpoints_with_other_classes_are_compared_without_words(
    classifier: Classifier, tmp_path: Path
) -> None:
    folder = tiny_checkpoint(tmp_path / "renamed")
    edit_config(folder, id2label={str(i): f"class {i}" for i in range(4)})
    compared = compare_checkpoints(classifier, Classifier.load(folder), FIRST)
    assert compared.words is None
    assert "no class in common" in compared.refused["words"]
    assert compared.heads is not None
    assert not compared.heads.distances.any()


def test_a_base_without_a_head_is_compared_by_where_it_looks_alone(
    classifier: Classifier, tmp_path: Path
) -> None:
    base = open_model(without_head(tiny_checkpoint(tmp_path / "base")))
    compared = compare_checkpoints(base, classifier, FIRST)
    assert (compared.classes, compared.words) == (None, None)
    assert compared.refused["classes"].startswith("'base' has no classification head")
    assert compared.heads is not None
    assert compared.heads.matching == "number"
    assert not compared.heads.distances.any()


def test_what_is_neither_a_classifier_nor_a_base_is_refused_as_a_classifier(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "model")
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"model"):
        open_model(folder)


def test_a_text_is_compared_with_itself_without_some_heads(classifier: Classifier) -> None:
    without = classifier.without([(0, 1), (1, 2)])
    compared = compare_checkpoints(classifier, without, FIRST)
    assert compared.heads is not None
    assert compared.words is not None
    assert compared.heads.matching == "number"
    assert not compared.heads.distances[0].any()  # the first layer looks as it did
    assert compared.heads.distances[2].all()
    assert compared.second.without == ((0, 1), (1, 2))
