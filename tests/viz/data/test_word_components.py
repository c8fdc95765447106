"""Words become components that know what rows are about."""

import numpy as np

from viz.data.shift.word_components import word_presence


def test_rare_words_weigh_more_and_rows_have_length_one() -> None:
    rows = [("the", "oil"), ("the", "oil"), ("the", "oil", "oil"), ("the",), ("ice",), ()]
    presence = word_presence(rows, without={"misspelt"})
    assert presence.vocabulary == ["oil", "the"]  # ice is in one row only
    dense = presence.weights.toarray()
    assert dense[0, 0] > dense[0, 1] > 0
    np.testing.assert_allclose(dense[2], dense[0])
    np.testing.assert_allclose(np.linalg.norm(dense, axis=1), [1, 1, 1, 1, 0, 0])


def test_words_that_do_not_count_are_left_out() -> None:
    rows = [("teh", "oil")] * 5
    assert word_presence(rows, without={"teh": "the"}).vocabulary == ["oil"]


def test_components_tell_topics_apart_and_repeat() -> None:
    draw = np.random.default_rng(0)
    topics = [["oil", "gas", "prices", "stocks"], ["team", "game", "wins", "cup"]]
    rows = [tuple(draw.choice([*topics[row % 2], "the"], size=6)) for row in range(100)]
    presence = word_presence(rows, without=())
    components = presence.components(seed=0)
    assert components.shape == (100, 8)
    first, second = components[::2, 1], components[1::2, 1]
    assert max(first.min(), second.min()) > min(first.max(), second.max())
    np.testing.assert_allclose(presence.components(seed=0), components)


def test_without_words_there_are_no_components() -> None:
    assert word_presence([()] * 50, without=()).components(seed=0).shape == (50, 0)
