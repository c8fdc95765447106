"""Shortcuts: a planted word is flagged with its class, and one that means nothing isn't."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from transformers import BertConfig

from tests.shortcut_model import PLANTED, TOPICS, planted_checkpoint, planted_texts
from tests.tiny_models import tiny_checkpoint
from viz import Classifier
from viz.attribution.method import no_progress
from viz.data.missing import Missing
from viz.data.options import AuditOptions
from viz.data.rows.audit_rows import rows_from
from viz.data.rows.row_predictions import predict
from viz.data.rows.word_contributions import PASSES_PER_ROW
from viz.data.shortcuts.shortcuts import MIN_ROWS, Shortcuts, find_shortcuts
from viz.model.grouping import word_key
from viz.model.linearized import LinearizedFunctions

N = 160


def shortcuts_of(
    classifier: Classifier,
    texts: list[str],
    pairs: list[str] | None = None,
    max_explained: int = 2_000,
) -> Shortcuts | Missing:
    records = [{"text": text} for text in texts]
    if pairs is not None:
        records = [
            {"text": text, "text_pair": pair} for text, pair in zip(texts, pairs, strict=True)
        ]
    rows = rows_from(records, classifier)
    predictions = predict(classifier, rows.texts, rows.pairs)
    return find_shortcuts(
        classifier, rows, predictions, AuditOptions(max_explained=max_explained), no_progress
    )


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planted_checkpoint(tmp_path_factory.mktemp("planted") / "planted", shuffled=False)


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_planted_word_is_flagged_unless_it_is_shuffled(
    planted: Path, tmp_path: Path, shuffled: bool
) -> None:
    folder = planted_checkpoint(tmp_path / "shuffled", shuffled=True) if shuffled else planted
    classifier = Classifier.load(folder)
    texts = [each.text for each in planted_texts(N, seed=5, shuffled=shuffled)]
    rows = rows_from(texts, classifier)
    predictions = predict(classifier, rows.texts)
    passes: list[float] = []
    shortcuts = find_shortcuts(classifier, rows, predictions, AuditOptions(), passes.append)
    assert isinstance(shortcuts, Shortcuts)
    assert shortcuts.n_explained == N
    flagged = [(item.word, item.label) for item in shortcuts.items if item.flagged]
    assert flagged == ([] if shuffled else [(PLANTED, TOPICS[1])])
    words = [text.casefold().split() for text in texts]
    for item in shortcuts.items:
        inside = predictions.predicted == classifier.labels.index(item.label)
        assert item.n_rows == sum(item.word in words[row] for row in np.flatnonzero(inside))
    edits = sum(item.n_removal + item.n_insertion for item in shortcuts.items)
    assert sum(passes) >= N * PASSES_PER_ROW + edits
    if shuffled:
        return
    first = shortcuts.items[0]
    has = np.array([PLANTED in text.split() for text in texts])
    assert first.n_rows == has.sum()
    # The word is all that this classifier looks at.
    assert first.removal_flips.mean == first.insertion_flips.mean == 1
    assert first.n_removal == 50
    chance = predictions.probabilities[:, 1]
    assert first.removal.mean == pytest.approx(chance[has].mean() - chance[~has].mean(), abs=0.05)
    assert first.insertion.mean == pytest.approx(first.removal.mean, abs=0.05)
    assert first.contribution.low > 1
    assert first.similar_share == pytest.approx(0, abs=0.1)
    assert PLANTED not in first.similar


def test_a_planted_word_that_ends_in_a_mark_is_flagged(planted: Path) -> None:
    marked = f"{PLANTED}\u0301"  # which BERT reads as the planted word
    texts = [each.text for each in planted_texts(N, seed=5, shuffled=False)]
    shortcuts = shortcuts_of(
        Classifier.load(planted), [text.replace(PLANTED, marked) for text in texts]
    )
    assert isinstance(shortcuts, Shortcuts)
    flagged = [(item.word, item.label) for item in shortcuts.items if item.flagged]
    assert flagged == [(word_key(marked), TOPICS[1])]


def test_words_that_no_row_lacks_are_counted(planted: Path) -> None:
    classifier = Classifier.load(planted)
    texts = [each.text for each in planted_texts(60, seed=5, shuffled=False)]
    counts = []
    for own in (texts, [f"{text} team" for text in texts]):
        shortcuts = shortcuts_of(classifier, own)
        assert isinstance(shortcuts, Shortcuts)
        assert ("team" in [item.word for item in shortcuts.items]) == (own is texts)
        (note,) = shortcuts.notes
        assert "add much to a class and could not be tested: fewer than 10 rows are left" in note
        counts.append(int(note.split()[0]))
    assert counts[1] == counts[0] + 1


def test_the_same_seed_gives_the_same_numbers(classifier: Classifier) -> None:
    texts = [each.text for each in planted_texts(60, seed=5, shuffled=True)]
    first = shortcuts_of(classifier, texts, max_explained=40)
    assert isinstance(first, Shortcuts)
    assert first.n_explained == 40
    assert shortcuts_of(classifier, texts, max_explained=40) == first


def test_pairs_and_blank_texts_are_read(classifier: Classifier) -> None:
    texts = [each.text for each in planted_texts(40, seed=5, shuffled=True)]
    shortcuts = shortcuts_of(classifier, [*texts, ""], [*reversed(texts), ""])
    assert isinstance(shortcuts, Shortcuts)
    assert shortcuts.n_explained == 40
    assert all(item.n_removal >= MIN_ROWS <= item.n_insertion for item in shortcuts.items)


def test_every_class_of_a_multi_label_head_is_a_question_of_its_own(
    planted: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(planted, tmp_path / "several")
    config = BertConfig.from_pretrained(folder)
    config.problem_type = "multi_label_classification"
    config.save_pretrained(folder)
    texts = [each.text for each in planted_texts(N, seed=5, shuffled=False)]
    shortcuts = shortcuts_of(Classifier.load(folder), texts)
    assert isinstance(shortcuts, Shortcuts)
    assert (PLANTED, TOPICS[1]) in [
        (item.word, item.label) for item in shortcuts.items if item.flagged
    ]


def test_what_cannot_be_told_is_said(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["oil prices rise", "the team wins"]
    regression = Classifier.load(
        tiny_checkpoint(tmp_path / "score", labels=("score",), problem_type="regression")
    )
    missing = shortcuts_of(regression, texts)
    assert isinstance(missing, Missing)
    assert "score" in missing.missing
    missing = shortcuts_of(classifier, ["", ""])
    assert isinstance(missing, Missing)
    assert "No row" in missing.missing
    few = shortcuts_of(classifier, texts)
    assert isinstance(few, Shortcuts)
    assert few.items == ()
    monkeypatch.setattr(
        LinearizedFunctions, "linearized", lambda self, x, activated, zero: activated
    )
    missing = shortcuts_of(classifier, texts)
    assert isinstance(missing, Missing)
    assert "add up" in missing.missing
