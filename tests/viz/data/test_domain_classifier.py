"""A domain classifier is judged on rows that it did not see, and so are its permutations."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from viz.data.shift.alarm import permuted_labels
from viz.data.shift.domain_classifier import delong_variance, fit_domain_classifier, grouped_folds


def _rows(shift: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    labels = np.repeat([False, True], [120, 80])
    features = draw.normal(size=(200, 6)) * [1, 10, 1, 0.1, 1, 0] + 3
    features[labels, 1] += 10 * shift
    return features, labels


def test_copies_of_a_text_share_their_fold() -> None:
    texts = [f"text {number % 40}" for number in range(120)]
    folds = grouped_folds(texts, seed=0)
    assert all(len(set(folds[number::40].tolist())) == 1 for number in range(40))
    assert np.bincount(folds).tolist() == [24] * 5


def test_scores_are_linear_in_the_features_and_areas_are_those_of_scikit_learn() -> None:
    features, labels = _rows(1.0)
    folds = grouped_folds(range(200), seed=0)
    domain = fit_domain_classifier(features, labels[:, None], folds)
    linear = (features * domain.directions[folds]).sum(1) + domain.offsets[folds]
    np.testing.assert_allclose(linear, domain.scores, atol=1e-9)
    areas, pairs = [], []
    for fold in range(5):
        own = labels[folds == fold]
        areas.append(roc_auc_score(own, domain.scores[folds == fold]))
        pairs.append(own.sum() * (~own).sum())
    assert domain.auc.mean == pytest.approx(np.average(areas, weights=pairs))
    assert 0.65 < domain.auc.low < domain.auc.mean < domain.auc.high < 0.9


def test_a_permutation_is_fitted_as_if_it_were_the_files() -> None:
    features, labels = _rows(1.0)
    folds = grouped_folds(range(200), seed=0)
    columns = permuted_labels(labels, seed=0, n_permutations=20)
    together = fit_domain_classifier(features, columns, folds)
    for number in (0, 7):
        alone = fit_domain_classifier(features, columns[:, [number]], folds)
        assert together.areas[number] == pytest.approx(alone.areas[0])
    assert together.areas[0] > together.areas[1:].max()


def test_a_file_beside_itself_cannot_be_told_apart() -> None:
    features = np.random.default_rng(0).normal(size=(60, 4))
    twice = np.concatenate([features, features])
    labels = np.repeat([False, True], 60)[:, None]
    folds = grouped_folds([*range(60), *range(60)], seed=0)
    assert fit_domain_classifier(twice, labels, folds).auc.mean == pytest.approx(0.5)


def test_the_variance_of_an_area_is_that_of_delong() -> None:
    draw = np.random.default_rng(0)
    ones = np.repeat([False, True], [30, 20])
    scores = np.round(draw.normal(size=50) + ones, 1)  # with ties
    high, low = scores[ones], scores[~ones]
    wins = (high[:, None] > low) + 0.5 * (high[:, None] == low)
    expected = wins.mean(1).var(ddof=1) / 20 + wins.mean(0).var(ddof=1) / 30
    assert delong_variance(scores, ones) == pytest.approx(expected)


def test_the_interval_covers_the_area_as_often_as_it_says() -> None:
    """With one fold's classifier held, 95% of intervals of the area have the true one in them."""
    covered = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        ones = np.repeat([False, True], 60)
        scores = draw.normal(size=120) + ones
        half = 1.96 * np.sqrt(delong_variance(scores, ones))
        covered += abs(roc_auc_score(ones, scores) - 0.7602) <= half
    assert 180 <= covered <= 199
