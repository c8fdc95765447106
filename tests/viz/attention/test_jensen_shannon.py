"""How far heads are apart: known distances, what a metric owes, and rows without a choice."""

import numpy as np
import pytest

from viz.attention.jensen_shannon import head_distances, row_distances


def weights(seed: int, *shape: int) -> np.ndarray:
    """Random rows that sum to 1."""
    rows = np.random.default_rng(seed).dirichlet(np.full(shape[-1], 0.3), shape[:-1])
    return rows.astype(np.float32)


def test_known_distances() -> None:
    first = np.array([[1, 0, 0], [0.5, 0.5, 0], [0.2, 0.3, 0.5]])
    second = np.array([[0, 1, 0], [1, 0, 0], [0.2, 0.3, 0.5]])
    # Of the second row the mean is (.75, .25), so the divergence is 3/4 log2(4/3).
    divergence = 0.5 * (0.5 * np.log2(0.5 / 0.75) + 0.5 * np.log2(0.5 / 0.25) + np.log2(1 / 0.75))
    assert row_distances(first, second) == pytest.approx([1, np.sqrt(divergence), 0], abs=1e-7)


def test_it_is_a_metric() -> None:
    one, two, three = (weights(seed, 2, 3, 5, 5) for seed in range(3))
    assert np.allclose(row_distances(one, two), row_distances(two, one))
    assert (
        row_distances(one, three) <= row_distances(one, two) + row_distances(two, three) + 1e-12
    ).all()
    assert row_distances(one, one).max() < 1e-6


def test_what_goes_to_a_sink_is_a_key() -> None:
    first, second = np.array([[0.5, 0.0]]), np.array([[0.0, 0.5]])
    with_key = row_distances(np.array([[0.5, 0.0, 0.5]]), np.array([[0.0, 0.5, 0.5]]))
    assert row_distances(first, second) == pytest.approx(with_key)


def test_a_head_is_the_mean_of_rows_that_have_a_choice() -> None:
    one, two = weights(0, 2, 3, 4, 4), weights(1, 2, 3, 4, 4)
    rows = row_distances(one, two)
    assert np.allclose(head_distances(one, two), rows.mean(-1))
    impossible = np.zeros((2, 4, 4), bool)
    impossible[:, 0, 1:] = True
    assert np.allclose(head_distances(one, two, impossible), rows[..., 1:].mean(-1))


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="shapes"):
        row_distances(weights(0, 2, 3), weights(0, 2, 4))
