"""How many texts are read at once: as many as help, within bounds of memory and time."""

from finetune.checkpoint.configuration import text_config
from viz.model.classifier import Classifier

MAX_ROWS = 16
"""Texts read at once; more gain nothing on a CPU."""
MAX_TOKENS = 4096
"""Tokens read at once, so that memory is bounded for long texts."""
MAX_OPERATIONS = 120e9
"""Floating-point operations of one pass on a CPU, about two seconds on two slow cores.

A pass looks in each of its layers whether it is still wanted: in a batch of a wide model one layer
alone would take longer than anybody waits for an end.  More at once gain nothing there.
"""


def batch_size(classifier: Classifier, n_tokens: int, *, rows: int, tokens: int) -> int:
    """How many texts of a length to read at once, at least one.

    Args:
        classifier: What reads them.
        n_tokens: The length of each.
        rows: The most texts.
        tokens: The most tokens of all, which bounds the memory.
    """
    affordable = min(rows, tokens // n_tokens)
    if classifier.device.type == "cpu":
        affordable = min(affordable, int(MAX_OPERATIONS / operations(classifier, n_tokens)))
    return max(1, affordable)


def operations(classifier: Classifier, n_tokens: int) -> float:
    """About how many floating-point operations one text of a length takes.

    Of T tokens, L layers of width D take 24 T L D² for their matrices and 4 T² L D for attention
    (Kaplan et al. 2020, for a feed-forward part four times as wide as the rest).
    """
    width = int(getattr(text_config(classifier.config), "hidden_size", 768))
    n_layers = max(1, classifier.n_layers)  # Perceiver names no number
    return 4.0 * n_tokens * n_layers * width * (6 * width + n_tokens)
