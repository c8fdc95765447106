"""Whether a classifier was trained on the rows of a file, as far as its record says."""

from dataclasses import dataclass

import numpy as np

from finetune.data.rows import Rows
from finetune.run.record import RunRecord
from viz.data.rows.audit_rows import AuditRows


@dataclass(frozen=True, slots=True)
class TrainingSplit:
    """What is known of rows and a training."""

    trained: bool
    """Whether the rows count as seen in training."""
    reason: str
    """One sentence."""


def training_split(record: RunRecord | None, rows: AuditRows) -> TrainingSplit:
    """Whether rows were trained on: by their fingerprint, or else by the name of their file.

    A training leaves rows out that it finds again in validation, or cuts a validation split, so
    that a file of its name counts as trained on even where the fingerprint is another.

    Args:
        record: The record of the run; None where there is none.
        rows: The rows of a file with the classes of that run.
    """
    if record is None:
        return TrainingSplit(
            False,
            "Nothing beside the weights says what the classifier was trained on, so these rows"
            " count as new to it; if they aren't, say that it was trained on them.",
        )
    fingerprint = split_fingerprint(rows, record.labels)
    for role, split in record.splits.items():
        if split.fingerprint == fingerprint:
            trained = role == "train"
            what = "the classifier was trained on" if trained else f"its training kept for {role}"
            return TrainingSplit(
                trained, f"These are the rows that {what}, by their fingerprint in run.json."
            )
    data = record.settings.get("data")
    if rows.name in (data if isinstance(data, list) else [data]):
        return TrainingSplit(
            True,
            f"The classifier was trained on a file of the name {rows.name!r}, so these rows count"
            " as seen in training; if they are others, say that it wasn't trained on them.",
        )
    for role in ("validation", "test"):
        if record.settings.get(role) == rows.name:
            return TrainingSplit(
                False,
                f"The training kept a file of the name {rows.name!r} for {role}, so these rows"
                " count as new to the classifier.",
            )
    return TrainingSplit(
        False,
        f"The record of the training names other files than {rows.name!r}, so these rows count as"
        " new to the classifier; if they aren't, say that it was trained on them.",
    )


def split_fingerprint(rows: AuditRows, labels: tuple[str, ...]) -> str:
    """SHA-256 of the labeled rows, as `run.json` has it of the rows of a split."""
    names = gold_names(rows, labels)
    texts, pairs = rows.texts, rows.pairs
    full = [
        i
        for i, names_of_row in enumerate(names)
        if names_of_row is not None and texts[i] and (pairs is None or pairs[i])
    ]
    return Rows(
        texts=tuple(texts[i] for i in full),
        pairs=None if pairs is None else tuple(pairs[i] for i in full),
        labels=tuple(names[i] or () for i in full),
        names=labels,
        keys=labels,
        multi_label=rows.gold is not None and rows.gold.ndim == 2,
    ).fingerprint()


def gold_names(rows: AuditRows, labels: tuple[str, ...]) -> list[tuple[str, ...] | None]:
    """The names of the classes of each row; None where it has no label."""
    if rows.gold is None:
        return [None] * len(rows)
    if rows.gold.ndim == 1:
        return [None if label < 0 else (labels[int(label)],) for label in rows.gold]
    return [
        None if np.isnan(flags).any() else tuple(labels[i] for i in np.flatnonzero(flags))
        for flags in rows.gold
    ]
