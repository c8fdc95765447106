"""Which words each row has: those that a reader sees, whichever case they are written in."""

from collections.abc import Iterator

from viz.data.rows.audit_rows import AuditRows
from viz.jobs.cancellation import check_cancelled
from viz.model.classifier import Classifier
from viz.model.grouping import word_key


def row_words(rows: AuditRows, classifier: Classifier) -> list[tuple[str, ...]]:
    """The keys of the words of each row, in reading order, a second text after the first.

    Words are those of the Read page and of explanations, also of what the model doesn't read: what
    stands between blanks, punctuation and ideographs apart, unless one token holds several.
    """
    written = written_words(rows, classifier)
    return [tuple(key for word in words if (key := word_key(word))) for words in written]


def written_words(rows: AuditRows, classifier: Classifier) -> Iterator[list[str]]:
    """The same words as they stand in each row."""
    for number, text in enumerate(rows.texts):
        if number % 1_000 == 0:
            check_cancelled()
        parts = (text,) if rows.pairs is None else (text, rows.pairs[number])
        yield [part[start:end] for part in parts for start, end in classifier.encoder.words(part)]
