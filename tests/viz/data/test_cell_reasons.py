"""Reasons of a cell: exact sums over its rows, and what the heads named do to other rows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from finetune.run.column_names import ColumnNames
from tests.tiny_models import tiny_checkpoint, tiny_config, tokenizer
from viz import Classifier, attribute, contribution
from viz.attention.words import spans
from viz.data.missing import Missing
from viz.data.options import AuditOptions
from viz.data.reasons import cell_reasons as module
from viz.data.reasons.cell_reasons import CellReasons, explain_cell
from viz.data.reasons.silenced_heads import SilencedHeads, strongest_heads
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.row_predictions import RowPredictions, predict
from viz.errors import SelectionError
from viz.model.grouping import word_key
from viz.model.head_gates import HeadGates, open_gates

WORDS = ("Oil", "oil", "prices", "rise", "stocks", "fall", "the", "team", "wins", "not", ",")


def random_rows(classifier: Classifier, n_rows: int = 60) -> tuple[AuditRows, RowPredictions]:
    """Texts whose true classes are drawn, so that every cell has rows; one can't be read."""
    draw = np.random.default_rng(0)
    texts = ["", *(" ".join(draw.choice(WORDS, draw.integers(2, 9))) for _ in range(n_rows))]
    predictions = predict(classifier, texts)
    gold = draw.integers(classifier.n_classes, size=len(texts))
    gold[5] = -1
    rows = AuditRows(
        name="rows.csv",
        fingerprint="",
        columns=ColumnNames(text="text", pair=None, label="label"),
        texts=tuple(texts),
        pairs=None,
        gold=gold,
        table={},
        places=range(len(texts)),
    )
    return rows, predictions


