"""One window of a document as a text of its own."""

from dataclasses import replace

from viz.attention.words import end_with_marks
from viz.documents.document import Document
from viz.model.classifier import Classifier
from viz.types import Encoding, Reading


def window_reading(classifier: Classifier, document: Document, index: int) -> Reading:
    """One window of a document, read again with its maps, over its own text alone.

    Args:
        classifier: The classifier that read the document.
        document: What it read.
        index: The window, counted from 0.

    Raises:
        SelectionError: for a window that does not exist, or another classifier.
    """
    reading = document.reading(classifier, index)
    return replace(reading, encoding=window_text(reading.encoding))


def window_text(encoding: Encoding) -> Encoding:
    """The encoding of a window over its own text alone, whose offsets begin with it.

    Args:
        encoding: That of a window, whose tokens carry offsets into the whole text.

    Returns:
        The same inputs and tokens over the part of the text that they were read from.
    """
    own = [token for token in encoding.tokens if not token.special]
    start = min((token.start for token in own), default=0)
    end = end_with_marks(encoding.text, max((token.end for token in own), default=0))
    tokens = tuple(
        token if token.special else replace(token, start=token.start - start, end=token.end - start)
        for token in encoding.tokens
    )
    return Encoding(encoding.text[start:end], None, tokens, encoding.inputs, notes=encoding.notes)
