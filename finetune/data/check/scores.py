"""Scores: where they lie, and whether there is anything to learn from them."""

from collections.abc import Iterator

import numpy as np

from finetune.data.check.findings import Finding
from finetune.data.rows import Rows


def score_findings(role: str, rows: Rows) -> Iterator[Finding]:
    """What is to be said of the scores of one split, train or held out, if it has any rows."""
    scores = np.array(rows.scores or ())
    if not len(scores):
        return
    if scores.min() == scores.max():
        yield Finding(
            severity="stop" if role != "test" else "warning",
            kind="scores equal",
            sentence=f"All rows of {role} have the score {scores[0]:g}; there is nothing to"
            f" {'learn' if role == 'train' else 'measure'}.",
            count=len(scores),
        )
    elif role == "train":
        yield Finding(
            severity="note",
            kind="scores",
            sentence=f"Scores of train run from {scores.min():.4g} to {scores.max():.4g}, mean"
            f" {scores.mean():.4g}, standard deviation {scores.std():.4g}.",
            count=len(scores),
        )
