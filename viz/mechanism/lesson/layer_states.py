"""The states of all tokens before the first layer and behind each one, in one pass."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from finetune.checkpoint.arrays import FloatArray
from viz.errors import MethodError
from viz.model.classifier import Classifier
from viz.model.recording import Recorder
from viz.types import Inputs


class _LayerStates(Recorder):
    """Copies what each layer is given and puts out."""

    computes_weights = False

    def __init__(self) -> None:
        super().__init__()
        self.pairs: list[tuple[Tensor, Tensor]] = []

    def on_layer(self, before: Tensor, after: Tensor) -> None:
        self.pairs.append((before.clone(), after.clone()))


def layer_states(classifier: Classifier, rows: Sequence[Inputs]) -> FloatArray:
    """The states of texts of one length: before the first layer, then behind each layer.

    Args:
        classifier: Whose states.
        rows: The model's inputs of each text, all equally long.

    Returns:
        (B, L + 1, T, D)

    Raises:
        MethodError: if the layers have no state for each token of the text.
    """
    recorder = _LayerStates()
    with torch.inference_mode():
        classifier.run(classifier.pad(rows), recorder)
    states = (
        [recorder.pairs[0][0], *(after for _, after in recorder.pairs)] if recorder.pairs else []
    )
    axis, n_tokens = recorder.layout.time_axis, len(rows[0]["input_ids"])
    oriented = [each if axis == 1 else each.transpose(0, 1) for each in states if each.dim() == 3]
    shapes = {tuple(each.shape[:2]) for each in oriented}
    if (
        len(oriented) != classifier.n_layers + 1
        or axis is None
        or shapes != {(len(rows), n_tokens)}
    ):
        raise MethodError(
            f"The layers of the architecture {classifier.architecture} do not have one state for "
            "each token of the text; choose another checkpoint."
        )
    return np.stack([each.double().cpu().numpy() for each in oriented], axis=1)


def with_ids(inputs: Inputs, ids: Sequence[int]) -> Mapping[str, Any]:
    """Inputs of a text with other ids in the places of its own."""
    own = inputs["input_ids"]
    return {**inputs, "input_ids": np.array(ids, dtype=own.dtype)}
