"""An audit of rows that are too long for the model, each read in windows."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from finetune.checkpoint.windows import CUT_KEY, POOLING_KEY, STRIDE_KEY, Pooling, WindowSettings
from finetune.evaluation.evaluate import evaluate
from finetune.run.measurements import Metrics
from tests.shortcut_model import CUES, FILLERS
from tests.tiny_models import LABELS, edit_config, tiny_checkpoint
from viz import Classifier, predict
from viz.data.audit.record import load
from viz.data.audit.run import AuditRun, audit
from viz.data.counterfactuals.counterfactuals import RowCounterfactuals, find_counterfactuals
from viz.data.counterfactuals.decisions import Decision
from viz.data.counterfactuals.first_order_edits import FirstOrderEdits
from viz.data.counterfactuals.text_edits import EditableText
from viz.data.labels.label_errors import LabelErrors
from viz.data.options import AuditOptions
from viz.data.rows.audit_rows import open_rows, rows_from
from viz.data.shortcuts.shortcuts import Shortcuts
from viz.model.row_windows import row_encodings, row_logits

FEW = AuditOptions(max_explained=12, n_cells=1, n_counterfactuals=1)
VOCABULARY = ("oil", "stocks", "team", "game", "moon", "movie", "minister", "talks", "good", "bad")


def texts(count: int) -> list[str]:
    """Every other one too long for 64 tokens."""
    draw = np.random.default_rng(0)
    sizes = [100 if number % 2 else 12 for number in range(count)]
    return [" ".join(draw.choice(VOCABULARY, size)) for size in sizes]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tiny_checkpoint(tmp_path_factory.mktemp("documents") / "tiny")
    edit_config(path, **{STRIDE_KEY: 30, POOLING_KEY: "max", CUT_KEY: "sentences"})
    return path


@pytest.fixture(scope="module")
def classifier(folder: Path) -> Classifier:
    return Classifier.load(folder)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = [[text, LABELS[number % 4]] for number, text in enumerate(texts(24))]
        csv.writer(file).writerows([["text", "label"], *rows])
    return path


def test_an_audit_measures_what_evaluate_does_and_all_its_parts_read_whole_texts(
    folder: Path, classifier: Classifier, data: Path, tmp_path: Path
) -> None:
    rows = open_rows(data, classifier)
    result = audit(classifier, rows, options=FEW, folder=tmp_path)
    record = result.record
    report = evaluate(str(folder), str(data))
    assert isinstance(record.measures, Metrics)
    assert record.measures == report.metrics
    assert record.windows == WindowSettings(stride=30, pooling="max")
    assert set(result.table["unseen_tokens"]) == {0}
    assert list(result.table["windows"] > 1) == [False, True] * 12
    for name in ("label_errors", "shortcuts", "cells", "counterfactuals", "slices"):
        assert not hasattr(getattr(record, name), "missing"), name
    assert isinstance(record.shortcuts, Shortcuts)
    assert isinstance(record.label_errors, LabelErrors)
    assert all(error.words for error in record.label_errors.items)
    (tmp_path / "audit.json").write_text(record.to_json(), "utf-8")
    assert load(tmp_path / "audit.json") == record

    cut = AuditRun(classifier.with_windows(None), rows, FEW, folder=tmp_path)
    assert (cut.latest.record.windows, cut.work_folder) != (None, tmp_path / ".audit")
    older = json.loads(cut.latest.record.to_json())
    assert "windows" not in older, "as audits had none before"
    (tmp_path / "audit.json").write_text(json.dumps(older), "utf-8")
    assert load(tmp_path / "audit.json") == cut.latest.record


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_what_flips_a_document_is_the_word_that_decides_in_its_windows(
    shortcut: Classifier, pooling: Pooling
) -> None:
    size = shortcut.encoder.max_tokens - 2
    settings = WindowSettings(stride=size // 2, pooling=pooling, cut="tokens")
    reader, words = shortcut.with_windows(settings), list(FILLERS[:8]) * size
    words = words[: size + size // 2]
    words[size * 3 // 4] = CUES[0]  # where both windows overlap
    rows = rows_from([" ".join(words)], reader)
    predictions = predict(reader, rows.texts)
    assert (predictions.n_windows[0], predictions.predicted[0]) == (2, 0)
    result = find_counterfactuals(reader, rows, predictions, 0, vocabulary=[CUES[1]], max_sets=70)
    assert isinstance(result, RowCounterfactuals)
    (replaced,) = [item for item in result.items if item.kind == "replace"]
    assert [(edit.written, edit.replacement) for edit in replaced.edits] == [CUES]
    after = predict(reader, [replaced.text])
    assert (after.n_windows[0], after.predicted[0]) == (2, 1)
    assert replaced.probability == pytest.approx(after.probabilities[0, 1], abs=1e-5)
    assert not any("never saw" in note for note in result.notes)


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_the_estimate_of_an_edit_ranks_as_the_slope_of_pooled_logits_does(
    folder: Path, pooling: Pooling
) -> None:
    settings = WindowSettings(stride=30, pooling=pooling, cut="tokens")
    double = Classifier.load(folder, dtype=torch.float64).with_windows(settings)
    words = ["the"] * 90
    words[40] = "oil"  # in two windows
    row = row_encodings(double, " ".join(words), None)
    assert sum(any(token.text == "oil" for token in window.tokens) for window in row.windows) == 2
    decision, editable = Decision.of(double, row_logits(double, row)), EditableText(row.encoding)

    def value() -> float:
        margins = decision.margins(row_logits(double, row)[None])[0]
        return float(np.log(np.exp(margins).sum()))

    estimate = FirstOrderEdits.of(double, editable, decision, row=row, hidden=True)
    assert estimate is not None
    whole, (moon, oil) = value(), estimate.replacement_gains(40, ["moon", "oil"])
    assert oil == pytest.approx(whole)
    embeddings = double.model.get_input_embeddings().weight
    old, new = (double.tokenizer.convert_tokens_to_ids(word) for word in ("oil", "moon"))
    with torch.no_grad():
        embeddings[old] += 1e-5 * (embeddings[new] - embeddings[old])
    assert moon == pytest.approx(whole + (value() - whole) / 1e-5, rel=1e-3)
