"""Many texts at once come out as each of them does alone."""

from pathlib import Path

import numpy as np
import pytest

from tests.families import family_checkpoint
from viz import Classifier
from viz.data.rows.row_predictions import MAX_ROWS, predict
from viz.errors import SelectionError, TextError

TEXTS = (
    "oil prices rise as stocks fall", "the", "", "   ", "☃", "the team wins 東京 the game",
    "[MASK]", "stocks " * 600, "\ud800 oil", "\u200b", "a\x00b", "the team wins",
)  # fmt: skip


def test_each_text_is_read_as_alone(classifier: Classifier) -> None:
    rows = predict(classifier, TEXTS, states=True)
    assert rows.states is not None
    for number, text in enumerate(TEXTS):
        try:
            reading = classifier.read(text)
        except TextError:
            assert not rows.read[number]
            assert not rows.logits[number].any()
            continue
        assert rows.read[number]
        np.testing.assert_allclose(rows.logits[number], reading.prediction.logits, atol=1e-5)
        np.testing.assert_allclose(
            rows.probabilities[number], reading.prediction.probabilities, atol=1e-5
        )
        assert rows.n_tokens[number] == reading.encoding.n_tokens
        assert rows.n_unseen[number] == reading.encoding.n_unseen


def test_the_inputs_of_many_are_those_of_each(classifier: Classifier) -> None:
    for text, row in zip(TEXTS, classifier.encoder.encode_rows(TEXTS), strict=True):
        if row is None:
            with pytest.raises(TextError):
                classifier.encode(text)
            continue
        alone = classifier.encode(text).inputs
        assert {name: list(ids) for name, ids in row.inputs.items()} == {
            name: list(ids) for name, ids in alone.items()
        }


def test_pairs_are_read_as_pairs(classifier: Classifier) -> None:
    texts, pairs = ["oil prices rise", "the team", "oil"], ["stocks fall", "wins", " "]
    rows = predict(classifier, texts, pairs)
    assert rows.states is None
    assert list(rows.read) == [True, True, False]
    for number in range(2):
        alone = classifier.read(texts[number], pairs[number]).prediction.logits
        np.testing.assert_allclose(rows.logits[number], alone, atol=1e-5)
    with pytest.raises(SelectionError, match="3 texts and 1 second texts"):
        predict(classifier, texts, ["one"])


@pytest.mark.parametrize(
    ("family", "reads"), [("gpt2", "last"), ("xlnet", "last"), ("bert", "first")]
)
def test_states_are_those_the_class_is_read_from(family: str, reads: str, tmp_path: Path) -> None:
    classifier = Classifier.load(family_checkpoint(tmp_path / family, family))
    assert classifier.capabilities.reads == reads
    texts = ["oil prices rise", "oil", "the team wins the game"]
    together, alone = predict(classifier, texts, states=True), []
    for text in texts:
        own = predict(classifier, [text], states=True).states
        assert own is not None
        alone.append(own[0])
    assert together.states is not None
    np.testing.assert_allclose(together.states, alone, atol=1e-5)


def test_progress_counts_the_texts_that_are_read(classifier: Classifier) -> None:
    counts: list[float] = []
    predict(classifier, ["oil", "", *["the team wins"] * MAX_ROWS], progress=counts.append)
    assert sum(counts) == MAX_ROWS + 1
