"""The report of a check: for the terminal, for a file, and in sentences."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from finetune.checkpoint.run_files import CHECK_REPORT
from finetune.data.check.findings import Finding, Severity
from finetune.data.column_summary import columns_as_json, describe_columns
from finetune.data.tables.columns import Columns
from finetune.errors import DataError, OutputError, number_of
from finetune.run.atomic_files import write_user_file

LOADER_KINDS = frozenset({"blank text", "no label", "repeated in held-out"})
"""Kinds of finding that the loader tells itself when it leaves such rows out."""

NOT_COUNTED = "How many texts are too long was not counted: that needs the base model, --model."

SEVERITIES: tuple[Severity, ...] = get_args(Severity)


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckReport:
    """What the check found, the most serious first."""

    rows: dict[str, int]
    """Rows that can be used, by split."""
    classes: int
    """Classes of train that have rows; 0 where rows have scores."""
    findings: tuple[Finding, ...]
    columns: tuple[tuple[str, Columns], ...] = ()
    """Which columns were read, by file or split."""
    truncation_counted: bool = False
    """Whether it was counted how many texts are too long, which takes a tokenizer."""

    @property
    def fatal(self) -> bool:
        """Whether something was found with which training would waste its time."""
        return any(finding.severity == "stop" for finding in self.findings)

    def require_nothing_fatal(self) -> None:
        """A DataError with the first fatal finding, if there is one."""
        if self.fatal:
            raise DataError(f"{self.verdict()}, or give --ignore-check to train anyway")

    def warnings(self, *, truncated: bool = True) -> tuple[str, ...]:
        """What a run has to say beside the notes on the rows it left out.

        Without *truncated* not that either: a run's record counts it split by split.
        """
        noted_by_loader = LOADER_KINDS if truncated else LOADER_KINDS | {"truncated"}
        return self.sentences("stop", "warning", without=noted_by_loader)

    def verdict(self) -> str:
        """The first fatal finding without its full stop, and how many more there are."""
        stops = [finding for finding in self.findings if finding.severity == "stop"]
        rest = f" (and {len(stops) - 1} more)" if len(stops) > 1 else ""
        return stops[0].sentence.removesuffix(".") + rest if stops else "nothing fatal was found"

    def sentences(
        self, *severities: str, without: Collection[str] = frozenset()
    ) -> tuple[str, ...]:
        """The findings of *severities* in words, but for the kinds in *without*."""
        return tuple(
            finding.sentence
            for finding in self.findings
            if finding.severity in severities and finding.kind not in without
        )

    def describe(self) -> str:
        """The report for the terminal: rows, then each finding with its examples."""
        splits = ", ".join(f"{count:,} {role}" for role, count in self.rows.items())
        classes = f"; {number_of(self.classes, 'class', 'classes')}" if self.classes else ""
        lines = [f"Rows: {splits}{classes}.", *describe_columns(self.columns)]
        for finding in self.findings:
            lines.append(f"  {finding.severity:<8} {finding.sentence}")
            lines += [f"  {'':<8} · {' '.join(example.split())}" for example in finding.examples]
        if not self.truncation_counted:
            lines.append(NOT_COUNTED)
        return "\n".join([*lines, self._summary()])

    def to_dict(self, *, examples: bool = True) -> dict[str, Any]:
        """The report as JSON values; *examples* are rows of the data, which may be private."""
        findings = [asdict(finding) for finding in self.findings]
        if not examples:
            for finding in findings:
                del finding["examples"]
        return {
            "fatal": self.fatal,
            "rows": self.rows,
            "classes": self.classes,
            "columns": columns_as_json(self.columns),
            "reads": list(describe_columns(self.columns)),
            "findings": findings,
            "truncation_counted": self.truncation_counted,
        }

    def save(self, path: Path, *, examples: bool = True) -> None:
        """Write `to_dict` as JSON, under its usual name where *path* is a folder."""
        path = path / CHECK_REPORT if path.is_dir() else path
        text = json.dumps(self.to_dict(examples=examples), indent=2, ensure_ascii=False)
        try:
            write_user_file(path, text + "\n")
        except OSError as error:
            raise OutputError(f"{path.name!r} can't be written: {error.strerror}") from error

    def _summary(self) -> str:
        counts = [sum(f.severity == severity for f in self.findings) for severity in SEVERITIES]
        stops, warnings, notes = counts
        if not any(counts):
            return "No problems found in this data."
        return (
            f"{number_of(stops, 'stop')}, {number_of(warnings, 'warning')},"
            f" {number_of(notes, 'note')}."
        )
