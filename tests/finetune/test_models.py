"""Bases and checkpoints as they are opened; what is refused is in test_main.py."""

from pathlib import Path

import pytest
import torch

from finetune.models import load_base, load_checkpoint, longest_input
from tests.tiny import FAMILIES, LABELS, Family, tiny_checkpoint


def test_float16_weights_are_computed_in_float32(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "half", dtype=torch.float16)
    model = load_checkpoint(str(folder)).model
    assert {weights.dtype for weights in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_base_keeps_its_encoder_and_gets_a_new_head(family: Family, tmp_path: Path) -> None:
    folder = str(tiny_checkpoint(tmp_path / family, family))
    old = load_checkpoint(folder)
    new = load_base(folder, ("a", "b"), multi_label=False)
    assert old.labels == LABELS
    assert new.labels == ("a", "b")
    assert new.model.config.id2label == {0: "a", 1: "b"}
    for name, weights in old.model.base_model.named_parameters():
        if "pooler" not in name:
            assert torch.equal(weights, new.model.base_model.get_parameter(name))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_longest_input_fits_the_positions(family: Family, tmp_path: Path) -> None:
    checkpoint = load_checkpoint(str(tiny_checkpoint(tmp_path / family, family)))
    checkpoint.tokenizer.model_max_length = 10**30
    length = longest_input(checkpoint)
    assert length == 64
    tokens = torch.full((1, length), 9)
    with torch.inference_mode():
        assert checkpoint.model(input_ids=tokens).logits.shape == (1, len(LABELS))
        with pytest.raises((IndexError, RuntimeError)):
            checkpoint.model(input_ids=torch.full((1, length + 1), 9))
