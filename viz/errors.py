"""What can go wrong in `viz`, as one tree; a message says what came and what to do."""


class VizError(Exception):
    """Anything a user can mend; pages and the command line show its one sentence."""


class CheckpointError(VizError):
    """A folder or Hub id that can't be opened as a text classifier."""


class TextError(VizError):
    """A text that can't be read: blank, or made of nothing the model can see."""


class SelectionError(VizError):
    """A layer, head, class or format that doesn't exist."""


class MethodError(VizError):
    """An attribution method that is unknown, or that this architecture doesn't allow."""


class NonFiniteLogitsError(MethodError, CheckpointError):
    """Logits of a text, or of a version of it, that overflowed: nothing can be said by them.

    The fault is the checkpoint's, but other texts can be read, and other methods chosen.
    """


class MissingAttentionError(VizError):
    """Attention is asked for of a network that has no map of each token by each token."""


class LongTextError(VizError):
    """All weights are asked for of a text that is too long to keep them."""


class RecordError(VizError):
    """A file of saved numbers that can't be read back."""


class RunError(VizError):
    """A run that can't be started, resumed or found, or data it can't use."""


def as_sentence(error: Exception) -> str:
    """The message of an error of `finetune`, as `viz` writes its own: a capital, a period."""
    message = str(error).strip()
    return f"{message[:1].upper()}{message[1:].rstrip('.')}."
