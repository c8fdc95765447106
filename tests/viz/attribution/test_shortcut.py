"""A planted shortcut: methods that explain the class must find the one word that decides it."""

from collections.abc import Sequence

import numpy as np
import pytest

from tests.shortcut_model import CuedText
from viz import METHODS, Classifier, attribute
from viz.model.perturbation import Perturbation

CERTAIN = ("decomposition", "integrated-gradients", "occlusion")
"""Methods that must find it; all others are reported."""
LEAST = 0.95


def hits(classifier: Classifier, texts: Sequence[CuedText], method: str) -> float:
    """The share of texts whose deciding word is ranked first."""
    return float(np.mean([_top(classifier, each.text, method) == each.place for each in texts]))


def _top(classifier: Classifier, text: str, method: str) -> int:
    reading = classifier.read(text)
    scores = attribute(classifier, reading, method).scores
    return int(np.argmax(Perturbation(classifier, reading.encoding).to_words(scores)))


def test_the_shortcut_is_learned(shortcut: Classifier, held_out: tuple[CuedText, ...]) -> None:
    read = [shortcut.read(each.text).prediction.predicted_class for each in held_out]
    assert np.mean([own == each.label for own, each in zip(read, held_out, strict=True)]) > 0.98


@pytest.mark.parametrize("method", CERTAIN)
def test_the_deciding_word_comes_first(
    shortcut: Classifier, held_out: tuple[CuedText, ...], method: str
) -> None:
    assert hits(shortcut, held_out, method) >= LEAST


def test_a_random_order_does_not_find_it(
    shortcut: Classifier, held_out: tuple[CuedText, ...]
) -> None:
    """The measure itself can fail: of about twelve words, chance finds one in twelve."""
    assert hits(shortcut, held_out, "random") < 0.3


def test_other_methods_are_reported(shortcut: Classifier, held_out: tuple[CuedText, ...]) -> None:
    """Raw attention and its like need not find it; `pytest -s` prints how often each does."""
    for method in sorted(METHODS.keys() - set(CERTAIN)):
        if not METHODS[method].costly:
            share = hits(shortcut, held_out[:20], method)
            print(f"{method}: {share:.0%} of the deciding words come first")
            assert 0 <= share <= 1
