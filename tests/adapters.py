"""Small adapters of PEFT, trained by chance: what people's folders hold beside their base model."""

from pathlib import Path

import torch
from peft import PeftConfig, get_peft_model
from torch import Tensor
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from tests.tiny_models import tokenizer

TEXTS = ("oil prices rise", "team wins game in peace talks !")


def logits_of(model: PreTrainedModel) -> Tensor:
    """What a model says of some texts.  (N, C)"""
    encoded = tokenizer("bert")(list(TEXTS), return_tensors="pt", padding=True)
    with torch.inference_mode():
        found: Tensor = model.eval()(
            input_ids=encoded["input_ids"], attention_mask=encoded["attention_mask"]
        ).logits
    return found


def save_adapter(
    folder: Path, base: Path, config: PeftConfig, *, n_labels: int = 3, rows: int | None = None
) -> Tensor:
    """Save an adapter with numbers large enough to matter, as peft does.

    Args:
        folder: Where it is saved.
        base: The base model, which stays as it is.
        config: What is adapted; its base is named by its path.
        n_labels: Classes of the new head.
        rows: Embeddings of the model, where not as many as the base has.

    Returns:
        What the adapted model says of `TEXTS`.
    """
    torch.manual_seed(1)
    model = AutoModelForSequenceClassification.from_pretrained(
        base, num_labels=n_labels, ignore_mismatched_sizes=True
    )
    if rows is not None:
        model.resize_token_embeddings(rows, mean_resizing=False)
    model.config.pad_token_id = 0
    adapted = get_peft_model(model, config)
    with torch.no_grad():
        for weights in adapted.parameters():
            if weights.requires_grad:
                weights.add_(torch.randn_like(weights) * 0.1)
    adapted.save_pretrained(str(folder))
    return logits_of(adapted)
