"""Families whose files name weights otherwise than their models do are trained, kept and opened."""

from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open
from transformers import AutoModelForSequenceClassification

from finetune.checkpoint.models import load_base, load_checkpoint
from finetune.errors import FinetuneError
from finetune.run.config import TrainConfig
from finetune.run.output_folder import stopped_run
from finetune.training.train import train
from tests.finetune.news import LABELS, news, write_csv
from tests.finetune.runs import fail_snapshot, silent, tiny_run
from tests.tiny_models import tiny_base, tiny_config
from viz import Classifier

pytestmark = pytest.mark.usefixtures("_no_pictures")

OTHERWISE = ("esm", "nomic_bert", "gte", "jina_embeddings_v3")
"""Families whose files have the names of the Hub."""


def run(kind: str, folder: Path, output: Path, **more: Any) -> TrainConfig:
    """A short run of a tiny base of that *kind*."""
    data, base = folder / "news.csv", folder / kind
    if not data.exists():
        write_csv(data, news(24))
    if not base.exists():
        tiny_base(base, kind)
    return tiny_run(data, base, output, epochs=1, save_minutes=0, baseline=False, **more)


@pytest.mark.parametrize("kind", OTHERWISE)
def test_a_run_ends_in_the_same_weights_stopped_or_not_and_opens(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    train(run(kind, tmp_path, whole), say=silent)
    fail_snapshot(monkeypatch, step=2)
    with pytest.raises(FinetuneError, match="the run is kept"):
        train(run(kind, tmp_path, stopped), say=silent)
    monkeypatch.undo()
    said: list[str] = []
    train(stopped_run(stopped), say=said.append)
    assert "Resuming after step 1." in said
    weights = [(each / "model.safetensors").read_bytes() for each in (whole, stopped)]
    assert weights[0] == weights[1]
    assert load_checkpoint(str(whole)).labels == LABELS
    assert Classifier.load(whole).read("oil prices rise").prediction.labels == LABELS


@pytest.mark.parametrize("kind", OTHERWISE)
def test_the_files_of_these_families_name_weights_otherwise(kind: str, tmp_path: Path) -> None:
    """Else the test above would prove nothing."""
    model = AutoModelForSequenceClassification.from_config(tiny_config(kind))
    model.save_pretrained(tmp_path)
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        assert set(file.keys()) - set(model.state_dict())


@pytest.mark.parametrize("more", [{"lora_rank": 2}, {"pretrain_epochs": 1}])
def test_adapters_and_further_pretraining_go_on_too(
    more: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    train(run("nomic_bert", tmp_path, whole, **more), say=silent)
    fail_snapshot(monkeypatch, step=2)
    with pytest.raises(FinetuneError, match="the run is kept"):
        train(run("nomic_bert", tmp_path, stopped, **more), say=silent)
    monkeypatch.undo()
    train(stopped_run(stopped), say=silent)
    weights = [(each / "model.safetensors").read_bytes() for each in (whole, stopped)]
    assert weights[0] == weights[1]


def test_a_head_of_any_name_is_new_and_a_part_of_the_encoder_is_not(tmp_path: Path) -> None:
    """EuroBERT's head begins with a layer of its own."""
    base = tiny_base(tmp_path / "base", "eurobert")
    assert load_base(str(base), LABELS, multi_label=False).labels == LABELS
