"""What a base model is good for, said beside what is found in the data."""

from dataclasses import replace

from transformers import PreTrainedConfig

from finetune.checkpoint.attention_support import unsupported_reason
from finetune.data.check.findings import Finding
from finetune.data.check.report import SEVERITIES, CheckReport


def with_model_finding(report: CheckReport, config: PreTrainedConfig) -> CheckReport:
    """The *report*, and whether CLSight will open what is trained from a model of *config*."""
    sentence = unsupported_reason(config)
    if sentence is None:
        return report
    found = Finding(severity="warning", kind="not shown", sentence=sentence, count=1)
    order = sorted([*report.findings, found], key=lambda each: SEVERITIES.index(each.severity))
    return replace(report, findings=tuple(order))
