"""Small seeded classifiers of each family that transformers puts a classification head on.

Built on the spot: no download, no training. Windows are small enough to cut a text of 50 tokens,
keys are grouped where a family groups them, and the weights are large enough to matter.
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedConfig
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
)

from tests.family_tokenizers import MAX_TOKENS, family_tokenizer

CLASSES = ("negative", "neutral", "positive")
LONG_TEXT = " ".join(
    [
        "the market was not good, oil prices rise as stocks fall.",
        "space probe finds ice on moon! the team wins the game?",
        "peace talks fall as the minister was not very good.",
        "a bad movie, and the script was very bad - not good.",
    ]
)
"""A text of 50 to 64 tokens for every kind of tokenizer."""

NOT_BUILT: dict[str, str] = {
    "layoutlmv2": "needs detectron2, which is not on the package index",
}
"""Families that no small folder can be built of, with the reason."""

_SIZE: dict[str, Any] = {
    # widths
    "hidden_size": 32, "d_model": 32, "n_embd": 32, "dim": 32, "emb_dim": 32, "head_dim": 8,
    "d_kv": 8, "d_head": 8, "attention_head_size": 8, "kv_channels": 8, "embedding_size": 24,
    "input_embedding_size": 24, "output_embedding_size": 24, "word_embed_proj_dim": 32,
    "rotary_dim": 4, "entity_emb_size": 16, "prediction_head_size": 32,
    "intermediate_size": 48, "n_inner": 48, "dff": 48, "hidden_dim": 48, "d_ff": 48, "ffn_dim": 48,
    "d_inner": 48, "ffn_hidden_size": 48, "feed_forward_size": 48, "moe_intermediate_size": 24,
    "shared_expert_intermediate_size": 24, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48,
    "pooler_hidden_size": 32,
    # heads
    "num_attention_heads": 4, "n_head": 4, "n_heads": 4, "num_heads": 4,
    "encoder_attention_heads": 4, "decoder_attention_heads": 4, "num_key_value_heads": 2,
    # low-rank keys and values
    "kv_lora_rank": 8, "q_lora_rank": 12, "qk_rope_head_dim": 4, "qk_nope_head_dim": 4,
    "v_head_dim": 8,
    # layers
    "num_hidden_layers": 2, "n_layer": 2, "n_layers": 2, "num_layers": 2, "num_decoder_layers": 2,
    "encoder_layers": 2, "decoder_layers": 2,
    # experts
    "num_experts": 4, "num_local_experts": 4, "n_routed_experts": 4, "n_shared_experts": 1,
    "num_experts_per_tok": 2, "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1,
    # positions and windows
    "max_position_embeddings": MAX_TOKENS + 8, "n_positions": MAX_TOKENS, "max_seq_len": MAX_TOKENS,
    "sliding_window": 8, "window_size": 8, "max_2d_position_embeddings": 16,
    "relative_attention_num_buckets": 8, "relative_attention_max_distance": 32,
    # linear attention
    "linear_key_head_dim": 8, "linear_value_head_dim": 8, "linear_num_key_heads": 2,
    "linear_num_value_heads": 4, "mamba_d_state": 4, "mamba_d_conv": 3, "n_mamba_heads": 2,
    # pictures
    "image_size": 32, "input_size": 32, "patch_size": 16, "depth": 1, "out_hidden_size": 32,
    "num_position_embeddings": 16,
    # weights
    "initializer_range": 0.2, "init_std": 0.2,
}  # fmt: skip
"""Sizes by the names that configurations give them."""

_ROTARY = {"rope_theta": 10_000.0, "rope_type": "default"}
_MLA = {"num_key_value_heads": 4, "head_dim": 4}
_OWN: dict[str, dict[str, Any]] = {
    "albert": {"num_hidden_layers": 3, "inner_group_num": 1},
    "axk1": _MLA,
    "axk2": _MLA,
    "big_bird": {"block_size": 4, "num_random_blocks": 3},
    "bigbird_pegasus": {"block_size": 4, "num_random_blocks": 3},
    "canine": {"num_hash_buckets": 256, "local_transformer_stride": 16},
    "cohere_compass_text": {
        "layer_types": ["sliding_attention", "full_attention"],
        "rope_parameters": {
            "sliding_attention": {**_ROTARY, "mrope_section": [2, 1, 1]}, "full_attention": None,
        },
    },
    "deberta-v2": {
        "relative_attention": True, "position_buckets": 8, "max_relative_positions": MAX_TOKENS,
        "pos_att_type": ["p2c", "c2p"], "share_att_key": True, "norm_rel_ebd": "layer_norm",
        "position_biased_input": False,
    },
    "deberta": {
        "relative_attention": True, "max_relative_positions": MAX_TOKENS,
        "pos_att_type": ["p2c", "c2p"], "position_biased_input": False,
    },
    "deepseek_v2": _MLA,
    "deepseek_v3": _MLA,
    "ernie": {"use_task_id": True},
    "esm": {
        "position_embedding_type": "rotary", "emb_layer_norm_before": True, "token_dropout": False,
    },
    "esmc": {"num_key_value_heads": 4},
    "funnel": {"block_sizes": [1, 2], "d_head": 8, "num_decoder_layers": 1},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]]},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1, "use_mamba_kernels": False},
    "layoutlmv3": {"coordinate_size": 6, "shape_size": 4},
    # Its widths have to be multiples of 6 and of 4.
    "lilt": {"hidden_size": 48},
    "luke": {"entity_vocab_size": 8},
    "markuplm": {
        "max_xpath_tag_unit_embeddings": 8, "max_xpath_subs_unit_embeddings": 8, "tag_pad_id": 7,
        "subs_pad_id": 7, "max_depth": 4, "xpath_unit_hidden_size": 8,
    },
    "longformer": {"attention_window": [8, 8]},
    "minicpm3": _MLA,
    "mistral4": _MLA,
    "mobilebert": {
        "embedding_size": 16, "intra_bottleneck_size": 16, "true_hidden_size": 16,
        "num_feedforward_networks": 2,
    },
    # A third layer, so that a local layer reads from a local one.
    "modernbert": {
        "num_hidden_layers": 3, "local_attention": 8,
        "layer_types": ["full_attention", "sliding_attention", "sliding_attention"],
    },
    "modernbert-decoder": {"local_attention": 16},
    "mpnet": {"relative_attention_num_buckets": 32},
    "nystromformer": {"conv_kernel_size": 5},
    "perceiver": {
        "num_latents": 8, "d_latents": 32, "num_self_attends_per_block": 2,
        "num_self_attention_heads": 4, "num_cross_attention_heads": 4,
    },
    "reformer": {
        "attn_layers": ["local", "local"], "axial_pos_embds": False, "is_decoder": False,
        "local_attn_chunk_length": 8, "num_hidden_layers": None,
    },
    "roc_bert": {
        "pronunciation_embed_dim": 16, "pronunciation_vocab_size": 20, "shape_embed_dim": 16,
        "shape_vocab_size": 20,
    },
    "squeezebert": {"embedding_size": 32},
    "t5": {"decoder_start_token_id": 0},
    "mt5": {"decoder_start_token_id": 0},
    "xmod": {"default_language": "en_XX"},
    # Its hybrid layers share their weights: two of them.
    "zamba": {
        "layers_block_type": ["hybrid", "linear_attention", "hybrid"], "num_hidden_layers": 3,
        "use_mamba_kernels": False,
        "attention_hidden_size": 64, "attention_head_dim": 16, "mamba_dt_rank": 4,
    },
    "zamba2": {
        "layers_block_type": ["hybrid", "linear_attention", "hybrid"], "num_hidden_layers": 3,
        "use_mamba_kernels": False, "attention_hidden_size": 64, "attention_head_dim": 16,
        "mamba_headdim": 32,
        "chunk_size": 16, "adapter_rank": 4, "kv_channels": None,
    },
}  # fmt: skip
"""Settings of one family beside `_SIZE`."""

_TOKENIZERS: dict[str, tuple[str, ...]] = {
    "distilbert": ("distilbert", "esm", "tapas", "canine", "perceiver", "reformer", "esmc"),
    "mpnet": ("mpnet",),
    "roberta": (
        "roberta", "roberta-prelayernorm", "data2vec-text", "longformer", "luke", "ibert", "bart",
        "mvp", "markuplm", "layoutlmv3", "lilt", "biogpt", "xlm", "flaubert", "mra", "yoso",
        "nystromformer",
    ),
    "xlm-roberta": (
        "camembert", "xlm-roberta", "xlm-roberta-xl", "xmod", "jina_embeddings_v3", "gte",
    ),
    "mbart": ("mbart", "plbart"),
    "albert": ("albert", "big_bird", "rembert", "deberta-v2", "fnet"),
    "modernbert": ("modernbert", "eurobert", "deberta", "ultrabert", "modernvbert", "ultravbert"),
    "t5": ("t5", "mt5", "umt5", "t5gemma", "t5gemma2", "bigbird_pegasus"),
    "xlnet": ("xlnet",),
    "llama": (
        "llama", "mistral", "mixtral", "ministral", "ministral3", "mistral4", "phi3", "phimoe",
        "zamba", "zamba2", "jamba", "persimmon", "arcee", "helium", "jetmoe", "minicpm3",
        "minimax", "diffllama", "deepseek_v2", "deepseek_v3", "axk1", "axk2", "doge", "gpt-sw3",
        "hunyuan_v1_dense", "hunyuan_v1_moe",
    ),
    "gemma": ("gemma", "gemma2", "gemma3", "gemma3_text", "cohere_compass_text"),
    "qwen": (
        "qwen2", "qwen2_moe", "qwen3", "qwen3_5", "qwen3_5_text", "qwen3_moe", "qwen3_next",
    ),
    "gpt2": (
        "gpt2", "gpt_bigcode", "gpt_neo", "gpt_neox", "gpt_oss", "gptj", "bloom", "ctrl",
        "openai-gpt", "opt", "falcon", "mpt", "phi", "stablelm", "starcoder2", "olmo", "olmo2",
        "olmo3", "glm", "glm4", "exaone4", "nemotron", "seed_oss", "smollm3",
        "modernbert-decoder",
    ),
}  # fmt: skip
"""The kind of tokenizer by its families; all others have BERT's."""
_TOKENIZER = {family: kind for kind, families in _TOKENIZERS.items() for family in families}

