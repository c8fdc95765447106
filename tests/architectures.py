"""Small seeded classifiers of families that CLSight was not made for, built on the spot."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from tests.tiny_models import LABELS, tokenizer

SIZE: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
}
ROTARY: dict[str, Any] = {"rope_theta": 10_000.0, "rope_type": "default"}
OWN: dict[str, dict[str, Any]] = {
    # Layers that look 8 tokens far; a third layer, so that local and global ones are among them.
    "modernbert": {
        "num_hidden_layers": 3,
        "local_attention": 8,
        "cls_token_id": 2,
        "sep_token_id": 3,
        "reference_compile": False,
    },
    "eurobert": {"num_key_value_heads": 4, "mask_token_id": 4},
    "esm": {
        "position_embedding_type": "rotary",
        "emb_layer_norm_before": True,
        "token_dropout": False,
        "mask_token_id": 4,
    },
    "nomic_bert": {},
    "mobilebert": {"embedding_size": 16, "intra_bottleneck_size": 16, "true_hidden_size": 16},
    # Blocks of 4 tokens: texts of 45 tokens and more are read sparsely.
    "big_bird": {"attention_type": "block_sparse", "block_size": 4, "num_random_blocks": 3},
    "fnet": {"num_attention_heads": None},
    "deberta-v2": {},
    "reformer": {
        "num_hidden_layers": None,
        "attn_layers": ["local", "local"],
        "attention_head_size": 8,
        "feed_forward_size": 48,
        "axial_pos_embds": False,
        "is_decoder": False,
        "local_attn_chunk_length": 8,
    },
}
"""Settings of each family beside `SIZE`, by the name transformers gives it."""


def architecture_checkpoint(path: Path, family: str, *, seed: int = 0, **settings: Any) -> Path:
    """Save a random classifier of a family, its weights large enough to matter."""
    words = tokenizer("bert")
    asked = SIZE | OWN.get(family, {}) | settings
    config = AutoConfig.for_model(
        family,
        vocab_size=len(words),
        max_position_embeddings=asked.pop("max_position_embeddings", 64),
        pad_token_id=words.pad_token_id,
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
        initializer_range=0.2,
        **{key: value for key, value in asked.items() if value is not None},
    )
    torch.manual_seed(seed)
    model = AutoModelForSequenceClassification.from_config(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("bias"):
                weight.normal_(0, 0.1)
            elif weight.dim() == 1:
                weight.normal_(1, 0.3)
    model.save_pretrained(path)
    words.save_pretrained(path)
    return path
