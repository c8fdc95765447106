"""Measuring a checkpoint: how much of each text it reads, and what is said of the rows."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner, Result

from finetune.__main__ import app
from finetune.errors import ModelError
from finetune.evaluation.evaluate import evaluate
from finetune.run.record import RunRecord
from tests.finetune.news import LABELS, news, write_csv
from tests.tiny_models import edit_config, tiny_checkpoint


def call(checkpoint: Path, data: Path, *more: object) -> Result:
    words = ["evaluate", "--checkpoint", str(checkpoint), "--data", str(data), *map(str, more)]
    return CliRunner().invoke(app, words)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random classifier of the three classes of news."""
    return tiny_checkpoint(tmp_path_factory.mktemp("evaluate") / "tiny", labels=LABELS)


@pytest.mark.parametrize(
    ("recorded", "used"), [(16, 16), (1_000, 64), ("16", 64), (None, 64), (-1, 64)]
)
def test_the_recorded_length_counts_as_far_as_the_model_reads(
    recorded: Any, used: int, record: RunRecord, tmp_path: Path
) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "checkpoint", labels=LABELS)
    replace(record, max_length=recorded).save(checkpoint)
    data = write_csv(tmp_path / "held-out.csv", news(6))
    report = evaluate(str(checkpoint), str(data))
    assert (report.max_length, report.split) == (used, "all")


def test_the_length_in_the_configuration_needs_no_record_and_comes_first(
    record: RunRecord, tmp_path: Path
) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "checkpoint", labels=LABELS)
    edit_config(checkpoint, text_max_length=24)
    data = write_csv(tmp_path / "held-out.csv", news(6))
    assert evaluate(str(checkpoint), str(data)).max_length == 24
    replace(record, max_length=16).save(checkpoint)
    assert evaluate(str(checkpoint), str(data)).max_length == 24


@pytest.mark.parametrize("value", [7, 16.5, "16", True])
def test_a_length_in_the_configuration_that_is_none_is_refused(value: Any, tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "checkpoint", labels=LABELS)
    edit_config(checkpoint, text_max_length=value)
    with pytest.raises(ModelError, match=f"text_max_length in config.json is {value!r}; it has"):
        evaluate(str(checkpoint), str(write_csv(tmp_path / "held-out.csv", news(6))))


def numbered(folder: Path, *labels: int) -> Path:
    rows = [{"text": f"oil prices rise {i}", "label": label} for i, label in enumerate(labels)]
    return write_csv(folder / "numbered.csv", rows)


def test_what_numbers_are_read_as_is_said_and_kept(checkpoint: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    result = call(checkpoint, numbered(tmp_path, 1, 2, 2), "--output", report)
    assert result.exit_code == 0, result.output
    said = (
        "The labels of 'numbered.csv' are numbers, read as positions from 0: 1 = Sports, 2 = World;"
        " no row has 0, so if they are counted from 1, every class is one off: subtract 1 from each"
        " or write the names."
    )
    assert said in result.stdout.splitlines()
    kept = json.loads(report.read_text("utf-8"))
    assert kept["notes"] == [said]
    assert (kept["columns"]["text"], kept["columns"]["label"]) == ("text", "label")


def test_numbers_that_go_too_far_are_refused_with_what_they_may_be(
    checkpoint: Path, tmp_path: Path
) -> None:
    result = call(checkpoint, numbered(tmp_path, 1, 2, 3))
    assert result.exit_code == 1
    assert "these look counted from 1, so subtract 1 from each or write the names" in result.stderr


def test_columns_and_rows_left_out_are_said(checkpoint: Path, tmp_path: Path) -> None:
    rows = [row | {"summary": f"a short word on it {i}"} for i, row in enumerate(news(9))]
    rows[3]["label"] = ""
    lines = call(checkpoint, write_csv(tmp_path / "x.csv", rows)).stdout.splitlines()
    assert lines[:2] == [
        "Columns: text 'text', label 'label'; left unread: 'summary', which looks like texts.",
        "Left out of all: 1 with no label.",
    ]


def test_classes_without_a_row_are_named_beside_the_macro_f1(
    checkpoint: Path, tmp_path: Path
) -> None:
    rows = [row | {"label": "Sports"} for row in news(6)]
    result = call(checkpoint, write_csv(tmp_path / "x.csv", rows))
    assert "  No row of 'Business', 'World': macro F1 is the mean over the classes" in result.stdout
    assert "No row of" not in call(checkpoint, write_csv(tmp_path / "y.csv", news(6))).stdout


@pytest.mark.parametrize("weight", [float("nan"), 3e38])
def test_logits_that_are_no_numbers_are_never_measured(weight: float, tmp_path: Path) -> None:
    place = tiny_checkpoint(tmp_path / "tiny", labels=LABELS)
    weights = load_file(place / "model.safetensors")
    weights["classifier.weight"] = torch.full_like(weights["classifier.weight"], weight)
    save_file(weights, place / "model.safetensors", metadata={"format": "pt"})
    result = call(place, write_csv(tmp_path / "x.csv", news(6)))
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "not finite" in line
    assert "accuracy" not in result.stdout
