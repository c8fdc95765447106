"""The temperature that a checkpoint states, refused in one sentence where it is none."""

from transformers import PreTrainedConfig

from finetune.checkpoint.temperature import TEMPERATURE_KEY, validate_temperature
from finetune.errors import ModelError
from viz.errors import CheckpointError, as_sentence


def stored_temperature(config: PreTrainedConfig, name: str) -> float | None:
    """The temperature of checkpoint *name*; None where it states none.

    Raises:
        CheckpointError: where it is not a finite number above 0.
    """
    try:
        return validate_temperature(getattr(config, TEMPERATURE_KEY, None), repr(name))
    except ModelError as error:
        raise CheckpointError(as_sentence(error)) from error
