"""What is wrong with a data set, said before the first training step."""

from finetune.check.findings import Finding, Severity
from finetune.check.report import CheckReport
from finetune.check.splits import check_splits
from finetune.check.truncation import Reading

__all__ = ["CheckReport", "Finding", "Reading", "Severity", "check_splits"]
