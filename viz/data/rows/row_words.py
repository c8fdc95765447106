"""Which words each row has: those that a reader sees, whichever case they are written in."""

from collections.abc import Iterator

from viz.data.rows.audit_rows import AuditRows
from viz.jobs.cancellation import check_cancelled
from viz.model.classifier import Classifier
from viz.model.grouping import word_key, word_places


def row_words(rows: AuditRows, classifier: Classifier) -> list[tuple[str, ...]]:
    """The keys of the words of each row, in reading order, a second text after the first.

    Words are those of the Read page: what stands between blanks, punctuation and ideographs apart.
    """
    words = []
    for number, text in enumerate(rows.texts):
        if number % 1_000 == 0:
            check_cancelled()
        pair = None if rows.pairs is None else rows.pairs[number]
        words.append(tuple(_keys(text, pair, classifier)))
    return words


def _keys(text: str, pair: str | None, classifier: Classifier) -> Iterator[str]:
    for part in (text, pair or ""):
        for start, end in word_places(part, classifier.tokenizer):
            if key := word_key(part[start:end]):
                yield key
