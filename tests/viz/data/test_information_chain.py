"""Information is found where it was put, and is not counted twice."""

import numpy as np
import pytest
from scipy.special import softmax

from viz.data.shift.domain_classifier import grouped_folds
from viz.data.shift.information_chain import Information, InformationChain, shifted_prior

CENTERS = np.array([[2.0, 0, 0], [0, 2, 0], [0, 0, 2]])


def _drawn(shares: list[float], n_rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features, and the probability of each class where classes are alike often."""
    draw = np.random.default_rng(seed)
    classes = draw.choice(3, size=n_rows, p=shares)
    features = CENTERS[classes] + draw.normal(size=(n_rows, 3))
    return features, softmax(features @ CENTERS.T, axis=1)


def test_the_prior_of_a_file_is_found_by_its_probabilities() -> None:
    shares = [0.6, 0.3, 0.1]
    _, probabilities = _drawn(shares, 6_000, seed=0)
    np.testing.assert_allclose(shifted_prior(probabilities, np.full(3, 1 / 3)), shares, atol=0.02)


def test_a_shift_of_the_prior_leaves_nothing_for_the_states() -> None:
    before, after = _drawn([1 / 3] * 3, 1_500, seed=1), _drawn([0.7, 0.2, 0.1], 1_500, seed=2)
    labels = np.repeat([False, True], 1_500)
    chain = InformationChain(labels, grouped_folds(range(3_000), seed=0))
    prior, shares = chain.add_prior(np.concatenate([before[1], after[1]]))
    states = np.concatenate([before[0], after[0]])
    rest = chain.add_many(states)
    assert prior.above_zero
    assert abs(rest.bits) < 0.1 * prior.bits
    np.testing.assert_allclose(shares, [0.7, 0.2, 0.1], atol=0.04)


def test_a_shift_within_classes_is_none_of_the_prior() -> None:
    before, after = _drawn([1 / 3] * 3, 1_500, seed=1), _drawn([1 / 3] * 3, 1_500, seed=2)
    labels = np.repeat([False, True], 1_500)
    chain = InformationChain(labels, grouped_folds(range(3_000), seed=0))
    prior, _ = chain.add_prior(np.concatenate([before[1], after[1]]))
    other = np.random.default_rng(0).normal(size=3_000) + labels
    rest = chain.add(other[:, None])
    assert prior.bits < 0.01
    # Two normal distributions one deviation apart: .157 bits tell them apart.
    assert rest.bits == pytest.approx(0.157, abs=3 * rest.error)


def test_what_was_said_before_is_not_counted_twice() -> None:
    labels = np.repeat([False, True], 400)
    feature = np.random.default_rng(0).normal(size=800) + labels
    chain = InformationChain(labels, grouped_folds(range(800), seed=0))
    first = chain.add(feature[:, None])
    again = chain.add(2 * feature[:, None] + 1)
    assert first.above_zero
    assert abs(again.bits) < 0.005


def test_what_is_the_same_in_all_rows_says_nothing() -> None:
    """Gains of rounding are above their error now and then."""
    labels = np.repeat([False, True], 200)
    for seed in range(8):
        draw = np.random.default_rng(seed)
        chain = InformationChain(labels, grouped_folds(range(400), seed=seed))
        chain.add((draw.normal(size=400) + labels)[:, None])
        again = chain.add(np.zeros((400, 2))), chain.add_many(np.zeros((400, 0)))
        assert not any(each.above_zero or each.bits for each in again)
    assert not Information(1e-9, 0.0).above_zero
    assert Information(1e-3, 1e-4).above_zero


def test_files_of_unlike_sizes_count_half_each() -> None:
    labels = np.repeat([False, True], [900, 60])
    noise = np.random.default_rng(0).normal(size=(960, 1))
    assert abs(InformationChain(labels, grouped_folds(range(960), seed=0)).add(noise).bits) < 0.02
