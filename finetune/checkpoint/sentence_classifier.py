"""A classifier of sentence-transformers: an encoder, the pooling of its last states, a linear head.

It is a model of transformers like any other, made from its configuration alone: that of the
encoder, with the entry `HEAD_KEY` for what stands on it.
"""

import inspect
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    MODEL_MAPPING,
    MT5Config,
    MT5EncoderModel,
    PreTrainedConfig,
    PreTrainedModel,
    T5Config,
    T5EncoderModel,
)
from transformers.modeling_outputs import SequenceClassifierOutput

from finetune.checkpoint.sentence_modules import DENSE, FIRST, Layer, SentenceModules

HEAD_KEY = "sentence_head"
"""The entry of a configuration that describes the pooling and the head."""
ENCODERS: dict[type[PreTrainedConfig], type[PreTrainedModel]] = {
    T5Config: T5EncoderModel,
    MT5Config: MT5EncoderModel,
}
"""Families of which the library takes the encoder alone."""
LEAST = 1e-12
"""What a norm is divided by at least, as in torch.nn.functional.normalize."""
LEAST_TOKENS = 1e-9
"""How many tokens a mean is taken of at least, as in the library."""


class Normalize(nn.Module):
    """A vector of length 1 in the same direction."""

    def forward(self, states: Tensor) -> Tensor:
        """(N, D) -> (N, D)."""
        length: Tensor = states.norm(dim=-1, keepdim=True)
        return states / length.clamp_min(LEAST)


class SentenceClassifier(PreTrainedModel):  # type: ignore[misc]
    """An encoder whose pooled last states go through linear layers, as that library computes it.

    Args:
        config: That of the encoder, with an entry `HEAD_KEY`.
        encoder: The encoder; a new one where None.
    """

    base_model_prefix = "encoder"
    _supports_sdpa = True
    _supports_attention_backend = True

    def __init__(self, config: PreTrainedConfig, encoder: PreTrainedModel | None = None) -> None:
        super().__init__(config)
        head = getattr(config, HEAD_KEY)
        self.encoder = new_encoder(config) if encoder is None else encoder
        self.reads_first = head["pooling"] == FIRST
        self.classifier = nn.Sequential(*(_module(layer) for layer in head["layers"]))
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Leave what the encoder has begun with; linear layers begin as torch lets them."""

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        **inputs: Any,
    ) -> SequenceClassifierOutput:
        """The logits of each text.  (N, T) -> (N, C)

        Args:
            input_ids: (N, T)
            attention_mask: (N, T), 0 where a token only fills a batch up.
            inputs: What else the encoder reads.
        """
        output = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **inputs)
        states = output[0]
        if self.reads_first:
            pooled = states[:, 0]
        else:
            mask = states.new_ones(states.shape[:2]) if attention_mask is None else attention_mask
            shares = mask.unsqueeze(-1).to(states.dtype)
            pooled = (states * shares).sum(1) / shares.sum(1).clamp_min(LEAST_TOKENS)
        return SequenceClassifierOutput(
            logits=self.classifier(pooled),
            hidden_states=getattr(output, "hidden_states", None),
            attentions=getattr(output, "attentions", None),
        )


def encoder_class(config: PreTrainedConfig) -> type[PreTrainedModel] | None:
    """The class of the encoder that the library makes; None where it makes none alone."""
    if type(config) in ENCODERS:
        return ENCODERS[type(config)]
    if config.is_encoder_decoder or type(config) not in MODEL_MAPPING:
        return None
    found = MODEL_MAPPING[type(config)]
    kind: type[PreTrainedModel] = found[0] if isinstance(found, tuple | list) else found
    return kind


def new_encoder(config: PreTrainedConfig) -> PreTrainedModel:
    """The encoder that *config* describes, without a pooler, which nothing reads."""
    kind = encoder_class(config)
    assert kind is not None
    pooler = "add_pooling_layer" in inspect.signature(kind.__init__).parameters
    return kind(config, **({"add_pooling_layer": False} if pooler else {}))


def head_settings(modules: SentenceModules) -> dict[str, Any]:
    """What a configuration keeps of the pooling and the head.

    A last layer that makes probabilities of its outputs gives the logits of those.
    """
    layers = [layer.settings() for layer in modules.layers]
    last = layers[-1]
    if last["outputs"] > 1 and last["activation"] in ("Softmax", "Sigmoid"):
        last["activation"] = "Identity"
    return {"pooling": modules.pooling, "layers": layers}


def _module(settings: dict[str, Any]) -> nn.Module:
    if settings["kind"] != DENSE:
        return Normalize()
    linear = nn.Linear(settings["inputs"], settings["outputs"], bias=settings["bias"])
    if settings["activation"] == "Identity":
        return linear
    options = {"dim": -1} if settings["activation"] == "Softmax" else {}
    return nn.Sequential(linear, getattr(nn, settings["activation"])(**options))


@torch.no_grad()
def put_head(model: SentenceClassifier, layers: tuple[Layer, ...]) -> None:
    """Overwrite the linear layers of *model* with the weights of the files."""
    for module, layer in zip(model.classifier, layers, strict=True):
        if layer.weights is None:
            continue
        linear = next(part for part in module.modules() if isinstance(part, nn.Linear))
        for name, tensor in layer.weights.load().items():
            linear.get_parameter(name.removeprefix("linear.")).copy_(tensor)
