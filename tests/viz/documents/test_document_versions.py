"""Documents with words hidden in the whole text: pooled logits, metrics, and scores of a file."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from finetune.checkpoint.windows import Cut, Pooling, WindowSettings
from tests.tiny_models import tiny_checkpoint
from viz import Classifier
from viz.documents import document_versions
from viz.documents.document import Document
from viz.documents.document_versions import DocumentVersions
from viz.documents.read_document import read_document
from viz.faithfulness import score_row
from viz.faithfulness.compare import compare, compare_document
from viz.faithfulness.record import load
from viz.faithfulness.score import ScoreRun
from viz.faithfulness.score_row import TOO_LONG, ScoreConfig
from viz.faithfulness.summary import summarize
from viz.model.perturbation import Operator
from viz.model.text_files import open_texts

SENTENCES = ("Oil prices rise as stocks fall .", "The team wins the game !", "Peace talks fall .")
TEXT = " ".join(SENTENCES[index % 3] for index in range(18))
METHODS = ("decomposition", "search", "random:seed=4")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return Classifier.load(tiny_checkpoint(tmp_path_factory.mktemp("documents") / "tiny"))


def windowed(plain: Classifier, pooling: Pooling = "mean", cut: Cut = "tokens") -> Classifier:
    return plain.with_windows(WindowSettings(stride=25, pooling=pooling, cut=cut))


def read(classifier: Classifier, text: str = TEXT) -> Document:
    return read_document(classifier, text)


@pytest.mark.parametrize("pooling", ["mean", "max", "first"])
@pytest.mark.parametrize("operator", ["mask", "delete"])
def test_a_version_is_the_text_that_it_stands_for(
    plain: Classifier, pooling: Pooling, operator: Operator
) -> None:
    """Words hidden in the text by hand, and all of it read as a document."""
    classifier = windowed(plain, pooling)
    versions = DocumentVersions(classifier, read(classifier))
    written = TEXT.split()
    assert [word.label for word in versions.words] == written
    keep = np.random.default_rng(0).random((4, len(written))) < [[0.97], [0.9], [0.6], [0.2]]
    keep = np.array([*keep, np.zeros(len(written), bool), np.ones(len(written), bool)])
    logits = versions.logits(keep, operator)
    for row, own in zip(keep[:4], logits, strict=False):
        hidden = "[MASK]" if operator == "mask" else ""
        text = " ".join(word if kept else hidden for word, kept in zip(written, row, strict=True))
        expected = read(classifier, text).prediction.logits
        np.testing.assert_allclose(own, expected, atol=1e-5)
    np.testing.assert_allclose(logits[5], read(classifier).prediction.logits, atol=1e-6)
    if operator == "delete":
        empty = plain.tokenizer("")["input_ids"]
        inputs = {
            "input_ids": np.array(empty),
            "attention_mask": np.ones(2, int),
            "token_type_ids": np.zeros(2, int),
        }
        np.testing.assert_allclose(logits[4], plain.logits([inputs])[0], atol=1e-5)


def test_a_window_in_which_nothing_is_hidden_is_not_read_again(plain: Classifier) -> None:
    classifier, counts = windowed(plain), list[float]()
    document = read(classifier)
    versions = DocumentVersions(classifier, document, counts.append)
    keep = np.ones((2, versions.n_words), bool)
    keep[1, 0] = False
    versions.logits(keep, "mask")
    assert len(document.windows) > 2
    assert sum(counts) == 1, "the first word is in the first window alone"
    versions.reporting_to(counts.append).logits(keep, "mask")
    assert sum(counts) == 1


def test_sentences_are_hidden_where_there_are_many_words(
    plain: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = windowed(plain)
    document = read(classifier)
    assert not DocumentVersions(classifier, document).by_sentence
    monkeypatch.setattr(document_versions, "MAX_WORDS", 20)
    versions = DocumentVersions(classifier, document)
    assert versions.by_sentence
    assert [unit.label for unit in versions.words] == [SENTENCES[i % 3] for i in range(18)]
    scores = np.random.default_rng(0).normal(size=document.encoding.n_tokens)
    assert versions.to_words(scores).sum() == pytest.approx(scores[1:-1].sum())


def test_a_document_of_one_window_is_measured_as_its_reading(plain: Classifier) -> None:
    text = "oil prices rise as stocks fall, the team wins"
    one, methods = read(plain, text), METHODS[:1]
    document = compare_document(plain, one, methods, n_random=3)
    reading = compare(plain, plain.read(text), methods, n_random=3)
    for own, expected in zip(document.rows, reading.rows, strict=True):
        assert own.scores is not None
        assert expected.scores is not None
        np.testing.assert_allclose(own.scores, expected.scores, atol=1e-5)
        assert own.measures.keys() == expected.measures.keys()
        for operator, values in expected.measures.items():
            assert own.measures[operator] == pytest.approx(values, abs=1e-5)
    assert document.random["delete"][0] == pytest.approx(reading.random["delete"][0], abs=1e-5)


def test_long_rows_of_a_file_are_scored_as_a_whole(
    plain: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_row, "MAX_WINDOWS", 4)
    monkeypatch.setattr(document_versions, "MAX_WORDS", 90)
    data = tmp_path / "texts.csv"
    texts = ["oil prices rise as stocks fall", TEXT, TEXT[:400], TEXT * 2]
    with data.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text"], *([text] for text in texts)])
    classifier, rows = windowed(plain, cut="sentences"), open_texts(data)
    config = ScoreConfig(METHODS, n_random=2)
    run = ScoreRun(classifier, rows, config, tmp_path / "partial")
    assert sorted(run.score(run.rows_left())) == [0, 1, 2, 3]
    assert run.rows_left() == []
    cut = ScoreRun(plain, rows, config, tmp_path / "partial")
    assert len(cut.rows_left()) == 4, "rows that are cut are others"
    results = run.results()
    assert [result.get("windows") for result in results] == [1, 3, 3, None]
    assert [result.get("by_sentence") for result in results] == [False, True, False, None]
    for result in results[1:3]:
        assert "refused" in result["methods"]["search"]
        assert "refused" not in result["methods"]["decomposition"]
    record = summarize(classifier, rows, config, results)
    assert record.skipped[TOO_LONG] == 1
    assert record.documents is not None
    assert (record.documents.n_texts, record.documents.n_by_sentence) == (2, 1)
    assert record.documents.windows == classifier.encoder.window_settings
    (tmp_path / "faithfulness.json").write_text(record.to_json(), "utf-8")
    assert load(tmp_path / "faithfulness.json") == record
    assert "documents" not in replace(record, documents=None).to_json()
