"""Further pre-training: what is hidden, what it teaches, and that it too can be resumed."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from finetune.checkpoint.models import load_base
from finetune.errors import FinetuneError
from finetune.run.output_folder import stopped_run
from finetune.run.record import RunRecord
from finetune.training.batches import TokenBatches
from finetune.training.pretraining import MaskedLanguageCollator, masked_lm_loss, seconds_spent
from finetune.training.train import train
from tests.finetune.news import news, write_csv
from tests.finetune.runs import fail_snapshot, silent, tiny_run

settings = partial(tiny_run, epochs=1, pretrain_epochs=2, save_minutes=0, baseline=False)


pytestmark = pytest.mark.usefixtures("_no_pictures")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("news") / "news.csv", news(80))


@pytest.fixture(scope="module", params=[{}, {"lora_rank": 2}])
def whole(
    request: pytest.FixtureRequest,
    data: Path,
    base: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[dict[str, Any], bytes]:
    """Further settings, and the weights of a run that was not interrupted."""
    output = tmp_path_factory.mktemp("whole") / "out"
    train(settings(data, base, output, **request.param), say=silent)
    return request.param, (output / "model.safetensors").read_bytes()


def test_a_seventh_of_the_words_is_hidden_and_no_special_token(base: Path) -> None:
    tokenizer = load_base(str(base), ("a", "b"), multi_label=False).tokenizer
    texts = [row["text"] for row in news(300)]
    rows = [{"input_ids": ids} for ids in tokenizer(texts)["input_ids"]]
    whole = [list(row["input_ids"]) for row in rows]
    batch = MaskedLanguageCollator(tokenizer, 1)(rows)
    guessed = batch["labels"] != -100
    lengths = [len(ids) for ids in whole]
    words = sum(lengths) - 2 * len(lengths)
    assert int(guessed.sum()) == pytest.approx(0.15 * words, rel=0.15)
    special = torch.tensor(tokenizer.all_special_ids)
    assert not torch.isin(batch["labels"][guessed], special).any()
    masked = batch["input_ids"][guessed] == tokenizer.mask_token_id
    assert float(masked.float().mean()) == pytest.approx(0.8, abs=0.06)
    for ids, row, flags in zip(whole, batch["input_ids"], guessed, strict=True):
        kept = ~flags[: len(ids)]
        assert torch.equal(row[: len(ids)][kept], torch.tensor(ids)[kept])


def test_the_same_texts_hide_the_same_words_in_an_epoch_and_others_in_the_next(base: Path) -> None:
    tokenizer = load_base(str(base), ("a", "b"), multi_label=False).tokenizer
    rows = [{"input_ids": ids} for ids in tokenizer([row["text"] for row in news(30)])["input_ids"]]
    batches = TokenBatches([1], batches=1, seed=0)
    hide = MaskedLanguageCollator(tokenizer, 1, batches)
    first, torch_state = hide(rows)["labels"], torch.get_rng_state()
    again = hide(rows)["labels"]
    assert torch.equal(first, again)
    assert torch.equal(torch.get_rng_state(), torch_state)
    batches.set_epoch(1)
    assert not torch.equal(first, hide(rows)["labels"])
    assert torch.equal(*(MaskedLanguageCollator(tokenizer, 1)(rows)["labels"] for _ in range(2)))


def test_the_loss_is_that_of_the_hidden_tokens_alone() -> None:
    logits = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[-100, 4, -100], [2, -100, -100]])
    chances = logits.log_softmax(-1)
    expected = -(chances[0, 1, 4] + chances[1, 0, 2])
    assert masked_lm_loss({"logits": logits}, labels).item() == pytest.approx(float(expected) / 2)
    assert masked_lm_loss({"logits": logits}, labels, 8).item() == pytest.approx(
        float(expected) / 8
    )
    none = torch.full((2, 3), -100)
    for items in (None, torch.tensor(0)):
        assert masked_lm_loss({"logits": logits}, none, items).item() == 0


def test_the_stage_learns_and_the_classifier_starts_from_it(
    data: Path, base: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    train(settings(data, base, tmp_path / "with", pretrain_epochs=4), say=said.append)
    told = (tmp_path / "with" / "events.jsonl").read_text("utf-8").splitlines()
    steps = [event for event in map(json.loads, told) if event["kind"] == "pretraining"]
    assert (steps[-1]["step"], steps[-1]["seconds_left"]) == (steps[-1]["steps"], 0)
    lines = [line for line in said if line.startswith("Pre-training epoch")]
    losses = [float(line.split("train loss ")[1].split(",")[0]) for line in lines]
    assert len(losses) == 4
    assert losses[-1] < losses[0]
    train(settings(data, base, tmp_path / "without", pretrain_epochs=0), say=silent)
    name = "bert.embeddings.word_embeddings.weight"
    one, other = (
        load_file(tmp_path / run / "model.safetensors")[name] for run in ("with", "without")
    )
    assert not one.allclose(other, atol=1e-3)


def test_its_seconds_are_those_of_its_last_snapshot(tmp_path: Path) -> None:
    assert seconds_spent(tmp_path) == 0
    for step, seconds in ((9, 2.5), (18, 4.5)):
        folder = tmp_path / "checkpoints" / "pretraining" / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        (folder / "progress-0.json").write_text(json.dumps({"seconds": seconds}))
    assert seconds_spent(tmp_path) == 4.5


@pytest.mark.parametrize("step", [3, 18, 20])
def test_it_is_resumed_in_either_stage(
    step: int,
    whole: tuple[dict[str, Any], bytes],
    data: Path,
    base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nine steps an epoch: two of pre-training, then one of the classifier."""
    more, weights = whole
    fail_snapshot(monkeypatch, number=step)
    output = tmp_path / "out"
    with pytest.raises(FinetuneError, match="the run is kept"):
        train(settings(data, base, output, **more), say=silent)
    monkeypatch.undo()
    train(stopped_run(output), say=silent)
    assert (output / "model.safetensors").read_bytes() == weights
    record = RunRecord.load(output)
    assert record.settings["pretrain_epochs"] == 2
    assert "with pre-training" in (output / "README.md").read_text("utf-8")
    assert not (output / "checkpoints").exists()
