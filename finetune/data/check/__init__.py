"""What is wrong with a data set, said before the first training step."""

from finetune.data.check.findings import Finding, Severity
from finetune.data.check.report import CheckReport
from finetune.data.check.splits import check_splits
from finetune.data.check.truncation import InputSettings

__all__ = ["CheckReport", "Finding", "InputSettings", "Severity", "check_splits"]