@pytest.fixture(scope="module")
def balanced(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    folder = tmp_path_factory.mktemp("balanced")
    classifier = Classifier.load(tiny_checkpoint(folder, labels=("no", "yes", "perhaps"), seed=3))
    head = classifier.model.get_submodule("classifier")
    with torch.no_grad():
        bias = torch.tensor(random_rows(classifier)[1].logits[1:].mean(0))
        head.get_parameter("bias").sub_(bias)
    return classifier


def cell_of(rows: AuditRows, predictions: RowPredictions, gold: int, predicted: int) -> list[int]:
    return [
        row
        for row in range(len(rows))
        if predictions.read[row] and rows.gold[row] == gold  # type: ignore[index]
        and predictions.logits[row].argmax() == predicted
    ]  # fmt: skip


def test_words_and_heads_add_up_as_they_do_text_by_text(balanced: Classifier) -> None:
    rows, predictions = random_rows(balanced)
    cell = cell_of(rows, predictions, 0, 1)
    passes: list[float] = []
    reasons = explain_cell(balanced, rows, predictions, 0, 1, AuditOptions(), passes.append)
    assert isinstance(reasons, CellReasons)
    assert (reasons.gold, reasons.predicted, reasons.against) == ("no", "yes", None)
    assert reasons.n_rows == reasons.n_explained == len(cell) > 4
    expected: dict[str, float] = {}
    having: dict[str, set[int]] = {}
    special, bias, difference, heads = 0.0, 0.0, 0.0, 0.0
    for row in cell:
        reading = balanced.read(rows.texts[row])
        parts = attribute(balanced, reading, target_class=1, against=0)
        for span in spans(reading.encoding):
            score = float(parts.scores[list(span.tokens)].sum()) / len(cell)
            if span.special:
                special += score
            else:
                key = word_key(span.label)
                expected[key] = expected.get(key, 0.0) + score
                having.setdefault(key, set()).add(row)
        bias += (parts.bias or 0.0) / len(cell)
        difference += parts.value / len(cell)
        heads = heads + contribution(balanced, reading, 1, 0).values.sum((2, 3)) / len(cell)
    assert {each.word for each in reasons.words} == set(expected)
    for each in reasons.words:
        assert each.share == pytest.approx(expected[each.word], abs=1e-4)
        assert each.n_rows == len(having[each.word])
        assert each.contribution.mean * each.n_rows == pytest.approx(each.share * len(cell))
        interval = each.contribution.interval
        assert (interval is None) == (each.n_rows == 1)
        assert interval is None or interval[0] <= interval[1]
    assert reasons.special == pytest.approx(special, abs=1e-4)
    assert reasons.bias == pytest.approx(bias, abs=1e-4)
    assert reasons.difference == pytest.approx(difference, abs=1e-4)
    total = sum(each.share for each in reasons.words) + reasons.special + reasons.bias
    assert total == pytest.approx(reasons.difference, abs=1e-9)
    sizes = [abs(each.share) for each in reasons.words]
    assert sizes == sorted(sizes, reverse=True)
    assert not isinstance(reasons.heads, Missing)
    for head in reasons.heads:
        expected_head = np.asarray(heads)[head.layer, head.head]
        assert head.contribution.mean == pytest.approx(expected_head, abs=1e-4)
    assert isinstance(reasons.silenced, SilencedHeads)
    others = reasons.silenced.n_gold + reasons.silenced.n_predicted
    assert sum(passes) == 3 * len(cell) + len(cell) + others


def test_other_rows_are_read_without_the_strongest_heads(balanced: Classifier) -> None:
    rows, predictions = random_rows(balanced)
    assert isinstance(rows.gold, np.ndarray)
    reasons = explain_cell(balanced, rows, predictions, 0, 1, AuditOptions())
    assert isinstance(reasons, CellReasons)
    assert isinstance(reasons.silenced, SilencedHeads)
    silenced = reasons.silenced
    assert not isinstance(reasons.heads, Missing)
    assert silenced.heads == ((reasons.heads[0].layer, reasons.heads[0].head),)
    gates = open_gates(balanced, 1)
    for layer, head in silenced.heads:
        gates[0, layer, head] = 0

    def after(row: int) -> int:
        with torch.inference_mode():
            logits = balanced.forward(balanced.encode(rows.texts[row]), HeadGates(gates))
        return int(logits.argmax())

    cell = cell_of(rows, predictions, 0, 1)
    of_gold = cell_of(rows, predictions, 0, 0) + cell_of(rows, predictions, 0, 2)
    of_predicted = [row for index in range(3) for row in cell_of(rows, predictions, 1, index)]
    assert silenced.right_before == 0
    assert silenced.right_after == pytest.approx(np.mean([after(row) == 0 for row in cell]))
    assert silenced.n_gold == len(of_gold)
    assert silenced.n_predicted == len(of_predicted)
    for group, index, before, now in (
        (of_gold, 0, silenced.gold_accuracy_before, silenced.gold_accuracy_after),
        (of_predicted, 1, silenced.predicted_accuracy_before, silenced.predicted_accuracy_after),
    ):
        assert before == pytest.approx((predictions.predicted[group] == index).mean())
        assert now == pytest.approx(np.mean([after(row) == index for row in group]))
    for kind in (rows.gold == 0) & (predictions.predicted != 1), rows.gold == 1:
        alone = replace(rows, gold=np.where(kind, -1, rows.gold))
        without = explain_cell(balanced, alone, predictions, 0, 1, AuditOptions())
        assert isinstance(without, CellReasons)
        assert isinstance(without.silenced, Missing)
        assert "no other row of the class" in without.silenced.missing


def test_the_fewest_heads_that_add_up_to_the_difference() -> None:
    contributions = np.zeros((6, 10))
    contributions[2, 3], contributions[0, 1], contributions[5, 9] = 2.0, 1.5, 1.0
    assert strongest_heads(contributions, 1.0) == ((2, 3),)
    assert strongest_heads(contributions, 3.0) == ((2, 3), (0, 1))
    assert strongest_heads(contributions, 9.0) == ((2, 3), (0, 1), (5, 9))
    assert strongest_heads(-contributions - 1, 9.0) == ()
    assert len(strongest_heads(contributions + 1, 99.0)) == 5
    assert len(strongest_heads(contributions[:3, :4] + 1, 99.0)) == 1


def test_rows_that_are_right_are_contrasted_with_the_usual_second(balanced: Classifier) -> None:
    rows, predictions = random_rows(balanced)
    reasons = explain_cell(balanced, rows, predictions, 2, 2, AuditOptions())
    cell = cell_of(rows, predictions, 2, 2)
    logits = predictions.logits[cell]
    second = int((logits[:, 1] > logits[:, 0]).sum() * 2 > len(cell))
    assert isinstance(reasons, CellReasons)
    assert reasons.against == balanced.labels[second]
    assert reasons.difference == pytest.approx((logits[:, 2] - logits[:, second]).mean(), abs=1e-4)
    assert isinstance(reasons.silenced, Missing)


def test_of_many_rows_a_sample_is_taken_apart(balanced: Classifier) -> None:
    rows, predictions = random_rows(balanced)
    options = AuditOptions(max_explained=4, seed=1)
    reasons = explain_cell(balanced, rows, predictions, 0, 1, options)
    assert isinstance(reasons, CellReasons)
    assert reasons.n_explained == 4 < reasons.n_rows
    assert reasons == explain_cell(balanced, rows, predictions, 0, 1, options)
    other = explain_cell(balanced, rows, predictions, 0, 1, replace(options, seed=2))
    assert isinstance(other, CellReasons)
    assert other.difference != reasons.difference


def test_a_mean_of_one_row_has_no_interval(balanced: Classifier) -> None:
    rows, predictions = random_rows(balanced)
    reasons = explain_cell(balanced, rows, predictions, 0, 1, AuditOptions(max_explained=1))
    assert isinstance(reasons, CellReasons)
    assert not isinstance(reasons.heads, Missing)
    means = [word.contribution for word in reasons.words]
    means += [head.contribution for head in reasons.heads]
    assert {(each.low, each.high) for each in means} == {(None, None)}
    kind = TypeAdapter(CellReasons)  # what audit.json and the cache take
    assert kind.validate_json(kind.dump_json(reasons), strict=True) == reasons


def test_intervals_cover_the_mean_of_words_as_often_as_they_say() -> None:
    generator = np.random.default_rng(0)
    intervals = [
        mean.interval
        for _ in range(4)
        for mean in module._row_means(generator.normal(1, 1, (40, 50)), 0)
    ]
    covered = np.mean([each is not None and each[0] <= 1 <= each[1] for each in intervals])
    assert 0.88 <= covered <= 0.98


def test_what_has_no_reasons_says_why(
    balanced: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, predictions = random_rows(balanced)
    options = AuditOptions()

    def sentence(given: AuditRows = rows, gold: int = 0, predicted: int = 1) -> str:
        result = explain_cell(balanced, given, predictions, gold, predicted, options)
        assert isinstance(result, Missing)
        return result.missing

    assert "no labels" in sentence(replace(rows, gold=None))
    nobody = replace(rows, gold=np.full(len(rows), 2))
    assert sentence(nobody) == "No row of the class 'no' is put into 'yes'."
    with pytest.raises(SelectionError, match="Class 3 does not exist"):
        explain_cell(balanced, rows, predictions, 0, 3, options)
    other = replace(predictions, logits=np.roll(predictions.logits, 1, axis=0))
    with pytest.raises(SelectionError, match="not those of this classifier"):
        explain_cell(balanced, rows, other, 0, 1, options)
    multi = Classifier.load(
        tiny_checkpoint(tmp_path / "multi", problem_type="multi_label_classification")
    )
    result = explain_cell(multi, rows, predictions, 0, 1, options)
    assert isinstance(result, Missing)
    assert "multi-label" in result.missing
    score = Classifier.load(tiny_checkpoint(tmp_path / "score", labels=("score",)))
    result = explain_cell(score, rows, predictions, 0, 1, options)
    assert isinstance(result, Missing)
    assert "regression" in result.missing
    monkeypatch.setattr(module, "TOLERANCE", -1.0)
    assert "does not add up" in sentence()


@pytest.mark.usefixtures("_no_pass_adds_up")
def test_a_network_that_can_not_be_split_is_refused(balanced: Classifier) -> None:
    rows, predictions = random_rows(balanced)
    result = explain_cell(balanced, rows, predictions, 0, 1, AuditOptions())
    assert isinstance(result, Missing)
    assert "does not add up" in result.missing


def test_a_network_without_attention_has_words_and_no_heads(tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    torch.manual_seed(0)
    AutoModelForSequenceClassification.from_config(tiny_config("fnet")).save_pretrained(tmp_path)
    words = tokenizer("bert")
    words.model_input_names = ["input_ids"]
    words.save_pretrained(tmp_path)
    classifier = Classifier.load(tmp_path)
    rows, predictions = random_rows(classifier, 20)
    rows = replace(rows, gold=1 - predictions.predicted)
    gold = 1 - int(predictions.predicted[1])
    result = explain_cell(classifier, rows, predictions, gold, 1 - gold, AuditOptions())
    assert isinstance(result, CellReasons)
    assert result.words
    assert result.heads == result.silenced == Missing(missing=classifier.capabilities.no_attention)
