"""From which frame on a word matters, on scores of which that is known."""

import numpy as np

from viz.comparison.film.onsets import onsets


def test_planted_onsets() -> None:
    scores = np.array(
        [
            # from the start, late, came and went and came, other sign before, too weak at the end
            [2.0, 0.1, 0.0, -3.0, 5.0],
            [1.0, 0.2, 1.0, -3.0, 4.0],
            [1.5, 0.4, 0.2, -3.0, 0.1],
            [1.2, 0.9, 0.9, 1.9, 0.1],
            [2.0, 1.0, 1.0, 2.0, 0.1],
        ]
    )
    assert onsets(scores) == [0, 3, 3, 3, None]


def test_half_of_the_final_score_is_enough_and_less_is_not() -> None:
    assert onsets(np.array([[0.5], [1.0]])) == [0]
    assert onsets(np.array([[0.49], [1.0]])) == [1]
    assert onsets(np.array([[-0.5], [-1.0]])) == [0]
    assert onsets(np.array([[0.49], [1.0]]), share_of_final=0.4) == [0]


def test_what_speaks_against_matters_too_and_its_unit_does_not() -> None:
    scores = np.random.default_rng(0).normal(size=(6, 9))
    assert onsets(scores) == onsets(-scores) == onsets(1000 * scores)
    assert onsets(scores, share_of_strongest=0)[0] is not None


def test_where_nothing_matters_there_is_no_onset() -> None:
    assert onsets(np.zeros((3, 4))) == [None] * 4
    assert onsets(np.zeros((3, 0))) == []
