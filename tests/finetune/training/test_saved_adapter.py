"""`--save adapter`: a small folder that opens as the merged model does, here and with peft."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from finetune.checkpoint.models import load_base, load_checkpoint, save_tokenizer
from finetune.errors import ConfigError, ModelError
from finetune.evaluation.evaluate import evaluate
from finetune.run.config import TrainConfig
from finetune.run.record import RunRecord
from finetune.training.lora import add_lora
from finetune.training.saved_adapter import adapter_weights, save_adapter
from finetune.training.train import train
from finetune.training.trainer import SnapshotTrainer
from tests.adapters import logits_of
from tests.families import family_checkpoint
from tests.finetune.news import LABELS, news, write_csv
from tests.finetune.runs import check_close, silent, tiny_run
from tests.tiny_models import tiny_checkpoint
from viz import Classifier

TEXT = "oil prices rise"


def adapter_run(room: Path, base: Path, **more: Any) -> TrainConfig:
    usual: dict[str, Any] = {"epochs": 1, "lora_rank": 4, "baseline": False, "save": "adapter"}
    output = more.pop("output", room / "out")
    return tiny_run(room / "news.csv", base, output, **usual | more)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, a base and the adapter that a run left."""
    room = tmp_path_factory.mktemp("adapter")
    write_csv(room / "news.csv", news(60))
    tiny_checkpoint(room / "bases" / "tiny")
    train(adapter_run(room, room / "bases" / "tiny"), say=silent)
    return room


def settings_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    return found


