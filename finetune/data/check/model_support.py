"""What a base model is good for, said beside what is found in the data."""

from dataclasses import replace

from transformers import PreTrainedConfig

from finetune.checkpoint.attention_support import not_shown
from finetune.data.check.findings import Finding
from finetune.data.check.report import SEVERITIES, CheckReport


def with_model(report: CheckReport, config: PreTrainedConfig) -> CheckReport:
    """The *report*, and whether CLSight will open what is trained from a model of *config*."""
    sentence = not_shown(config)
    if sentence is None:
        return report
    found = Finding(severity="warning", kind="not shown", sentence=sentence, count=1)
    order = sorted([*report.findings, found], key=lambda each: SEVERITIES.index(each.severity))
    return replace(report, findings=tuple(order))