FAMILIES: tuple[str, ...] = tuple(
    sorted(set(MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES) - set(NOT_BUILT))
)
"""All families that a folder can be built of, by the name that transformers gives each."""

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "modernbert mean": ("modernbert", {"classifier_pooling": "mean"}),
    "eurobert late": ("eurobert", {"classifier_pooling": "late"}),
    "eurobert mean": ("eurobert", {"classifier_pooling": "mean"}),
    "eurobert every head its keys": ("eurobert", {"num_key_value_heads": 4}),
    "big_bird original_full": ("big_bird", {"attention_type": "original_full"}),
    "deberta-v2 absolute": (
        "deberta-v2", {"relative_attention": False, "position_biased_input": True},
    ),
    "falcon alibi": ("falcon", {"alibi": True}),
    "falcon grouped": (
        "falcon", {"new_decoder_architecture": True, "num_kv_heads": 2, "multi_query": False},
    ),
    "gpt2 one token pads and ends": ("gpt2", {"kind": "gpt2 without padding"}),
    "llama one key head": ("llama", {"num_key_value_heads": 1}),
    "qwen2 window": (
        "qwen2",
        {
            "use_sliding_window": True, "sliding_window": 8,
            "layer_types": ["sliding_attention", "full_attention"],
        },
    ),
    "gpt2 summed in inverse order": ("gpt2", {"scale_attn_by_inverse_layer_idx": True}),
    "opt norms behind": ("opt", {"do_layer_norm_before": False}),
    "reformer hashed": ("reformer", {"attn_layers": ["local", "lsh"], "lsh_attn_chunk_length": 8}),
    "bert relu": ("bert", {"hidden_act": "relu"}),
    "distilbert sinusoidal": ("distilbert", {"sinusoidal_pos_embds": True}),
}  # fmt: skip
"""Further settings of a family that change how it computes: its name and those settings."""


