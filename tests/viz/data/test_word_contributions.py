"""Rows taken apart together come out as each of them does alone, and add up."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.families import family_checkpoint
from viz import Classifier, attribute, contribution
from viz.attention.words import merge, spans
from viz.data.rows.audit_rows import rows_from
from viz.data.rows.word_contributions import word_contributions
from viz.errors import MethodError
from viz.model.linearized import LinearizedFunctions

TEXTS = ["oil prices rise", "the team wins", "stocks", "the market was not good", "team oil the"]


def contrast(classifier: Classifier, target: int, against: int) -> np.ndarray:
    weights = np.zeros((len(TEXTS), classifier.n_classes))
    weights[:, target], weights[:, against] = 1, -1
    return weights


def test_rows_whose_maps_are_not_kept_have_the_same_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = Classifier.load(
        family_checkpoint(tmp_path / "modernbert", "modernbert"), dtype=torch.float64
    )
    contrasts = contrast(classifier, 1, 0)
    rows, indices = rows_from(TEXTS, classifier), range(len(TEXTS))
    expected = word_contributions(classifier, rows, indices, contrasts, heads=True)
    monkeypatch.setattr("viz.model.classifier.MAX_ATTENTION_BYTES", 1)
    given = word_contributions(classifier, rows, indices, contrasts, heads=True)
    np.testing.assert_allclose(given.values, expected.values, atol=1e-10)
    np.testing.assert_allclose(given.bias, expected.bias, atol=1e-10)
    for own, known in zip(given.scores, expected.scores, strict=True):
        np.testing.assert_allclose(own, known, atol=1e-10)
    assert given.heads is not None
    assert expected.heads is not None
    np.testing.assert_allclose(given.heads, expected.heads, atol=1e-10)


@pytest.mark.parametrize("family", ["bert", "gpt2", "deberta-v2", "t5", "modernbert"])
def test_rows_together_are_as_rows_alone(family: str, tmp_path: Path) -> None:
    folder = family_checkpoint(tmp_path / family, family)
    classifier = Classifier.load(folder, dtype=torch.float64)
    rows = rows_from(TEXTS, classifier)
    result = word_contributions(
        classifier, rows, range(len(TEXTS)), contrast(classifier, 1, 0), heads=True
    )
    assert result.heads is not None
    for number, text in enumerate(TEXTS):
        reading = classifier.read(text)
        alone = attribute(classifier, reading, "decomposition", 1, 0)
        words = [span for span in spans(reading.encoding) if not span.special]
        assert result.words[number] == tuple(word.label for word in words)
        expected = merge(alone.scores, words, np.float64)
        np.testing.assert_allclose(result.scores[number], expected, atol=1e-10)
        assert result.bias[number] == pytest.approx(alone.bias, abs=1e-10)
        total = result.scores[number].sum() + result.special[number] + result.bias[number]
        assert total == pytest.approx(result.values[number], abs=1e-10)
        assert result.values[number] == pytest.approx(alone.value, abs=1e-6)
        maps = contribution(classifier, reading, 1, 0).values
        np.testing.assert_allclose(result.heads[number], maps.sum((-2, -1)), atol=1e-6)


def test_each_row_has_its_own_contrast(classifier: Classifier) -> None:
    rows = rows_from(TEXTS, classifier)
    contrasts = np.random.default_rng(0).normal(size=(len(TEXTS), classifier.n_classes))
    result = word_contributions(classifier, rows, range(len(TEXTS)), contrasts)
    logits = np.array([classifier.read(text).prediction.logits for text in TEXTS])
    np.testing.assert_allclose(result.values, (logits * contrasts).sum(1), atol=1e-5)
    assert result.heads is None


def test_a_network_that_is_not_linear_is_refused_however_rows_are_weighed(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row's gap has the sign of its contrast, so that of two opposite rows would cancel."""
    monkeypatch.setattr(
        LinearizedFunctions, "linearized", lambda self, x, activated, zero: activated
    )
    rows = rows_from(["oil prices rise", "oil prices rise"], classifier)
    contrasts = np.array([[1.0, -1, 0, 0], [-1, 1, 0, 0]])
    with pytest.raises(MethodError, match="does not add up"):
        word_contributions(classifier, rows, [0, 1], contrasts)
