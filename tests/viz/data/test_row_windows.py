"""Rows of files that are too long for a model, read in windows whose logits are pooled."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from finetune.checkpoint.models import load_checkpoint
from finetune.checkpoint.windows import CUT_KEY, POOLING_KEY, STRIDE_KEY, WindowSettings
from finetune.data.tables.reader import read_table
from finetune.data.tables.stream import open_stream
from finetune.evaluation.evaluate import predict_logits
from tests.tiny_models import edit_config, tiny_checkpoint
from viz import Classifier, predict
from viz.attention.words import merge, spans
from viz.data.prediction import run as prediction_run
from viz.data.prediction.run import PredictionRun
from viz.data.rows.audit_rows import rows_from
from viz.data.rows.word_contributions import state_contributions, word_contributions
from viz.documents.attribute_document import attribute_document
from viz.documents.read_document import read_document
from viz.errors import SelectionError
from viz.model import row_windows
from viz.model.row_windows import row_encodings, row_logits

POOLINGS = ("mean", "max", "first")
LONG = "Oil prices rise as stocks fall. The team wins the game! Peace talks. " * 9
TEXTS = [
    "oil prices rise", LONG, "the team wins", "", LONG[20:], "stocks " * 70,
    "good movie " * 40 + "was not very good.", "space probe",
]  # fmt: skip
LONG_ROWS = (1, 4, 5, 6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("windows") / "tiny")


@pytest.fixture(scope="module")
def plain(folder: Path) -> Classifier:
    return Classifier.load(folder)


@pytest.fixture(params=POOLINGS)
def classifier(plain: Classifier, request: pytest.FixtureRequest) -> Classifier:
    return plain.with_windows(WindowSettings(stride=20, pooling=request.param))


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cut", ["sentences", "tokens"])
def test_a_checkpoint_of_windows_predicts_what_evaluate_measures(
    tmp_path: Path, pooling: str, cut: str
) -> None:
    own = tiny_checkpoint(tmp_path / "own")
    edit_config(own, **{STRIDE_KEY: 25, POOLING_KEY: pooling, CUT_KEY: cut})
    texts = [text for text in TEXTS if text]
    expected = predict_logits(
        load_checkpoint(str(own)), [(text, None) for text in texts], batch_size=3, max_length=64
    )
    rows = predict(Classifier.load(own), texts)
    np.testing.assert_allclose(rows.logits, expected, atol=1e-5)
    assert not (rows.n_unseen[rows.n_windows > 1]).any()
    assert (rows.n_windows > 1).sum() == (0 if pooling == "first" else len(LONG_ROWS))


def test_without_windows_nothing_is_other_than_ever(plain: Classifier) -> None:
    cut, off = predict(plain, TEXTS, states=True), plain.with_windows(None)
    again = predict(plain.with_windows(WindowSettings(stride=9)).with_windows(None), TEXTS)
    assert off.encoder == plain.encoder
    assert again.logits.tobytes() == cut.logits.tobytes()
    assert set(cut.n_windows) == {0, 1}
    for number, text in enumerate(TEXTS):
        if text:
            encoding = plain.encode(text)
            assert cut.n_unseen[number] == encoding.n_unseen
            assert cut.n_tokens[number] == encoding.n_tokens <= 64


def test_rows_are_the_documents_of_their_texts(classifier: Classifier) -> None:
    rows = predict(classifier, TEXTS, states=True)
    assert rows.states is not None
    for number, text in enumerate(TEXTS):
        if not text:
            assert (rows.n_windows[number], rows.read[number]) == (0, False)
            continue
        document = read_document(classifier, text)
        np.testing.assert_allclose(rows.logits[number], document.prediction.logits, atol=1e-5)
        assert rows.n_windows[number] == len(document.windows)
        assert rows.n_unseen[number] == document.n_unseen
        assert rows.n_tokens[number] == document.encoding.n_tokens - document.n_unseen
        alone = row_logits(classifier, row_encodings(classifier, text, None))
        np.testing.assert_allclose(rows.logits[number], alone, atol=1e-5)


def test_windows_can_be_smaller_than_what_the_model_reads(plain: Classifier) -> None:
    classifier = plain.with_windows(WindowSettings(stride=5, size=12))
    text = "the team wins the game " * 5
    rows = predict(classifier, [text])
    document = read_document(plain, text, stride=5, size=12)
    assert rows.n_windows[0] == len(document.windows) > 2
    np.testing.assert_allclose(rows.logits[0], document.prediction.logits, atol=1e-5)


def test_short_rows_beside_long_ones_are_as_they_are_alone(
    plain: Classifier, classifier: Classifier
) -> None:
    short = [number for number, text in enumerate(TEXTS) if text and number not in LONG_ROWS]
    rows = predict(classifier, TEXTS)
    alone = predict(plain, [TEXTS[number] for number in short])
    np.testing.assert_allclose(rows.logits[short], alone.logits, atol=1e-6)


def test_however_many_long_texts_are_held_at_once(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, counts = predict(classifier, TEXTS, states=True), list[float]()
    monkeypatch.setattr(row_windows, "MAX_CHARACTERS", 700)
    parts = predict(classifier, TEXTS, states=True, progress=counts.append)
    assert sum(counts) == len(TEXTS) - 1, "each text counts once, however many windows it has"
    assert whole.states is not None
    assert parts.states is not None
    np.testing.assert_allclose(parts.logits, whole.logits, atol=1e-5)
    np.testing.assert_allclose(parts.states, whole.states, atol=1e-5)
    for name in ("read", "n_tokens", "n_unseen", "n_windows"):
        assert (getattr(parts, name) == getattr(whole, name)).all()
    assert not len(predict(classifier, []).logits)


def test_words_of_all_windows_add_up_to_the_pooled_contrast(classifier: Classifier) -> None:
    rows, indices = rows_from(TEXTS, classifier), [number for number in range(8) if number != 3]
    predictions = predict(classifier, TEXTS, states=True)
    draw = np.random.default_rng(0)
    contrasts = draw.normal(size=(len(indices), classifier.n_classes))
    parts = word_contributions(classifier, rows, indices, contrasts, heads=True)
    np.testing.assert_allclose(
        parts.values, (predictions.logits[indices] * contrasts).sum(axis=1), atol=1e-4
    )
    sums = [scores.sum() for scores in parts.scores] + parts.special + parts.bias
    np.testing.assert_allclose(sums, parts.values, atol=1e-6)
    assert parts.heads is not None
    assert parts.heads.shape == (len(indices), 3, 4)
    assert predictions.states is not None
    directions = draw.normal(size=(len(indices), predictions.states.shape[1]))
    states = state_contributions(classifier, rows, indices, directions)
    expected = (predictions.states[indices] * directions).sum(axis=1)
    np.testing.assert_allclose(states.values, expected, atol=1e-4)


def test_words_are_those_of_the_document(classifier: Classifier) -> None:
    contrasts = np.array([[-1.0, 1, 0, 0]])
    parts = word_contributions(classifier, rows_from(TEXTS, classifier), [4], contrasts)
    document = read_document(classifier, TEXTS[4])
    alone = attribute_document(classifier, document, "decomposition", 1, 0)
    words = [span for span in spans(document.encoding) if not span.special]
    n_seen = len(parts.words[0])
    assert parts.words[0] == tuple(word.label for word in words[:n_seen])
    assert (n_seen < len(words)) == (document.pooling == "first")
    scores = merge(alone.scores, words, np.float64)
    np.testing.assert_allclose(parts.scores[0], scores[:n_seen], atol=1e-6)
    assert not scores[n_seen:].any()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text"], *([text] for text in (*TEXTS, *TEXTS[::-1]))])
    return path


def predicted(classifier: Classifier, data: Path, output: Path, **options: Any) -> bytes:
    n_threads, stop = options.pop("n_threads", 1), options.pop("stop", None)
    with open_stream(data) as source:
        run = PredictionRun(classifier, source, output, **options)
        run.predict(run.blocks_left()[:stop], run.choose_precision(), n_threads=n_threads)
        if stop is not None:
            return b""
        run.finish()
    return output.read_bytes()


def test_a_file_is_the_same_whatever_reads_it_and_however_often_it_is_stopped(
    plain: Classifier, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_run, "CPU_BLOCK_ROWS", 8)
    classifier = plain.with_windows(WindowSettings(stride=20))
    whole = predicted(classifier, data, tmp_path / "whole.csv")
    assert predicted(classifier, data, tmp_path / "threads.csv", n_threads=3) == whole
    parts = tmp_path / "parts.csv"
    predicted(classifier, data, parts, stop=1)
    for other in (plain, plain.with_windows(WindowSettings(stride=20, pooling="max"))):
        with pytest.raises(SelectionError, match="with other settings"):
            predicted(other, data, parts)
    assert predicted(classifier, data, parts) == whole
    table = read_table(tmp_path / "whole.csv")
    rows = predict(classifier, [*TEXTS, *TEXTS[::-1]])
    assert table["windows"] == [str(n) if n else "" for n in rows.n_windows.tolist()]
    assert set(table["unseen_tokens"]) == {"0", ""}
    assert "windows" not in read_table(_written(plain, data, tmp_path)).column_names


def _written(classifier: Classifier, data: Path, folder: Path) -> Path:
    predicted(classifier, data, folder / "cut.csv")
    return folder / "cut.csv"


def test_pairs_have_no_windows(plain: Classifier, tmp_path: Path) -> None:
    classifier = plain.with_windows(WindowSettings(stride=20))
    rows = predict(classifier, [LONG], ["oil"])
    assert (rows.n_windows[0], rows.n_unseen[0] > 0) == (1, True)
    pairs = tmp_path / "pairs.csv"
    pairs.write_text(f"text,text_pair\n{LONG},oil\n", "utf-8")
    predicted(classifier, pairs, tmp_path / "out.csv")
    assert "windows" not in read_table(tmp_path / "out.csv").column_names
    with pytest.raises(SelectionError, match="column 'text_pair' holds second texts"):
        predicted(classifier, pairs, tmp_path / "other.csv", single_texts=True)
    assert not (tmp_path / "other.csv").exists()
