"""The state that a class is read from is split over words as exactly as logits are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.families import family_checkpoint
from viz import Classifier
from viz.data.rows.audit_rows import rows_from
from viz.data.rows.row_predictions import predict
from viz.data.rows.word_contributions import state_contributions
from viz.errors import MethodError
from viz.model.linearized import LinearizedFunctions

TEXTS = ["oil prices rise", "the team wins", "stocks", "the market was not good", "team oil the"]


@pytest.mark.parametrize("family", ["bert", "gpt2", "modernbert", "t5"])
def test_words_special_tokens_and_bias_are_the_function_of_the_state(
    family: str, tmp_path: Path
) -> None:
    classifier = Classifier.load(family_checkpoint(tmp_path / family, family), dtype=torch.float64)
    rows = rows_from(TEXTS, classifier)
    states = predict(classifier, TEXTS, states=True).states
    assert states is not None
    directions = np.random.default_rng(0).normal(size=states.shape)
    result = state_contributions(classifier, rows, range(len(TEXTS)), directions)
    np.testing.assert_allclose(result.values, (states * directions).sum(1), rtol=1e-4, atol=1e-5)
    sums = [float(scores.sum()) for scores in result.scores]
    np.testing.assert_allclose(np.array(sums) + result.special + result.bias, result.values)
    assert result.words[1] == ("the", "team", "wins")
    assert all(np.abs(scores).max() > 0 for scores in result.scores)


def test_a_network_that_is_not_linear_is_refused(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        LinearizedFunctions, "linearized", lambda self, x, activated, zero: activated
    )
    rows = rows_from(TEXTS, classifier)
    width = classifier.config.hidden_size
    with pytest.raises(MethodError, match="does not add up"):
        state_contributions(classifier, rows, [0], np.ones((1, width)))


def test_a_state_that_cannot_be_told_is_refused(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = replace(classifier.capabilities, reads="several")
    monkeypatch.setattr(classifier, "capabilities", unknown)
    rows = rows_from(TEXTS, classifier)
    with pytest.raises(MethodError, match="which state"):
        state_contributions(classifier, rows, [0], np.ones((1, classifier.config.hidden_size)))
