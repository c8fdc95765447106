"""Hostile texts are read or refused in one sentence, whatever is done with them."""

import pytest

from tests.hostile_texts import KINDS, hostile_texts, see_all
from viz import Classifier
from viz.errors import VizError


def test_hostile_texts_are_read_and_viewed_or_refused_in_a_sentence(classifier: Classifier) -> None:
    seen, refusals = set(), []
    for index, (kind, text, pair) in enumerate(hostile_texts(2 * len(KINDS), seed=1)):
        seen.add(kind)
        try:
            see_all(classifier, text, pair, drawn=index == 6, method="decomposition")
        except VizError as error:
            refusals.append(str(error))
    assert seen == set(KINDS)
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in refusals)


def test_a_text_of_20_000_words_is_read_and_viewed(classifier: Classifier) -> None:
    see_all(classifier, "oil prices " * 10_000, None, drawn=False, method="decomposition")


@pytest.mark.parametrize("text", ["\ud800", "\ufffe\uffff", "\x00", "\u202e", "\u0301" * 500])
def test_a_text_of_nothing_that_is_written_is_one_sentence(
    classifier: Classifier, text: str
) -> None:
    with pytest.raises(VizError, match=r"^[^\n]+\.$"):
        see_all(classifier, text, None, drawn=False, method="decomposition")
