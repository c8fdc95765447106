"""Words taken out of texts and put into them, with the blanks that a writer would leave."""

import pytest

from viz import Classifier
from viz.data.shortcuts.word_edits import Occurrence, occurrences, with_word, without_word
from viz.model.grouping import word_key

REMOVED = [
    ("Oil prices rise, oil falls.", "oil", "prices rise, falls."),
    ("Rise (oil) now", "oil", "Rise () now"),
    ("oil", "oil", ""),
    ("a good  game", "good", "a game"),
    ("Good game! Good", "good", "game!"),
    ("yes, no", ",", "yes no"),
    ("油价上涨", "价", "油上涨"),
]


@pytest.mark.parametrize(("text", "key", "expected"), REMOVED)
def test_all_occurrences_of_a_word_are_removed(
    classifier: Classifier, text: str, key: str, expected: str
) -> None:
    assert without_word(text, classifier.encoder.words(text), key) == expected


INSERTED = [
    ("the game was good", Occurrence("Oil", 0, 0.0, True, True), "Oil the game was good"),
    ("the game was good", Occurrence("oil", 0, 0.5, True, True), "the game oil was good"),
    ("the game was good", Occurrence("oil", 0, 1.0, True, True), "the game was good oil"),
    ("the game was good", Occurrence("!", 0, 1.0, False, True), "the game was good!"),
    ("the game was good", Occurrence(",", 0, 0.5, False, True), "the game, was good"),
    ("the game was good", Occurrence("(", 0, 0.5, True, False), "the game (was good"),
    ("it isn't, they say", Occurrence("oil", 0, 0.25, True, True), "it oil isn't, they say"),
    ("油价上涨", Occurrence("好", 0, 0.5, False, False), "油价好上涨"),
    ("good", Occurrence("oil", 0, 1.0, True, True), "good oil"),
]


@pytest.mark.parametrize(("text", "occurrence", "expected"), INSERTED)
def test_a_word_is_put_in_as_it_stands_elsewhere(
    classifier: Classifier, text: str, occurrence: Occurrence, expected: str
) -> None:
    assert with_word(text, classifier.encoder.words(text), occurrence) == expected


@pytest.mark.parametrize("text", ["Oil rises, OIL falls", "the price of oil", "oil", "(oil) up!"])
def test_what_is_put_in_is_removed_again(classifier: Classifier, text: str) -> None:
    """Removal undoes insertion in a text that never had the word."""
    places = classifier.encoder.words(text)
    found = occurrences(text, places, "oil")
    assert [each.written.casefold() for each in found] == ["oil"] * len(found) != []
    other = "stocks fall, and rise again"
    for occurrence in found:
        places = classifier.encoder.words(other)
        edited = with_word(other, places, occurrence)
        keys = [word_key(edited[a:b]) for a, b in classifier.encoder.words(edited)]
        assert keys.count("oil") == 1
        again = without_word(edited, classifier.encoder.words(edited), "oil")
        assert again == other
