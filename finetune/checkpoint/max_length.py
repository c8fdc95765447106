"""How much a model reads at once."""

from collections.abc import Iterator
from contextlib import suppress

from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

POSITION_LIMITS = ("max_position_embeddings", "max_seq_len")
"""Settings of how many positions there are, whatever they are embedded by."""


def max_input_length(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> int:
    """Tokens that the model can read at once, special tokens included.

    The tokenizer's limit, within that of the positions. RoBERTa and its like count positions from
    one past the padding index, which costs them that many rows of the table.
    """
    limits = [int(tokenizer.model_max_length)]
    config, words = _text_config(model.config), None
    with suppress(NotImplementedError):  # CANINE hashes whatever number it is given
        words = model.get_input_embeddings()
    for name in POSITION_LIMITS:
        positions = getattr(config, name, None)
        if not isinstance(positions, int) or positions <= 0:
            continue
        limits.append(positions)
        for table in _modules_for_text(model.base_model):
            rows = getattr(getattr(table, "weight", None), "shape", (0,))[0]
            padding = getattr(table, "padding_idx", None)
            if rows == positions and padding is not None and table is not words:
                limits.append(positions - padding - 1)
    return min(limits)


def _text_config(config: PreTrainedConfig) -> PreTrainedConfig:
    """The settings of what reads text, in a model that also reads something else."""
    if any(hasattr(config, name) for name in POSITION_LIMITS):
        return config
    # An encoder comes first, also where it has settings of its own for text and for pictures.
    for part in ("text_config", "encoder"):
        inner = getattr(config, part, None)
        if isinstance(inner, PreTrainedConfig):
            return _text_config(inner)
    return config


def _modules_for_text(model: nn.Module) -> Iterator[nn.Module]:
    """All modules, without the parts that have a configuration and no vocabulary.

    Positions in such a part are those of a picture.
    """
    yield model
    for child in model.children():
        if not isinstance(child, PreTrainedModel) or _reads_text(child.config):
            yield from _modules_for_text(child)


def _reads_text(config: PreTrainedConfig) -> bool:
    return hasattr(config, "vocab_size") or any(
        hasattr(getattr(config, part), "vocab_size") for part in config.sub_configs
    )
