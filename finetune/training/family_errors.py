"""What a family of models raises that can't be trained on batches of texts, as a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from transformers import PreTrainedModel

from finetune.errors import ModelError


@contextmanager
def family_errors(model: PreTrainedModel) -> Iterator[None]:
    """Within, what *model* raises is a ModelError; what the machine lacks stays what it is."""
    try:
        yield
    except (
        ValueError,
        TypeError,
        AttributeError,
        AssertionError,
        NotImplementedError,
        IndexError,
        RuntimeError,
    ) as error:
        reason = first_line(error)
        bfloat16 = "bfloat16" in reason.lower()
        of_machine = isinstance(error, RuntimeError) and not isinstance(error, NotImplementedError)
        if of_machine and not bfloat16:
            raise
        remedy = "train with --precision float32" if bfloat16 else "choose another base model"
        raise ModelError(
            f"this {model.config.model_type} model can't be trained on batches of texts"
            f" ({reason}); {remedy}"
        ) from error


def first_line(error: Exception) -> str:
    """The beginning of what *error* says, or its kind where it says nothing."""
    return str(error).strip().partition("\n")[0][:100] or type(error).__name__
