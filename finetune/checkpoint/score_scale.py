"""The scale of scores: trained at mean 0 and deviation 1, whatever unit they have, and put back.

So the learning rates that suit classes suit scores of any size. The heads of decoders have no bias
to put a mean into: their scores are only divided, by their root mean square.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from torch import Tensor, nn
from transformers import PreTrainedModel

from finetune.checkpoint.arrays import FloatArray
from finetune.errors import ModelError

Values = TypeVar("Values", FloatArray, Tensor)


@dataclass(frozen=True, slots=True)
class ScoreScale:
    """Where the scores of train lie."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, scores: Sequence[float]) -> "ScoreScale":
        """The scale of *scores*, of which two at least differ."""
        return cls(float(np.mean(scores)), float(np.std(scores)))

    @classmethod
    def for_head(cls, scores: Sequence[float], model: PreTrainedModel) -> "ScoreScale":
        """The scale of *scores* that the last layer of *model* can take at the end."""
        if output_layer(model).bias is not None:
            return cls.of(scores)
        return cls(0.0, float(np.sqrt(np.mean(np.square(scores)))))

    def standardized(self, scores: Values) -> Values:
        """*scores* in deviations from the mean."""
        return (scores - self.mean) / self.deviation

    def destandardize(self, values: Values) -> Values:
        """What `standardized` made *values* of."""
        return values * self.deviation + self.mean

    def unscaled_weights(
        self, weights: dict[str, Tensor], model: PreTrainedModel
    ) -> dict[str, Tensor]:
        """The *weights* of a *model* that was trained on standardized scores, in their own unit."""
        layer = output_layer(model)
        name = next(name for name, part in model.named_modules() if part is layer)
        scaled = {f"{name}.weight": weights[f"{name}.weight"] * self.deviation}
        if layer.bias is not None:
            scaled[f"{name}.bias"] = self.destandardize(weights[f"{name}.bias"])
        return weights | scaled


def output_layer(model: PreTrainedModel) -> nn.Linear:
    """The linear layer of *model* that gives its one logit.

    Raises:
        ModelError: There is no such layer, or not one alone.
    """
    encoder = set(model.base_model.modules())
    found = [
        part
        for part in model.modules()
        if isinstance(part, nn.Linear) and part.out_features == 1 and part not in encoder
    ]
    if len(found) != 1:
        raise ModelError(
            f"the head of this {model.config.model_type} has no single last layer and can't learn"
            " scores; choose another base model"
        )
    return found[0]