def _sizes(usual: PreTrainedConfig, given: dict[str, Any]) -> dict[str, Any]:
    """The small settings in the place of the usual ones, those of its parts included."""
    keys = usual.to_dict()
    layers = _SIZE["num_hidden_layers"]
    settings = {key: value for key, value in (_SIZE | given).items() if key in keys}
    if keys.get("layer_types"):
        settings["layer_types"] = (list(dict.fromkeys(keys["layer_types"])) * layers)[:layers]
    settings |= {key: given[key] for key in given if key.endswith("_token_id")}
    settings |= _OWN.get(usual.model_type, {})
    for part in usual.sub_configs:
        if getattr(usual, part, None) is not None:
            own = getattr(usual, part)
            settings[part] = {"model_type": own.model_type} | _sizes(own, given)
    return {key: value for key, value in settings.items() if value is not None}


def family_config(family: str, kind: str | None = None, **settings: Any) -> PreTrainedConfig:
    """The small configuration of a family, fitted to its tokenizer."""
    words = family_tokenizer(kind or _TOKENIZER.get(family, "bert"))
    special = {
        f"{role}_token_id": getattr(words, f"{role}_token_id")
        for role in ("pad", "bos", "eos", "cls", "sep", "mask")
    }
    usual = AutoConfig.for_model(family)
    # Places of pictures stand behind the words.
    rows = len(words) + 8 * ("vision_config" in usual.sub_configs)
    pictures = ("image_token_id", "image_token_index", "boi_token_index", "eoi_token_index")
    given = {key: value for key, value in special.items() if value is not None}
    given |= {"vocab_size": rows} | {key: rows - 1 - at for at, key in enumerate(pictures)}
    names = dict(enumerate(CLASSES))
    return AutoConfig.for_model(
        family,
        **_sizes(usual, given)
        | {"id2label": names, "label2id": {name: index for index, name in names.items()}}
        | settings,
    )


def draw_weights(model: nn.Module) -> None:
    """Give biases and norms values of their own, so that none can be left out unseen."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("bias"):
                weight.normal_(0, 0.1)
            elif weight.dim() == 1 and "norm" in name.lower():
                weight.normal_(1, 0.3)


def family_checkpoint(path: Path, family: str, seed: int = 0, **settings: Any) -> Path:
    """Save a random classifier of a family (or of a variant, by its name) with its tokenizer."""
    if family in VARIANTS:
        family, varied = VARIANTS[family]
        settings = varied | settings
    kind = settings.pop("kind", None) or _TOKENIZER.get(family, "bert")
    torch.manual_seed(seed)
    model = AutoModelForSequenceClassification.from_config(family_config(family, kind, **settings))
    draw_weights(model)
    model.save_pretrained(path)
    family_tokenizer(kind).save_pretrained(path)
    return path
