"""The model card: a README.md told from the record of the run and nothing else."""

import json
from pathlib import Path

from finetune.record import EpochMetrics, Metrics, RunRecord


def write_card(record: RunRecord, folder: Path) -> None:
    """Write README.md into *folder*."""
    (folder / "README.md").write_text(card(record, name=None), encoding="utf-8")


def card(record: RunRecord, name: str | None) -> str:
    return ""
