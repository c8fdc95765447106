"""The classifier as it was at a step of its training."""

from pathlib import Path

from finetune.errors import FinetuneError
from finetune.run.history import HistoryFrame, frame_weights
from viz.errors import CheckpointError, as_sentence
from viz.model.classifier import Classifier
from viz.model.twins import with_weights


def frame_classifier(classifier: Classifier, checkpoint: Path, frame: HistoryFrame) -> Classifier:
    """The finished classifier with the weights that it had at a step.

    What loading proved of the architecture holds for any of its weights, so it is not proved again.
    The temperature was fitted for the finished weights, and divides the logits of all frames, so
    that their probabilities are on one scale.

    Args:
        classifier: The finished checkpoint, loaded.
        checkpoint: Its folder.
        frame: One of `finetune.run.history.open_history(checkpoint).frames`.

    Raises:
        CheckpointError: where weights can't be read or are not those of this model.
    """
    try:
        weights = frame_weights(checkpoint, frame)
        model = with_weights(classifier.model, weights)
    except FinetuneError as error:
        raise CheckpointError(as_sentence(error)) from error
    except ValueError as error:
        raise CheckpointError(
            f"The weights of step {frame.step:,} are not those of {classifier.name!r}: {error}."
        ) from error
    twin = classifier.with_model(model)
    twin.name = frame_name(classifier, frame)
    twin.fingerprint = classifier.fingerprint if frame.is_final else ""
    return twin


def frame_name(classifier: Classifier, frame: HistoryFrame) -> str:
    """What a frame is called in captions; the last one is the checkpoint itself."""
    return classifier.name if frame.is_final else f"{classifier.name} at step {frame.step:,}"
