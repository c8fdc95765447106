"""How much a model reads at once."""

from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from finetune.checkpoint.families import POSITION_TABLES


def max_input_length(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> int:
    """Tokens that the model can read at once, special tokens included.

    The tokenizer's limit, within that of the positions. RoBERTa and its like count positions from
    one past the padding index, which costs them that many rows of the table.
    """
    limits = [int(tokenizer.model_max_length)]
    positions = getattr(model.config, "max_position_embeddings", None)
    if isinstance(positions, int) and positions > 0:
        limits.append(positions)
    for name, table in model.base_model.named_modules():
        if name.rpartition(".")[2] in POSITION_TABLES and isinstance(table, nn.Embedding):
            padding = table.padding_idx
            limits.append(table.num_embeddings - (0 if padding is None else padding + 1))
            break
    return min(limits)
