"""What a model card says of what its model can't do."""

from finetune.checkpoint.problem_types import MULTI_LABEL
from finetune.evaluation.report.abbreviate import abbreviated
from finetune.evaluation.report.markdown import escaped
from finetune.run.record import RunRecord

KEPT_PART = {
    "head": "the first {:,} tokens",
    "tail": "the last {:,} tokens",
    "head+tail": "{:,} tokens from the beginning and the end",
}
"""What of a long text is kept, by the setting."""


def limitations(record: RunRecord) -> str:
    """The last section of a card."""
    sentences = [
        _unknown(record),
        f"It learned from {escaped(record.data_name)} only; on texts from elsewhere, of another"
        " time or in another language it can be far worse than the numbers above.",
        "The intervals cover sampling of rows only, not errors in their labels.",
        f"It was trained on {_trained_part(record)} of each text.",
        _trust(record),
    ]
    return "## Limits\n\n" + "\n".join(f"- {limit}" for limit in sentences)


def _trained_part(record: RunRecord) -> str:
    """How much of a long text training read."""
    settings, length = record.settings, record.max_length
    if not settings.get("window_stride"):
        return KEPT_PART[settings.get("truncation", "head")].format(length)
    if settings.get("window_pooling") == "first":
        return f"the first window, of at most {length:,} tokens,"
    return f"windows of at most {length:,} tokens"


def _unknown(record: RunRecord) -> str:
    """What becomes of a text unlike those of training."""
    if record.regression:
        return "Every text gets a score, also a text for which a score makes no sense."
    return f"It knows {abbreviated(list(map(escaped, record.labels)))} and nothing else. " + (
        "A text of another kind may get any class or none."
        if several(record)
        else "Every text gets one of the classes, also a text that belongs to none of them."
    )


def _trust(record: RunRecord) -> str:
    """How far its probabilities are the chance of being right."""
    if record.regression:
        return "It doesn't say how sure it is of a score."
    if record.calibration is None or record.calibration.reason:
        return (
            "Its probabilities weren't calibrated: they order classes, but aren't the chance of"
            " being right."
        )
    return (
        "Its probabilities are calibrated for texts like those of validation, and only once the"
        " logits are divided by the temperature; on other texts they can be far too sure."
    )


def several(record: RunRecord) -> bool:
    """Whether a text may have several classes."""
    return record.problem_type == MULTI_LABEL
