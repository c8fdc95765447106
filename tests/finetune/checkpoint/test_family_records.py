"""The records of families, against the models that transformers builds of them."""

from operator import attrgetter
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForSequenceClassification

from finetune.checkpoint import families
from finetune.checkpoint.families import FAMILIES, Family

SMALL: dict[str, Any] = {
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "vocab_size": 20,
    "pad_token_id": 0,
}
OWN: dict[str, dict[str, Any]] = {
    "distilbert": {"dim": 8, "n_layers": 2, "n_heads": 2, "hidden_dim": 12},
    "electra": {"embedding_size": 4},
}
"""Sizes by the names that families have for them."""
KINDS = {family.name: family.name.lower() for family in FAMILIES}
"""What transformers calls each family."""


def build(kind: str) -> nn.Module:
    sizes = SMALL | OWN.get(kind, {})
    config = AutoConfig.for_model(kind, **{k: v for k, v in sizes.items() if v is not None})
    with torch.device("meta"):
        model: nn.Module = AutoModelForSequenceClassification.from_config(config)
    return model


@pytest.mark.parametrize("family", FAMILIES, ids=lambda each: each.name)
def test_a_record_names_what_the_model_has(family: Family) -> None:
    model = build(KINDS[family.name])
    if family.projection is not None:
        assert isinstance(attrgetter(family.projection)(model.base_model), nn.Linear)
    out = attrgetter(family.head.out)(model)
    assert (type(out), out.out_features) == (nn.Linear, 2)


def test_sentences_name_the_families_that_are_taken_apart() -> None:
    assert families.NAMES == "BERT, RoBERTa, ELECTRA, DistilBERT"
    assert families.NAMES_AND == "BERT, RoBERTa, ELECTRA and DistilBERT"
    assert families.NAMES_OR == "BERT, RoBERTa, ELECTRA or DistilBERT"
