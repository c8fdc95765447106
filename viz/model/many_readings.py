"""The readings of many rows, of which some can't be read."""

from collections.abc import Iterable, Iterator

from viz.errors import NonFiniteLogitsError, TextError
from viz.model.classifier import Classifier
from viz.types import Reading


def readable(classifier: Classifier, rows: Iterable[tuple[str, str | None]]) -> Iterator[Reading]:
    """The readings of rows, one after another, so that no more maps are held than are looked at.

    A row is passed over that has no text the model sees, or whose logits are not finite.

    Args:
        classifier: What reads them.
        rows: Each a text and its second text, None where it has none.
    """
    for text, pair in rows:
        try:
            yield classifier.read(text, pair)
        except (TextError, NonFiniteLogitsError):
            continue
