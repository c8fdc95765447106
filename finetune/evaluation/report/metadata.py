"""What the Hub reads of a model card: the YAML in front of it.

Names of the entries: https://github.com/huggingface/hub-docs/blob/main/modelcard.md
"""

import json
import re

from finetune.data.tables.safe_text import printable
from finetune.run.measurements import AnyMetrics, RegressionMetrics
from finetune.run.record import RunRecord

HUB_NAME = re.compile(r"(\w[\w.-]*/)?\w[\w.-]*", re.ASCII)
Entry = tuple[str, str, str]
"""A metric: its type, its name as the rest of an entry, its value."""


def front_matter(record: RunRecord) -> str:
    """Base model and results, in the format of the Hub, between its lines of dashes."""
    split, metrics = headline(record)
    entries = [*_entries(metrics), *_ece(record)]
    lines = [
        "---",
        "library_name: transformers",
        "pipeline_tag: text-classification",
        *_base(record),
        f"metrics: [{', '.join(kind for kind, _, _ in entries)}]",
        "model-index:",
        f"  - name: {_yaml(record.settings['output'])}",
        "    results:",
        "      - task: {type: text-classification}",
        f"        dataset: {{name: {_yaml(record.data_name)}, type: {_yaml(record.data_name)},"
        f" split: {split}}}",
        "        metrics:",
        *(f"          - {{type: {kind}{name}, value: {value}}}" for kind, name, value in entries),
        "---",
    ]
    return "\n".join(lines)


def _base(record: RunRecord) -> list[str]:
    """The base model, where it may be one of the Hub; it refuses a card that names no such."""
    return [f"base_model: {_yaml(record.base)}"] if HUB_NAME.fullmatch(record.base) else []


def _entries(metrics: AnyMetrics) -> list[Entry]:
    if isinstance(metrics, RegressionMetrics):
        found = {
            "r_squared": ("R2", metrics.r2),
            "rmse": ("RMSE", metrics.rmse),
            "mae": ("MAE", metrics.mae),
            "pearsonr": ("Pearson", metrics.pearson),
            "spearmanr": ("Spearman", metrics.spearman),
        }
        return [
            (kind, f", name: {name}", f"{value:.6g}")
            for kind, (name, value) in found.items()
            if value is not None
        ]
    return [
        ("accuracy", "", f"{metrics.accuracy:.4f}"),
        ("f1", ", name: Macro F1", f"{metrics.macro_f1:.4f}"),
    ]


def _ece(record: RunRecord) -> list[Entry]:
    """The error at the stored temperature, on the same split as the other metrics."""
    if record.calibration is None:
        return []
    value = record.calibration.after.ece
    return [("ece", ", name: Expected calibration error", f"{value:.4f}")]


def headline(record: RunRecord) -> tuple[str, AnyMetrics]:
    """Test where there is one, since validation chose the epoch."""
    return ("validation", record.validation) if record.test is None else ("test", record.test)


def _yaml(text: str) -> str:
    """A YAML string, on one line; JSON is one, but for letters that YAML takes for none."""
    return json.dumps(printable(" ".join(text.split())), ensure_ascii=False)
