"""Measuring a checkpoint on texts of which tokens are hidden."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from finetune.__main__ import app
from finetune.checkpoint.models import Checkpoint, load_checkpoint
from finetune.data.token_masking import TokenMasking
from finetune.evaluation.evaluate import predict_logits
from tests.finetune.news import LABELS, news, write_csv
from tests.tiny_models import tiny_checkpoint

TEXTS = [("oil prices rise as stocks fall", None), ("the team won", None), ("rain", None)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random classifier of the three classes of news."""
    return tiny_checkpoint(tmp_path_factory.mktemp("hidden") / "tiny", labels=LABELS)


@pytest.fixture(scope="module")
def checkpoint(folder: Path) -> Checkpoint:
    return load_checkpoint(str(folder))


def test_all_tokens_hidden_are_a_text_of_mask_tokens(checkpoint: Checkpoint) -> None:
    n_tokens = [len(checkpoint.tokenizer.tokenize(text)) for text, _ in TEXTS]
    mask = str(checkpoint.tokenizer.mask_token)
    masks = [(" ".join([mask] * n), None) for n in n_tokens]
    hidden = predict_logits(checkpoint, TEXTS, batch_size=2, max_length=64, masking_ratio=1)
    expected = predict_logits(checkpoint, masks, batch_size=2, max_length=64)
    assert hidden == pytest.approx(expected, abs=1e-5)


def test_the_order_of_texts_changes_nothing_of_what_is_hidden(checkpoint: Checkpoint) -> None:
    half = predict_logits(checkpoint, TEXTS, batch_size=2, max_length=64, masking_ratio=0.5)
    turned = predict_logits(checkpoint, TEXTS[::-1], batch_size=3, max_length=64, masking_ratio=0.5)
    assert half == pytest.approx(turned[::-1], abs=1e-5)
    whole = predict_logits(checkpoint, TEXTS, batch_size=2, max_length=64)
    assert np.abs(half - whole).max() > 1e-3


def test_about_that_share_is_hidden_and_no_special_token(checkpoint: Checkpoint) -> None:
    masking, special = TokenMasking(checkpoint.tokenizer), checkpoint.tokenizer.all_special_ids
    first, last = checkpoint.tokenizer.cls_token_id, checkpoint.tokenizer.sep_token_id
    words = [i for i in range(len(checkpoint.tokenizer)) if i not in special]
    rows = [[first, *np.random.default_rng(n).choice(words, 40).tolist(), last] for n in range(50)]
    columns = {"input_ids": rows, "attention_mask": [[1] * 42] * 50}
    hidden = masking.hide_all(columns, 0.3)
    ids = np.array(hidden["input_ids"])
    assert (ids[:, 0] == first).all()
    assert (ids[:, -1] == last).all()
    # 2,000 draws: a standard error of .01.
    assert np.mean(ids[:, 1:-1] == masking.mask) == pytest.approx(0.3, abs=0.04)
    assert hidden["attention_mask"] == columns["attention_mask"]


def test_the_command_says_what_was_hidden(folder: Path, tmp_path: Path) -> None:
    data, report = write_csv(tmp_path / "rows.csv", news(12)), tmp_path / "report.json"
    words = ["evaluate", "--checkpoint", str(folder), "--data", str(data)]
    words += ["--masking-ratio", "0.5", "--output", str(report)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "rows.csv, all, 0.5 of the tokens hidden: 12 rows" in result.output
    assert json.loads(report.read_text("utf-8"))["masking_ratio"] == 0.5


@pytest.mark.parametrize("ratio", ["1.5", "-0.1", "nan"])
def test_a_ratio_that_is_no_share_is_refused(folder: Path, tmp_path: Path, ratio: str) -> None:
    data = write_csv(tmp_path / "rows.csv", news(3))
    words = ["evaluate", "--checkpoint", str(folder), "--data", str(data)]
    result = CliRunner().invoke(app, [*words, "--masking-ratio", ratio])
    assert result.exit_code == 1
    assert f"--masking-ratio {float(ratio):g} is not a share; give 0 to 1" in result.output
