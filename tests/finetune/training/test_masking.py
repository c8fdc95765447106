"""Training with words hidden in half of each batch."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import AutoTokenizer

from finetune.evaluation.evaluate import evaluate
from finetune.evaluation.report.card import model_card
from finetune.run.config import TrainConfig
from finetune.training.batches import TokenBatches
from finetune.training.masking import MaskingCollator
from finetune.training.train import train
from tests.finetune.news import news, of_classes, write_csv
from tests.finetune.runs import silent, tiny_run

ROWS = [
    {"input_ids": [2, *range(10 + 40 * n, 50 + 40 * n), 3], "attention_mask": [1] * 42, "labels": n}
    for n in range(20)
]


def collator(base: Path, epoch: int = 0, *, mask: bool = True, seed: int = 1) -> MaskingCollator:
    batches = TokenBatches([42] * len(ROWS), batches=1, seed=0)
    batches.set_epoch(epoch)
    tokenizer = AutoTokenizer.from_pretrained(base)
    if not mask:
        tokenizer.mask_token = None
    masking = MaskingCollator(list, tokenizer, seed=seed, batches=batches)
    masking.masking.special = np.array([2, 3])
    return masking


def test_half_of_a_batch_has_hidden_tokens_at_all_ratios(base: Path) -> None:
    masking, shares = collator(base), []
    for epoch in range(20):
        masking.batches.set_epoch(epoch)
        rows = masking(ROWS)
        changed = [row for row, old in zip(rows, ROWS, strict=True) if row is not old]
        assert len(changed) == len(ROWS) // 2
        for row in changed:
            ids = row["input_ids"]
            assert (ids[0], ids[-1], len(ids)) == (2, 3, 42)
            shares.append(np.mean([i == masking.masking.mask for i in ids[1:-1]]))
    # Uniform from 0 to 1: a mean of 200 has a standard error of .02.
    assert np.mean(shares) == pytest.approx(0.5, abs=0.08)
    assert np.histogram(shares, 4, (0, 1))[0].min() > 25


def test_of_batches_of_one_text_half_are_hidden(base: Path) -> None:
    masking = collator(base)
    masked = [masking([row])[0] is not row for row in (dict(ROWS[n]) for n in range(20))]
    assert 5 <= sum(masked) <= 15


def test_unknown_words_are_hidden_unless_their_token_ends_texts_too(base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    batches = TokenBatches([3], batches=1, seed=0)
    row = {"input_ids": [tokenizer.cls_token_id, tokenizer.unk_token_id, tokenizer.sep_token_id]}
    masking = MaskingCollator(list, tokenizer, seed=1, batches=batches)
    hidden = masking.masking.hide(row, 1.0, np.random.default_rng(0))["input_ids"]
    assert hidden == [tokenizer.cls_token_id, tokenizer.mask_token_id, tokenizer.sep_token_id]
    tokenizer.eos_token = tokenizer.unk_token
    masking = MaskingCollator(list, tokenizer, seed=1, batches=batches)
    assert masking.masking.hide(row, 1.0, np.random.default_rng(0))["input_ids"] == row["input_ids"]


def test_what_is_hidden_depends_on_seed_epoch_and_texts_alone(base: Path) -> None:
    first = collator(base)(ROWS)
    assert collator(base)(ROWS) == first
    assert collator(base, epoch=1)(ROWS) != first
    assert collator(base, seed=2)(ROWS) != first


def test_without_a_mask_token_hidden_tokens_are_taken_out(base: Path) -> None:
    rows = collator(base, mask=False)(ROWS)
    sizes = [len(row["input_ids"]) for row in rows]
    assert min(sizes) < 42
    for row, old in zip(rows, ROWS, strict=True):
        assert len(row["attention_mask"]) == len(row["input_ids"])
        assert [i for i in old["input_ids"] if i in row["input_ids"]] == row["input_ids"]  # type: ignore[attr-defined]
        assert row["labels"] == old["labels"]


def test_windows_of_a_text_are_hidden_alike(base: Path) -> None:
    row: dict[str, Any] = {
        "input_ids": [[2, *range(10, 30), 3], [2, *range(40, 60), 3]],
        "attention_mask": [[1] * 22] * 2,
        "labels": [0.0, 1.0],
    }
    masking = collator(base)
    hidden = masking.masking.hide(row, 1.0, np.random.default_rng(0))
    assert [set(ids[1:-1]) for ids in hidden["input_ids"]] == [{masking.masking.mask}] * 2
    assert hidden["labels"] == row["labels"]


@pytest.mark.usefixtures("_no_pictures_here")
def test_a_twin_is_trained_and_measured_on_whole_texts(base: Path, tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", news(60))
    config: TrainConfig = tiny_run(tmp_path, base, tmp_path / "out", epochs=2, masking=True)
    record = train(config, say=silent)
    measured = evaluate(str(tmp_path / "out"), str(tmp_path / "train.csv")).metrics
    assert of_classes(measured).accuracy > 0.5
    assert record.settings["masking"] is True
    assert "`clsight score --judge`" in model_card(record)
    plain = replace(record, settings=record.settings | {"masking": False})
    assert "--judge" not in model_card(plain)
