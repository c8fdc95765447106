"""The check as a whole: the splits as they were found, and as training would use them."""

from collections.abc import Iterator
from dataclasses import replace

from finetune.data.check.class_balance import balance_findings
from finetune.data.check.class_coverage import coverage_findings
from finetune.data.check.findings import Finding
from finetune.data.check.labels import label_findings, no_row, unknown_classes
from finetune.data.check.near_duplicates import near_duplicate_findings
from finetune.data.check.report import SEVERITIES, CheckReport
from finetune.data.check.scores import score_findings
from finetune.data.check.texts import shared_findings, text_findings
from finetune.data.check.truncation import InputSettings, truncation_findings
from finetune.data.class_matching import ClassMatch, match_classes
from finetune.data.rows import Rows
from finetune.data.source_rows import SourceRows
from finetune.data.splits import align_split
from finetune.data.validation_split import drop_repeated
from finetune.errors import DataError


def check_splits(found: SourceRows, reading: InputSettings | None = None) -> CheckReport:
    """All that is odd about *found*; with *reading*, also how many texts are too long for it."""
    splits = _in_order(found.rows)
    findings = [*_as_found(found, splits), *_as_used(splits)]
    if reading is not None:
        for role, rows in splits.items():
            findings += truncation_findings(role, rows, reading)
    return CheckReport(
        rows={role: len(rows) for role, rows in splits.items()},
        classes=sum(map(bool, splits["train"].counts(splits["train"].names).values())),
        columns=found.columns,
        findings=tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))),
        truncation_counted=reading is not None,
    )


def _as_found(found: SourceRows, splits: dict[str, Rows]) -> Iterator[Finding]:
    """What is odd about the rows before any is left out."""
    for sentence in found.unread:
        yield Finding(severity="note", kind="files not read", sentence=sentence, count=1)
    if splits["train"].regression:
        yield from _scores(splits)
    else:
        yield from label_findings(splits["train"], found.spellings)
    for sentence in found.numbered:
        yield Finding(severity="warning", kind="numbers of files", sentence=sentence, count=1)
    if len(splits["train"]):
        yield from _mismatched_splits(splits)
        yield from coverage_findings(splits, _matched(splits))
    for role, rows in splits.items():
        yield from text_findings(role, rows)
    yield from shared_findings(splits)


def _scores(splits: dict[str, Rows]) -> Iterator[Finding]:
    if not len(splits["train"]):
        yield no_row()
    for role, rows in splits.items():
        yield from score_findings(role, rows)


def _as_used(splits: dict[str, Rows]) -> Iterator[Finding]:
    """What is odd about the rows that training and measuring would use."""
    held_out = [rows for role, rows in splits.items() if role != "train"]
    train = drop_repeated(splits["train"], held_out)
    if len(train):
        yield from () if train.regression else balance_findings(train)
    elif len(splits["train"]):
        yield Finding(
            severity="stop",
            kind="no row",
            sentence="No row of train is left: each is found again in validation or test.",
            count=0,
        )
    yield from near_duplicate_findings(splits | {"train": train})


def _in_order(rows: dict[str, Rows]) -> dict[str, Rows]:
    """The splits that have usable rows, train first even if it has none."""
    roles = ("train", "validation", "test")
    return {role: rows[role] for role in roles if role == "train" or len(rows.get(role, ()))}


def _mismatched_splits(splits: dict[str, Rows]) -> Iterator[Finding]:
    """Held-out splits that don't have the kind of rows or the classes of train."""
    train = splits["train"]
    for role, rows in splits.items():
        refused = None if role == "train" else _refused(rows, role, train)
        if refused is not None:
            sentence = f"{refused[:1].upper()}{refused[1:]}."
            yield Finding(severity="stop", kind="misfit", sentence=sentence, count=len(rows))
    for role, matched in _matched(splits).items():
        if matched.unknown:
            yield unknown_classes(role, splits[role], matched, train)
        elif sentence := matched.sentence(role):
            doubt = matched.may_count_from_one
            yield Finding(
                severity="warning" if doubt else "note",
                kind="numbers read as classes",
                sentence=sentence,
                count=len(splits[role]),
            )


def _matched(splits: dict[str, Rows]) -> dict[str, ClassMatch]:
    """The classes of each held-out split that has rows of the kind of train."""
    train = splits["train"]
    return {
        role: match_classes(rows, train.names, train.keys)
        for role, rows in splits.items()
        if role != "train" and not train.regression and _refused(rows, role, train) is None
    }


def _refused(rows: Rows, role: str, train: Rows) -> str | None:
    """Why the loader refuses a split for its kind of rows, whatever their classes, if it does."""
    try:
        align_split(replace(rows.select(()), names=(), keys=()), role, train)
    except DataError as error:
        return str(error)
    return None
