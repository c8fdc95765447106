"""Adapters: what learns, that nothing changes at first, and that merging keeps every logit."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import Linear as LoraLayer
from safetensors.torch import load_file

from finetune.checkpoint.layer_stack import find_layers
from finetune.checkpoint.models import load_base, load_checkpoint
from finetune.checkpoint.sample_pass import sample_token_ids
from finetune.errors import ConfigError, ModelError
from finetune.run.config import TrainConfig
from finetune.training.lora import adapted_matrices, add_lora, merged_weights
from finetune.training.train import train
from tests.families import CLASSES, family_checkpoint
from tests.finetune.news import LABELS, news, write_csv
from tests.tiny_models import FAMILIES, Family, tiny_checkpoint


def opened(folder: Path, family: Family) -> Any:
    path = tiny_checkpoint(folder / family, family, labels=LABELS)
    return load_base(str(path), LABELS, multi_label=False)


def logits(model: Any) -> torch.Tensor:
    ids = torch.tensor([[2, 9, 8, 7, 3], [2, 6, 5, 9, 3]])
    with torch.inference_mode():
        found: torch.Tensor = model.eval()(ids, attention_mask=torch.ones_like(ids)).logits
    return found


def disturb(model: Any) -> None:
    """Give every adapter something to say."""
    torch.manual_seed(1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_" in name:
                weight.normal_(0, 0.2)


@pytest.mark.parametrize("family", FAMILIES)
def test_adapters_and_head_learn_and_merging_keeps_the_logits(
    family: Family, tmp_path: Path
) -> None:
    base = opened(tmp_path, family)
    plain, names = logits(base.model), list(base.model.state_dict())
    assert len(adapted_matrices(base.model, find_layers(base.model))) == 4 * 3
    add_lora(base.model, rank=4, alpha=8)
    assert torch.equal(logits(base.model), plain)
    at = find_layers(base.model).height
    learning = [name for name, p in base.model.named_parameters() if p.requires_grad]
    assert all("lora_" in name or at(name) == 4 for name in learning)
    assert sum("lora_" in name for name in learning) == 2 * 4 * 3
    disturb(base.model)
    adapted = logits(base.model)
    assert (adapted - plain).abs().max() > 1e-2
    merged_state = merged_weights(base.model)
    assert list(merged_state) == names
    assert torch.equal(logits(base.model), adapted)
    base.model.save_pretrained(tmp_path / "merged", state_dict=merged_state)
    base.tokenizer.save_pretrained(tmp_path / "merged")
    merged = load_checkpoint(str(tmp_path / "merged")).model
    assert (logits(merged) - adapted).abs().max() < 1e-5


@pytest.mark.parametrize(
    ("family", "n_adapters"),
    [
        ("gpt2", 4),  # Conv1D: query, key and value in one map, and the output
        ("llama", 8),  # grouped keys and values
        ("xlnet", 4),  # no linear map in its attention: those of the feed-forward part
        ("t5", 24),  # an attention in each encoder layer, two in each of the decoder
        ("albert", 4),  # shared by all layers
        ("zamba", 8),  # weights of its attention are those of several layers: all others
    ],
)
def test_adapters_of_any_family_are_merged_exactly(
    family: str, n_adapters: int, tmp_path: Path
) -> None:
    source = str(family_checkpoint(tmp_path / "base", family))
    base = load_base(source, CLASSES, multi_label=False)
    ids = sample_token_ids(base.model.config, 12)[None]
    with torch.inference_mode():
        plain = base.model.eval()(ids).logits
        add_lora(base.model, rank=2, alpha=8)
        assert torch.equal(base.model.eval()(ids).logits, plain)
        disturb(base.model)
        adapted = base.model(ids).logits
    assert (adapted - plain).abs().max() > 1e-3
    layers = [part for part in base.model.modules() if isinstance(part, LoraLayer)]
    assert len(layers) == n_adapters
    base.model.save_pretrained(tmp_path / "merged", state_dict=merged_weights(base.model))
    base.tokenizer.save_pretrained(tmp_path / "merged")
    merged = load_checkpoint(str(tmp_path / "merged")).model.eval()
    with torch.inference_mode():
        assert (merged(ids).logits - adapted).abs().max() < 1e-4 * adapted.abs().max()


def test_a_family_without_linear_layers_takes_no_adapters(tmp_path: Path) -> None:
    base = load_base(str(family_checkpoint(tmp_path, "squeezebert")), CLASSES, multi_label=False)
    with pytest.raises(ModelError, match="no linear layer was found in the layers of this squeeze"):
        add_lora(base.model, rank=2, alpha=8)


def test_the_adapters_are_those_of_peft(tmp_path: Path) -> None:
    ours, theirs = (opened(tmp_path / name, "bert").model for name in ("a", "b"))
    theirs.load_state_dict(ours.state_dict())
    config = LoraConfig(
        r=4, lora_alpha=8, target_modules=adapted_matrices(theirs, find_layers(theirs))
    )
    add_lora(ours, rank=4, alpha=8)
    theirs = get_peft_model(theirs, config)
    disturb(ours)
    disturb(theirs)
    assert (logits(ours) - logits(theirs)).abs().max() < 1e-6
    merged = theirs.merge_and_unload().state_dict()
    for name, weight in merged_weights(ours).items():
        assert weight.allclose(merged[name], atol=1e-6), name


def test_a_run_leaves_a_plain_checkpoint_with_the_base_but_for_attention_and_head(
    base: Path, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {
        "data": (str(write_csv(tmp_path / "news.csv", news(60))),), "model": str(base),
        "output": tmp_path / "out", "epochs": 2, "batch_size": 8, "learning_rate": 1e-2,
        "baseline": False,
    }  # fmt: skip
    record = train(TrainConfig(lora_rank=4, **settings), say=lambda _: None)
    assert record.epochs[1].train_loss < record.epochs[0].train_loss
    before, after = (load_file(p / "model.safetensors") for p in (base, tmp_path / "out"))
    assert after.keys() == before.keys()
    at = find_layers(load_checkpoint(str(tmp_path / "out")).model).height
    below = [name for name in after if at(name) < 4]
    changed = {name for name in below if not torch.equal(before[name], after[name])}
    assert len(changed) == 4 * 3
    assert all("attention" in name and name.endswith("weight") for name in changed)


@pytest.mark.parametrize("name", ["freeze_layers", "head_only", "gradual_unfreezing"])
def test_lora_goes_with_no_freezing(name: str) -> None:
    changes: dict[str, Any] = {name: True if name == "head_only" else 1}
    with pytest.raises(ConfigError, match="--lora-rank trains adapters and the head"):
        TrainConfig(data=("a",), model="b", output=Path("c"), lora_rank=4, **changes)
