"""Settings together, on every kind of rows: the run ends, and again in the same."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from finetune.checkpoint.models import load_checkpoint
from finetune.run.config import TrainConfig
from finetune.training.train import train
from tests.finetune.news import news, scored_reviews, write_csv, write_jsonl
from tests.finetune.runs import silent

pytestmark = pytest.mark.usefixtures("_no_pictures")

COMBINATIONS: list[tuple[str, dict[str, Any]]] = [
    ("several", {"class_weights": "balanced", "masking": True, "patience": 1}),
    ("several", {"lora_rank": 2, "pretrain_epochs": 1}),
    ("several", {"seeds": 2, "gradual_unfreezing": 0.5}),
    ("pairs", {"pretrain_epochs": 1, "gradual_unfreezing": 0.5, "seeds": 2}),
    ("pairs", {"head_only": True, "batch_tokens": 100, "masking": True}),
    ("scores", {"seeds": 2, "lora_rank": 2, "pretrain_epochs": 1}),
    ("scores", {"gradient_accumulation": 3, "freeze_layers": 1, "gradient_checkpointing": True}),
    (
        "classes",
        {
            "label_smoothing": 0.1, "class_weights": "effective", "truncation": "head+tail",
            "max_length": 12,
        },
    ),
    (
        "scores",
        {
            "max_length": 8, "window_stride": 3, "window_pooling": "max", "pretrain_epochs": 1,
            "masking": True,
        },
    ),
    ("classes", {"gradient_checkpointing": True, "freeze_layers": 2, "pretrain_epochs": 1}),
]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file of each kind of rows."""
    folder, rows = tmp_path_factory.mktemp("rows"), news(60)
    return {
        "classes": write_csv(folder / "classes.csv", rows),
        "several": write_jsonl(
            folder / "several.jsonl",
            [
                {"text": row["text"], "labels": [row["label"], "Short"][: 1 + i % 2]}
                for i, row in enumerate(rows)
            ],
        ),
        "pairs": write_csv(
            folder / "pairs.csv",
            [
                {"text": row["text"], "text_pair": other["text"], "label": row["label"]}
                for row, other in zip(rows, reversed(rows), strict=True)
            ],
        ),
        "scores": write_csv(folder / "scores.csv", scored_reviews(60)),
    }


@pytest.mark.parametrize(("kind", "more"), COMBINATIONS)
def test_settings_go_together(
    kind: str, more: dict[str, Any], data: dict[str, Path], base: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    config = TrainConfig(
        data=(str(data[kind]),), model=str(base), output=output, epochs=2, batch_size=8,
        baseline=False, **more,
    )  # fmt: skip
    record = train(config, say=silent)
    again = train(replace(config, output=tmp_path / "again"), say=silent)
    assert again.validation == record.validation
    opened = load_checkpoint(str(output))
    assert (opened.multi_label, opened.regression) == (kind == "several", kind == "scores")
    assert len(record.seeds) == (0 if config.seeds == 1 else config.seeds)
