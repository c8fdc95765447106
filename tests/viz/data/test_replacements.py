"""Words that stand for a class, and words that fit a place."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.tiny_models import tiny_base, tiny_checkpoint
from viz import Classifier
from viz.data.counterfactuals import replacements
from viz.data.counterfactuals.decisions import Decision
from viz.data.counterfactuals.first_order_edits import FirstOrderEdits
from viz.data.counterfactuals.replacements import (
    PER_WORD,
    data_vocabulary,
    distinctive_words,
    replacement_candidates,
)
from viz.data.counterfactuals.text_edits import EditableText, EditedText
from viz.data.rows.audit_rows import rows_from
from viz.data.rows.row_predictions import predict
from viz.errors import CheckpointError
from viz.model.masked_language_model import HiddenWord, MaskedLanguageModel


def test_the_words_of_each_class_come_first() -> None:
    rows = [("the", "oil", "."), ("the", "oil", "price"), ("the", "oil"), ("the", "moon")] * 3
    rows += [("the", "moon", "ice"), ("the", "moon", "ice"), ("the", "oil", "rare")]
    assigned = np.eye(2, dtype=bool)[[0, 0, 0, 1] * 3 + [1, 1, 0]]
    words = distinctive_words(rows, assigned)
    assert words[:2] == ("oil", "moon")
    assert not {"the", ".", "rare"} & set(words)
    assert words == distinctive_words(rows, assigned)
    assert distinctive_words([()] * 2, assigned[:2]) == ()


def test_the_vocabulary_is_that_of_the_rows_that_were_read(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["Oil rise", "", "oil fall", "oil ice", "moon wins", "moon game", "moon team"] * 2
    rows = rows_from([{"text": text} for text in texts], classifier)
    predictions = predict(classifier, rows.texts)
    classes = [0, 0, 0, 0, 1, 1, 1] * 2
    predictions = replace(predictions, logits=np.eye(4)[classes])
    assert data_vocabulary(classifier, rows, predictions)[:2] == ("oil", "moon")
    monkeypatch.setattr(replacements, "MAX_ROWS", 2)
    assert data_vocabulary(classifier, rows, predictions) == ()


def test_a_candidate_has_the_shape_and_case_of_the_word(classifier: Classifier) -> None:
    editable = EditableText(classifier.encode("Oil ROSE 5 the , moon2"))
    candidates = replacement_candidates(editable, vocabulary=["oil", "ice", "the", "7", "x9"])
    assert candidates == [["Ice", "The"], ["OIL", "ICE", "THE"], ["7"], ["oil", "ice"], [], []]


def test_the_estimate_ranks_as_the_slope_does(classifier: Classifier) -> None:
    double = Classifier.load(classifier.config.name_or_path)
    double.model.double()
    text = "oil prices rise as stocks fall"
    encoding = double.encode(text)
    editable = EditableText(encoding)
    whole = double.logits([encoding.inputs])[0]
    decision = Decision.of(double, whole)
    margins = decision.margins(whole[None])[0]
    value = np.log(np.exp(margins).sum())
    estimate = FirstOrderEdits.of(double, editable, decision)
    assert estimate is not None
    gains = estimate.replacement_gains(0, ["moon", "oil"])
    assert gains[1] == pytest.approx(value)
    # A small step toward the other word changes the value by as small a part of the estimate.
    embeddings = double.model.get_input_embeddings().weight
    old, new = (double.tokenizer.convert_tokens_to_ids(word) for word in ("oil", "moon"))
    before = embeddings[old].clone()
    embeddings[old] += 1e-5 * (embeddings[new] - before)
    moved = decision.margins(double.logits([encoding.inputs]))[0]
    embeddings[old] = before
    slope = (np.log(np.exp(moved).sum()) - value) / 1e-5
    assert gains[0] == pytest.approx(value + slope, rel=1e-3)
    hidden = FirstOrderEdits.of(double, editable, decision, hidden=True)
    assert hidden is not None
    masked = decision.margins(double.logits([double.encode(text.replace("oil", "[MASK]")).inputs]))
    at_mask = hidden.replacement_gains(0, ["[MASK]"])[0]
    assert at_mask == pytest.approx(np.log(np.exp(masked).sum()))


def test_the_most_promising_candidates_are_kept_of_a_long_text(classifier: Classifier) -> None:
    text = "oil prices " * 28
    editable = EditableText(classifier.encode(text))
    letters = [a + b for a in "abcd" for b in "efgh"]
    candidates = replacement_candidates(editable, vocabulary=letters)
    assert max(map(len, candidates)) == PER_WORD
    assert sum(map(len, candidates)) <= 400


def test_words_are_deleted_without_gluing_their_neighbors(classifier: Classifier) -> None:
    editable = EditableText(classifier.encode("oil, well-known  gas 好的", "the end"))
    words = [editable.written(word) for word in range(len(editable.words))]
    assert words == ["oil", ",", "well", "-", "known", "gas", "好", "的", "the", "end"]
    deletions = {
        (0,): ", well-known  gas 好的",
        (1,): "oil well-known  gas 好的",
        (3,): "oil, well known  gas 好的",
        (4, 5): "oil, well-  好的",
        (6,): "oil, well-known  gas 的",
        (5, 6, 7): "oil, well-known",
    }
    for deleted, text in deletions.items():
        assert editable.edit(dict.fromkeys(deleted)) == EditedText(text, "the end")
    assert editable.edit({0: "Gas", 9: None}) == EditedText("Gas, well-known  gas 好的", "the")


def test_a_language_model_guesses_other_words_than_the_one_that_stands_there(
    tmp_path: Path,
) -> None:
    model = MaskedLanguageModel.load(tiny_base(tmp_path / "base", "bert"))
    text = "Oil prices rise [MASK] as stocks fall"
    places = [HiddenWord(text=text, start=0, end=3), HiddenWord(text=text, start=11, end=15)]
    guesses = model.guess(places, 5)
    assert guesses == model.guess(places[:1], 5) + model.guess(places[1:], 5)
    for own, written in zip(guesses, ("oil", "rise"), strict=True):
        assert 0 < len(own) <= 5
        assert written not in own
        assert all(word.isalnum() for word in own)
    assert guesses[0] != guesses[1]
    unseen = "a " * 400
    assert model.guess([HiddenWord(text=unseen, start=700, end=701)], 5) == [()]


def test_what_guesses_no_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no head that guesses hidden words"):
        MaskedLanguageModel.load(tiny_checkpoint(tmp_path / "classifier"))
    with pytest.raises(CheckpointError):
        MaskedLanguageModel.load(tmp_path / "nothing")
