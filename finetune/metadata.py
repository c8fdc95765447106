"""What the Hub reads of a model card: the YAML in front of it.

Names of the entries: https://github.com/huggingface/hub-docs/blob/main/modelcard.md
"""

import json

from finetune.record import Metrics, RunRecord


def front_matter(record: RunRecord) -> str:
    """Base model and results, in the format of the Hub, between its lines of dashes."""
    split, metrics = headline(record)
    lines = [
        "---",
        "library_name: transformers",
        "pipeline_tag: text-classification",
        f"base_model: {_yaml(record.base)}",
        f"metrics: [{', '.join(['accuracy', 'f1', *_ece_type(record)])}]",
        "model-index:",
        f"  - name: {_yaml(record.settings['output'])}",
        "    results:",
        "      - task: {type: text-classification}",
        f"        dataset: {{name: {_yaml(record.data_name)}, type: {_yaml(record.data_name)},"
        f" split: {split}}}",
        "        metrics:",
        f"          - {{type: accuracy, value: {metrics.accuracy:.4f}}}",
        f"          - {{type: f1, name: Macro F1, value: {metrics.macro_f1:.4f}}}",
        *_ece_entry(record),
        "---",
    ]
    return "\n".join(lines)


def _ece_type(record: RunRecord) -> list[str]:
    return ["ece"] if record.calibration else []


def _ece_entry(record: RunRecord) -> list[str]:
    """The error at the stored temperature, on the same split as the other metrics."""
    if record.calibration is None:
        return []
    value = record.calibration.after.ece
    return [f"          - {{type: ece, name: Expected calibration error, value: {value:.4f}}}"]


def headline(record: RunRecord) -> tuple[str, Metrics]:
    """Test where there is one, since validation chose the epoch."""
    return ("validation", record.validation) if record.test is None else ("test", record.test)


def _yaml(text: str) -> str:
    """A YAML string; JSON is one."""
    return json.dumps(text, ensure_ascii=False)
