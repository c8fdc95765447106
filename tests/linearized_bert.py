"""A BERT whose attention, slopes and deviations are held as they are, written out by hand."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from viz import Classifier
from viz.types import Reading


def frozen_norm(states: Tensor, norm: nn.LayerNorm) -> Tensor:
    """A LayerNorm whose deviation does not move."""
    centered = states - states.mean(-1, keepdim=True)
    deviation = (centered.square().mean(-1, keepdim=True) + norm.eps).sqrt().detach()
    return centered / deviation * norm.weight + norm.bias


def frozen_slope(states: Tensor, activated: Tensor) -> Tensor:
    """An activation that goes on along the line from 0 to where it is."""
    return states * (activated / states).detach()


def frozen_layer(layer: Any, states: Tensor, n_heads: int, as_read: Tensor | None) -> Tensor:
    """A layer whose attention does not move, half of it another text's, if any.  (T, D)"""
    own, width = layer.attention.self, states.shape[-1] // n_heads

    def by_head(linear: nn.Linear) -> Tensor:
        projected: Tensor = linear(states)
        return projected.view(-1, n_heads, width).transpose(0, 1)

    logits = by_head(own.query) @ by_head(own.key).transpose(1, 2) / width**0.5
    weights = logits.softmax(-1).detach()
    weights = weights if as_read is None else (weights + as_read) / 2
    mixed = (weights @ by_head(own.value)).transpose(0, 1).flatten(1)
    output = layer.attention.output
    middle = frozen_norm(output.dense(mixed) + states, output.LayerNorm)
    inner = layer.intermediate.dense(middle)
    inner = frozen_slope(inner, functional.gelu(inner))
    return frozen_norm(layer.output.dense(inner) + middle, layer.output.LayerNorm)


def frozen_logits(classifier: Classifier, states: Tensor, as_read: Tensor | None = None) -> Tensor:
    """The logits, from what the first layer reads.  (T, D) -> (C,)

    Args:
        classifier: A BERT.
        states: (T, D)
        as_read: Attention, (L, H, T, T), that is held beside that of these states.
    """
    bert: Any = classifier.model.bert
    for index, layer in enumerate(bert.encoder.layer):
        beside = None if as_read is None else as_read[index]
        states = frozen_layer(layer, states, classifier.n_heads, beside)
    pooled = bert.pooler.dense(states[0])
    logits: Tensor = classifier.model.classifier(frozen_slope(pooled, pooled.tanh()))
    return logits


def frozen_log_odds(classifier: Classifier, states: Tensor, target: int, as_read: Tensor) -> Tensor:
    """A class against all others, from what the first layer reads.  (T, D)"""
    logits = frozen_logits(classifier, states, as_read)
    others = [index for index in range(len(logits)) if index != target]
    odds: Tensor = logits[target] - logits[others].logsumexp(0)
    return odds


def embedded(classifier: Classifier, reading: Reading) -> Tensor:
    """What the first layer reads of a text.  (T, D)"""
    inputs = {name: torch.tensor(ids)[None] for name, ids in reading.encoding.inputs.items()}
    inputs.pop("attention_mask")
    with torch.no_grad():
        states: Tensor = classifier.model.bert.embeddings(**inputs)[0]
    return states


def on_the_path(classifier: Classifier, reading: Reading, target: int, share: float) -> Tensor:
    """What each token adds: the way from its mask, times the held slope at *share* of it.  (T,)"""
    embeddings: Any = classifier.model.bert.embeddings
    ids = torch.tensor(reading.encoding.inputs["input_ids"])
    words, mask = embeddings.word_embeddings(ids), torch.tensor(classifier.tokenizer.mask_token_id)
    special = torch.tensor([token.special for token in reading.encoding.tokens])
    masks = torch.where(special[:, None], words, embeddings.word_embeddings(mask))
    places = embeddings.position_embeddings.weight[: len(ids)]
    around = places + embeddings.token_type_embeddings.weight[0]
    whole, gone, between = (
        embeddings.LayerNorm(part + around)
        for part in (words, masks, masks + share * (words - masks))
    )
    leaf = between.detach().requires_grad_()
    as_read = torch.tensor(reading.attention.weights)
    (slope,) = torch.autograd.grad(frozen_log_odds(classifier, leaf, target, as_read), leaf)
    added: Tensor = ((whole - gone) * slope).sum(-1).detach()
    return added
