"""Bases and checkpoints as they are opened; what is refused is in test_main.py."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from finetune.checkpoint import max_length
from finetune.checkpoint.models import load_base, load_checkpoint, max_input_length
from finetune.checkpoint.temperature import TEMPERATURE_KEY
from finetune.checkpoint.tokenizer import check_model_fits
from finetune.errors import ModelError
from tests.families import CLASSES, family_config
from tests.family_tokenizers import MAX_TOKENS, family_tokenizer
from tests.tiny_models import FAMILIES, LABELS, Family, edit_config, tiny_checkpoint, tiny_mpnet


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
def test_a_head_is_kept_for_the_same_classes_only(family: Family, tmp_path: Path) -> None:
    """As many classes in another order are other classes: the old head would speak for them."""
    folder = str(tiny_checkpoint(tmp_path / family, family))
    old = load_checkpoint(folder).model
    same = load_base(folder, LABELS, multi_label=False).model
    other = load_base(folder, tuple(reversed(LABELS)), multi_label=False).model
    ends = ("out_proj.weight", "classifier.weight")
    head = next(name for name, _ in old.named_parameters() if name.endswith(ends))
    assert torch.equal(old.get_parameter(head), same.get_parameter(head))
    assert not torch.equal(old.get_parameter(head), other.get_parameter(head))


@pytest.mark.parametrize("labels", [LABELS, ("a", "b")])
def test_a_base_leaves_the_temperature_of_its_last_training_behind(
    labels: tuple[str, ...], tmp_path: Path
) -> None:
    folder = tiny_checkpoint(tmp_path / "calibrated")
    edit_config(folder, **{TEMPERATURE_KEY: 9.5})
    assert load_checkpoint(str(folder)).model.config.to_dict()[TEMPERATURE_KEY] == 9.5
    base = load_base(str(folder), labels, multi_label=False)
    assert TEMPERATURE_KEY not in base.model.config.to_dict()


def test_a_family_without_sdpa_can_be_a_base(tmp_path: Path) -> None:
    checkpoint = load_base(str(tiny_mpnet(tmp_path / "mpnet")), ("a", "b"), multi_label=False)
    assert checkpoint.model.config.model_type == "mpnet"


def test_classes_that_are_not_numbered_from_zero_are_refused(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "odd")
    edit_config(folder, id2label={str(number): f"c{number}" for number in range(1, 5)})
    with pytest.raises(ModelError, match="aren't numbered from 0 without a gap"):
        load_checkpoint(str(folder))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_longest_input_fits_the_positions(family: Family, tmp_path: Path) -> None:
    checkpoint = load_checkpoint(str(tiny_checkpoint(tmp_path / family, family)))
    checkpoint.tokenizer.model_max_length = 10**30
    length = max_input_length(checkpoint)
    assert length == 64
    tokens = torch.full((1, length), 9)
    with torch.inference_mode():
        assert checkpoint.model(input_ids=tokens).logits.shape == (1, len(LABELS))
        with pytest.raises((IndexError, RuntimeError)):
            checkpoint.model(input_ids=torch.full((1, length + 1), 9))


@pytest.mark.parametrize(("family", "length"), [("ibert", MAX_TOKENS + 6), ("mpt", MAX_TOKENS)])
def test_positions_are_counted_in_families_that_name_them_otherwise(
    family: str, length: int
) -> None:
    model = AutoModelForSequenceClassification.from_config(family_config(family))
    tokenizer = family_tokenizer("mpnet")
    assert max_length.max_input_length(model, tokenizer) == length
    with torch.inference_mode():
        assert model(input_ids=torch.full((1, length), 9)).logits.shape == (1, len(CLASSES))


@pytest.mark.parametrize("family", ["gemma3", "modernvbert", "ultravbert", "t5gemma2"])
def test_positions_of_pictures_do_not_limit_a_text(family: str) -> None:
    config = family_config(family)
    model = AutoModelForSequenceClassification.from_config(config)
    assert max_length.max_input_length(model, family_tokenizer("t5")) == MAX_TOKENS + 8


@pytest.mark.parametrize("family", ["perceiver", "canine", "bert", "ibert"])
def test_a_token_without_an_embedding_is_told_where_the_model_says_how_many_it_has(
    family: str,
) -> None:
    tokenizer = family_tokenizer("distilbert")
    model = AutoModelForSequenceClassification.from_config(family_config(family))
    check_model_fits(model, tokenizer, "'here'")
    tokenizer.add_tokens([f"word{number}" for number in range(500)])
    if family == "canine":  # it hashes any number
        check_model_fits(model, tokenizer, "'here'")
        return
    with pytest.raises(ModelError, match="but the model has only"):
        check_model_fits(model, tokenizer, "'here'")
