"""A pass of a model over a few tokens, to ask the model itself what it does; it stays as it was."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel

N_TOKENS = 16
"""Of a sample, where the model reads as many."""
FEWEST_TOKENS = 4
N_TOKEN_IDS = 256
"""How many entries a vocabulary has where config.json doesn't say: a byte each."""


@contextmanager
def unchanged(model: PreTrainedModel) -> Iterator[None]:
    """Passes without gradient or dropout, after which the model is as before.

    Some families change their settings, or exchange whole modules, while they read: BigBird turns
    to full attention at the first short text, and stays with it.
    """
    owners = [*model.modules(), model.config]
    before = [
        {name: copy.copy(each) if isinstance(each, dict) else each for name, each in found.items()}
        for found in map(vars, owners)
    ]
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        try:
            model.eval()
            yield
        finally:
            for owner, attributes in zip(owners, before, strict=True):
                vars(owner).clear()
                vars(owner).update(attributes)


def sample_token_ids(
    config: PreTrainedConfig, length: int = N_TOKENS, *, without: int | None = None
) -> Tensor:
    """Numbers of *length* tokens without padding, the end of the text once, as the last.  (T,)

    Args:
        config: The model's, which says what is special.
        length: How many tokens.
        without: A further token that is not among them, but as the end of the text.
    """
    text_config = config.get_text_config()
    settings = {**text_config.to_dict(), **config.to_dict()}
    special = {*_special_ids(settings), without}
    words = range(int(getattr(text_config, "vocab_size", None) or N_TOKEN_IDS))
    plain = [number for number in words[: length + len(special)] if number not in special]
    end = settings.get("eos_token_id")
    ends = [end] if isinstance(end, int) and end in words else []
    body = [(plain or [0])[place % max(len(plain), 1)] for place in range(length - len(ends))]
    return torch.tensor([*body, *ends])


def _special_ids(settings: Mapping[str, Any]) -> Iterator[int]:
    for name, value in settings.items():
        if name.endswith(("token_id", "token_index")):
            yield from (each for each in (value if isinstance(value, list) else [value]))


def sample_length(config: PreTrainedConfig) -> int:
    """How many tokens a sample has: few, and fewer where the model reads few."""
    longest = getattr(config.get_text_config(), "max_position_embeddings", None)
    if not isinstance(longest, int) or longest <= 0:
        return N_TOKENS
    return max(min(N_TOKENS, longest - FEWEST_TOKENS), FEWEST_TOKENS)