def test_the_folder_is_small_and_names_the_base_by_the_way_there(room: Path) -> None:
    names = {file.name for file in (room / "out").iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors", "config.json", "run.json"} <= names
    assert {"README.md", "tokenizer.json", "train.toml"} <= names
    assert "model.safetensors" not in names
    settings = json.loads((room / "out" / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == "../bases/tiny"
    assert settings["modules_to_save"] == ["bert.pooler", "classifier"]
    for file in (room / "out").glob("*.json"):
        assert str(room) not in file.read_text("utf-8"), file.name
    own, whole = (
        sum(tensor.numel() for tensor in load_file(file).values())
        for file in (
            room / "out" / "adapter_model.safetensors",
            room / "bases" / "tiny" / "model.safetensors",
        )
    )
    assert own < whole / 3


@pytest.mark.usefixtures("_no_pictures_here")
def test_it_answers_as_the_merged_run_does(room: Path, tmp_path: Path) -> None:
    merged = adapter_run(room, room / "bases" / "tiny", save="merged", output=tmp_path / "merged")
    record = train(merged, say=silent)
    there, here = (load_checkpoint(str(place)) for place in (tmp_path / "merged", room / "out"))
    assert here.labels == there.labels == LABELS
    assert (logits_of(here.model) - logits_of(there.model)).abs().max() < 1e-5
    check_close(RunRecord.load(room / "out").validation, record.validation)
    own, wanted = (settings_of(place) for place in (room / "out", tmp_path / "merged"))
    assert own.keys() == wanted.keys()
    assert own.pop("calibration_temperature", 1) == pytest.approx(
        wanted.pop("calibration_temperature", 1), rel=1e-3
    )
    assert own == wanted


def test_peft_opens_it_by_the_lines_of_its_card(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = (room / "out" / "README.md").read_text("utf-8")
    assert "library_name: peft" in card
    lines = card.partition("```python\n")[2].partition("```")[0]
    shutil.copytree(room / "bases" / "tiny", room / "tiny")
    monkeypatch.chdir(room)
    names: dict[str, Any] = {}
    exec(lines, names)
    wanted = logits_of(load_checkpoint(str(room / "out")).model)
    assert (logits_of(names["model"]) - wanted).abs().max() < 1e-5
    assert names["tokenizer"](TEXT)["input_ids"]


def test_it_is_measured_read_moved_and_its_run_is_over(room: Path, tmp_path: Path) -> None:
    report = evaluate(str(room / "out"), str(room / "news.csv"))
    assert report.labels == LABELS
    again = train(adapter_run(room, room / "bases" / "tiny", resume=True), say=silent)
    assert again == RunRecord.load(room / "out")
    moved = shutil.copytree(room, tmp_path / "moved")
    before, after = (
        Classifier.load(place / "out").read(TEXT).prediction.probabilities
        for place in (room, moved)
    )
    assert np.array_equal(before, after)


@pytest.mark.usefixtures("_no_pictures_here")
def test_several_seeds_scores_and_half_precision(room: Path, tmp_path: Path) -> None:
    rows = [{"text": row["text"], "label": 1000.5 + 7 * len(row["text"])} for row in news(24)]
    write_csv(tmp_path / "news.csv", rows)
    config = adapter_run(tmp_path, room / "bases" / "tiny", seeds=2, save_dtype="float16")
    record = train(config, say=silent)
    opened = load_checkpoint(str(tmp_path / "out"))
    assert opened.regression
    assert record.seeds
    assert logits_of(opened.model).mean() > 500  # in the unit of the data
    tensors = load_file(tmp_path / "out" / "adapter_model.safetensors")
    kinds = {name: tensor.dtype for name, tensor in tensors.items()}
    assert kinds.pop("base_model.model.classifier.weight") == torch.float32
    assert kinds.pop("base_model.model.classifier.bias") == torch.float32
    assert set(kinds.values()) == {torch.float16}


@pytest.mark.usefixtures("_no_pictures_here")
@pytest.mark.parametrize("family", ["distilbert", "gpt2", "xlnet", "deberta-v2", "modernvbert"])
def test_adapters_of_other_families_answer_as_the_model_that_learned(
    family: str, tmp_path: Path
) -> None:
    base = load_base(str(family_checkpoint(tmp_path / "base", family)), LABELS, multi_label=False)
    add_lora(base.model, rank=2, alpha=8)
    torch.manual_seed(1)
    with torch.no_grad():
        for weights in base.model.parameters():
            if weights.requires_grad:
                weights.add_(torch.randn_like(weights) * 0.05)
    saved = tmp_path / "out"
    saved.mkdir()
    save_adapter(base.model, adapter_weights(base.model, None), saved, str(tmp_path / "base"))
    save_tokenizer(base.tokenizer, saved)
    opened = load_checkpoint(str(saved))
    encoded = base.tokenizer(TEXT, return_tensors="pt")
    with torch.inference_mode():
        wanted, found = (each.eval()(**encoded).logits for each in (base.model, opened.model))
    assert (found - wanted).abs().max() < 1e-5 * wanted.abs().max().clamp_min(1)
    assert opened.labels == LABELS


def test_an_adapter_that_would_not_open_is_refused_before_the_training(
    room: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def saved_without_a_head(model: Any, weights: Any, folder: Path, base: str) -> None:
        save_adapter(model, weights, folder, base)
        tensors = load_file(folder / "adapter_model.safetensors")
        kept = {name: tensor for name, tensor in tensors.items() if "classifier" not in name}
        save_file(kept, folder / "adapter_model.safetensors", metadata={"format": "pt"})

    monkeypatch.setattr("finetune.training.results.save_adapter", saved_without_a_head)
    monkeypatch.setattr(SnapshotTrainer, "fit", lambda *_: pytest.fail("it was trained"))
    with pytest.raises(ModelError, match="'out' nor its base model"):
        train(adapter_run(room, room / "bases" / "tiny", output=tmp_path / "out"), say=silent)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"lora_rank": 0}, "keeps what --lora-rank trains"),
        ({"pretrain_epochs": 1}, "as it is"),
        ({"push_to_hub": "owner/name"}, "take a base of the Hub"),
    ],
)
def test_an_adapter_needs_lora_and_its_base(
    changes: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        adapter_run(tmp_path, tmp_path, **changes)
