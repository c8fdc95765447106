"""Does a model say where its heads look? Asked of a small one of its kind, before any training.

What the Read page opens has to hand out one map of attention for each head of each layer. Whether a
family does is asked of a pass, not of its name: over a short text and over one longer than any
window, by a model with few layers, few words and random weights.
"""

import copy
from contextlib import suppress

import torch
from transformers import PreTrainedConfig, PreTrainedModel

from finetune.checkpoint.loading import build_new_classifier

N_LAYERS, N_TOKEN_IDS = 2, 300
"""Of the small model, where its configuration lets itself be changed."""
SHORT_TOKENS, LONG_TOKENS = 8, 300
"""Tokens of the two texts."""
TOLERANCE = 1e-4
"""How far from 1 the shares of a row may add up."""


def unsupported_reason(config: PreTrainedConfig) -> str | None:
    """A sentence where CLSight can't open what is trained from such a model; None where it can.

    A small model that can't be made or run tells nothing, and nothing is said.
    """
    with torch.random.fork_rng(devices=[]):
        try:
            reason = _reason(config)
        except Exception:  # a family that nobody knows can fail in any way
            return None
    if reason is None:
        return None
    return (
        f"A classifier trained from this {config.model_type} model can't be opened on the Read page"
        f" or by clsight read, because it {reason}; transformers can open it."
    )


def _reason(config: PreTrainedConfig) -> str | None:
    """Why a model of this kind is refused where it is to be read, if it is."""
    small = _small_config(config)
    model = build_new_classifier(small, attention="eager").eval()
    longest = int(getattr(small, "max_position_embeddings", None) or LONG_TOKENS)
    for length in (SHORT_TOKENS, min(LONG_TOKENS, longest - 4)):
        tokens, before = _token_ids(small, length), _settings(model)
        with torch.no_grad():
            output = model(
                input_ids=tokens, attention_mask=torch.ones_like(tokens), output_attentions=True
            )
        if _settings(model) != before:
            return "changes its own settings while reading"
        maps = tuple(getattr(output, "attentions", None) or ())
        shape = (1, small.num_attention_heads, length, length)
        if [tuple(each.shape) for each in maps] != [shape] * small.num_hidden_layers or (
            (torch.cat(maps).sum(-1) - 1).abs().max() > TOLERANCE
        ):
            return "does not return one attention map per head"
    return None


def _settings(model: PreTrainedModel) -> list[str]:
    """What the parts of a model are told to do, which a pass could change."""
    modules = [
        {name: value for name, value in vars(part).items() if not name.startswith("_")}
        for part in model.modules()
    ]
    kinds = (bool, int, float, str)
    return [repr([each for each in own.items() if isinstance(each[1], kinds)]) for own in modules]


def _small_config(config: PreTrainedConfig) -> PreTrainedConfig:
    """The same model with few layers and words."""
    small = copy.deepcopy(config)
    special = [
        value
        for name, value in small.to_dict().items()
        if name.endswith("_token_id") and isinstance(value, int)
    ]
    for name, value in (
        ("num_hidden_layers", min(small.num_hidden_layers, N_LAYERS)),
        ("vocab_size", min(small.vocab_size, max([N_TOKEN_IDS, *(one + 1 for one in special)]))),
    ):
        with suppress(Exception):  # Funnel, for one, counts its layers in blocks
            setattr(small, name, value)
    return small


def _token_ids(config: PreTrainedConfig, length: int) -> torch.Tensor:
    """The numbers of a text without padding.  (1, T)"""
    words = [number for number in range(config.vocab_size) if number != config.pad_token_id]
    return torch.tensor([[words[place % len(words)] for place in range(length)]])
