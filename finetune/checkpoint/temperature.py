"""The temperature that a checkpoint states: what logits are divided by (Guo et al. 2017).

`clsight train` writes it into config.json; plain transformers keeps the entry and makes
nothing of it. Logits, and what is explained of them, know no temperature.
"""

import math
from contextlib import suppress

import numpy as np
from scipy.special import expit, softmax

from finetune.checkpoint.arrays import FloatArray
from finetune.checkpoint.source import shown
from finetune.errors import ModelError

TEMPERATURE_KEY = "calibration_temperature"


def validate_temperature(value: object, owner: str) -> float | None:
    """The temperature that stands in config.json; None where none does.

    Raises:
        ModelError: It is not a finite number above 0.
    """
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf:
        with suppress(OverflowError):  # a whole number may be too large for any float
            return float(value)
    raise ModelError(
        f"the {TEMPERATURE_KEY} in config.json of {owner} is {shown(value)}; it has to be a number"
        " above 0, or be left out"
    )


def stored_temperature(config: object, owner: str) -> float | None:
    """The temperature in the configuration of a checkpoint; None where it states none.

    Raises:
        ModelError: It is not a finite number above 0.
    """
    return validate_temperature(getattr(config, TEMPERATURE_KEY, None), owner)


def probabilities(
    logits: FloatArray, temperature: float | None = None, *, multi_label: bool
) -> FloatArray:
    """The probability of each class, in double precision. (..., C) -> (..., C)

    Args:
        logits: (..., C)
        temperature: What logits are divided by, where the checkpoint states one.
        multi_label: Whether every class is decided on its own.
    """
    scaled = logits.astype(np.float64) / (1.0 if temperature is None else temperature)
    values: FloatArray = expit(scaled) if multi_label else softmax(scaled, axis=-1)
    return values
