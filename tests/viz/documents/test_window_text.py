"""A window of a document as a text of its own."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.tiny_models import tiny_checkpoint
from viz import Classifier, attribute, read_document
from viz.attention.words import spans
from viz.documents.window_text import window_text

TEXT = " ".join(["Oil prices rise, as stocks fall 🛢️. Is the team good?"] * 9)


def test_a_window_is_what_a_plain_reading_of_its_text_is(tmp_path: Path) -> None:
    classifier = Classifier.load(tiny_checkpoint(tmp_path / "bert"))
    document = read_document(classifier, TEXT)
    assert len(document.windows) > 2
    for index, window in enumerate(document.windows):
        reading = document.reading(classifier, index)
        own = replace(reading, encoding=window_text(reading.encoding))
        plain = classifier.read(own.encoding.text)
        assert own.encoding.text in TEXT
        assert own.encoding.unseen == ()
        # Words are counted over the whole text.
        assert [replace(token, word=None) for token in own.encoding.tokens] == [
            replace(token, word=None) for token in plain.encoding.tokens
        ]
        assert spans(own.encoding) == spans(plain.encoding)
        np.testing.assert_allclose(own.attention.weights, plain.attention.weights, atol=1e-6)
        np.testing.assert_allclose(own.prediction.logits, window.logits, atol=1e-5)
        np.testing.assert_allclose(
            attribute(classifier, own, "decomposition").scores,
            attribute(classifier, plain, "decomposition").scores,
            atol=1e-5,
        )
