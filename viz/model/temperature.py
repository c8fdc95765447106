"""From logits to probabilities, by the temperature that was fitted to a checkpoint.

`python -m finetune train` writes it into config.json (Guo et al. 2017); plain transformers keeps
the entry and makes nothing of it.  Logits, and what is explained of them, know no temperature.
"""

import numpy as np
from transformers import PreTrainedConfig

from finetune.checkpoint.temperature import TEMPERATURE_KEY, validate_temperature
from finetune.errors import ModelError
from viz.errors import CheckpointError, as_sentence
from viz.types import FloatArray


def stored_temperature(config: PreTrainedConfig, name: str) -> float | None:
    """The temperature of checkpoint *name*; None where it states none.

    Raises:
        CheckpointError: where it is no finite number above 0.
    """
    try:
        return validate_temperature(getattr(config, TEMPERATURE_KEY, None), repr(name))
    except ModelError as error:
        raise CheckpointError(as_sentence(error)) from error


def probabilities(
    logits: FloatArray, *, multi_label: bool, temperature: float | None = None
) -> FloatArray:
    """The probability of each class, in double precision.  (..., C) -> (..., C)

    Args:
        logits: (..., C)
        multi_label: Whether every class is decided on its own.
        temperature: What logits are divided by, where the checkpoint states one.
    """
    warmth = 1.0 if temperature is None else temperature
    values = logits.astype(np.float64)
    if multi_label:
        share: FloatArray = np.exp(-np.logaddexp(0, -values / warmth))
        return share
    exponents: FloatArray = np.exp((values - values.max(-1, keepdims=True)) / warmth)
    softmax: FloatArray = exponents / exponents.sum(-1, keepdims=True)
    return softmax
