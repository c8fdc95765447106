"""Tokens by their words, and equations by their names."""

import pytest

from tests.synthetic import read
from viz import Classifier, Reading, unfold
from viz.errors import SelectionError
from viz.mechanism.unfolding.choice import step_named, token_position


@pytest.mark.parametrize(
    ("named", "position"),
    [("0", 0), ("5", 5), ("Oil", 1), ("oil", 1), ("STOCKS", 7), ("[SEP]", 16), ("##national", 6)],
)
def test_a_token_is_named_by_position_word_or_piece(named: str, position: int) -> None:
    assert token_position(read(), named) == position


@pytest.mark.parametrize("named", ["17", "bonds", "", "-1"])
def test_a_token_that_is_not_there_is_refused(named: str) -> None:
    with pytest.raises(SelectionError, match="0 to 16"):
        token_position(read(), named)


def test_a_number_beyond_the_last_position_is_a_word_of_the_text() -> None:
    reading = read("Oil prices rise by 2 percent in 2024")
    assert token_position(reading, "2024") == 8
    assert token_position(reading, "2") == 2  # a position, though the text has such a word


def test_of_a_word_that_occurs_twice_it_is_the_first() -> None:
    assert token_position(read("rise and rise"), "rise") == 1


def test_the_step_of_a_name_is_that_of_the_look(classifier: Classifier, reading: Reading) -> None:
    unfolding = unfold(classifier, reading, 1, 2, 5, 3)
    assert float(step_named(unfolding, "score").result.values) == unfolding.score
    for step in (step_named(unfolding, name) for name in ("query", "weights", "head output")):
        assert (step.layer, step.result.head, step.result.token) == (1, 2, 5)
    with pytest.raises(SelectionError, match=r"There is no step 'soup'; there are: .*score"):
        step_named(unfolding, "soup")
