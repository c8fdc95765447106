"""The records of families, against the models that transformers builds of them."""

from operator import attrgetter
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForSequenceClassification

from finetune.checkpoint import families
from finetune.checkpoint.families import FAMILIES, Family, layer_number

SMALL: dict[str, Any] = {
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "vocab_size": 20,
    "pad_token_id": 0,
}
OWN: dict[str, dict[str, Any]] = {
    "bart": {
        "decoder_layers": 1,
        "encoder_layers": 2,
        "d_model": 8,
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
    },
    "distilbert": {"dim": 8, "n_layers": 2, "n_heads": 2, "hidden_dim": 12},
    "electra": {"embedding_size": 4},
    "funnel": {
        "num_hidden_layers": None,
        "d_model": 8,
        "block_sizes": [1, 1],
        "n_head": 2,
        "d_head": 4,
        "d_inner": 12,
    },
    "gpt2": {"n_embd": 8, "n_layer": 2, "n_head": 2},
    "modernbert": {"cls_token_id": 1, "sep_token_id": 2},
    "t5": {"d_model": 8, "num_layers": 2, "num_heads": 2, "d_kv": 4, "d_ff": 12},
    "xlnet": {"d_model": 8, "n_layer": 2, "n_head": 2, "d_inner": 12},
}
"""Sizes by the names that families have for them."""
KINDS = {
    family.name: family.name.lower().replace("-", "")
    for family in FAMILIES
    if family.name != "CLIP"
}
"""What transformers calls each family; CLIP has no classifier of texts."""


def build(kind: str) -> nn.Module:
    sizes = SMALL | OWN.get(kind, {})
    config = AutoConfig.for_model(kind, **{k: v for k, v in sizes.items() if v is not None})
    with torch.device("meta"):
        model: nn.Module = AutoModelForSequenceClassification.from_config(config)
    return model


@pytest.mark.parametrize(
    "family", [each for each in FAMILIES if each.name in KINDS], ids=lambda each: each.name
)
def test_a_record_names_what_the_model_has(family: Family) -> None:
    model = build(KINDS[family.name])
    modules = dict(model.named_modules())
    lists = {
        name.rpartition(".")[2] for name, each in modules.items() if isinstance(each, nn.ModuleList)
    }
    assert family.layers in lists
    names = [name for name, _ in model.named_parameters()]
    assert {layer_number(name) for name in names} >= {None, 0}
    tops = {name.removeprefix(f"{model.base_model_prefix}.").split(".")[0] for name in modules}
    assert set(family.head_names) <= tops
    if family.position_table is not None:
        tables = [each for name, each in modules.items() if name.endswith(family.position_table)]
        assert any(isinstance(each, nn.Embedding) for each in tables)
    if family.projection is not None:
        assert isinstance(attrgetter(family.projection)(model.base_model), nn.Linear)


@pytest.mark.parametrize(
    "family", [each for each in FAMILIES if each.head is not None], ids=lambda each: each.name
)
def test_the_head_of_a_family_gives_the_logits(family: Family) -> None:
    assert family.head is not None
    out = attrgetter(family.head.out)(build(KINDS[family.name]))
    assert (type(out), out.out_features) == (nn.Linear, 2)


def test_sentences_name_the_families_that_are_taken_apart() -> None:
    assert families.NAMES == "BERT, RoBERTa, ELECTRA, DistilBERT"
    assert families.NAMES_AND == "BERT, RoBERTa, ELECTRA and DistilBERT"
    assert families.NAMES_OR == "BERT, RoBERTa, ELECTRA or DistilBERT"


@pytest.mark.parametrize(
    ("weight", "number", "own"),
    [
        ("bert.encoder.layer.11.output.dense.weight", 11, 11),
        ("distilbert.transformer.layer.0.ffn.lin1.bias", 0, 0),
        ("layers.3.mlp.Wi.weight", 3, 3),
        ("albert.encoder.albert_layer_groups.0.albert_layers.0.ffn.bias", 0, None),
        ("funnel.encoder.blocks.1.0.attention.q_head.weight", 1, None),
        ("bert.embeddings.LayerNorm.weight", None, None),
        ("classifier.out_proj.weight", None, None),
    ],
)
def test_a_weight_tells_its_layer(weight: str, number: int | None, own: int | None) -> None:
    assert (layer_number(weight), layer_number(weight, own=True)) == (number, own)
