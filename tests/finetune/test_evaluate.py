"""Measuring a checkpoint: how much of each text it reads."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from finetune.evaluate import evaluate
from finetune.record import RunRecord
from tests.finetune.news import LABELS, news, write_csv
from tests.tiny import tiny_checkpoint


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
