"""Audits of rows of every kind: their parts agree, and what can't be audited gets a sentence."""

import datetime
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.audit_claims import broken_claims
from tests.tiny_models import LABELS, WORDS, tiny_checkpoint
from viz.data.audit.run import audit
from viz.data.options import AuditOptions
from viz.errors import SelectionError
from viz.model.classifier import Classifier

FEW = AuditOptions(max_explained=8, n_cells=1, n_counterfactuals=1)
"""A little of each part."""


def some_texts(n: int, seed: int = 0) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS[0].split(), k=draw.randint(1, 6))) for _ in range(n)]


ODD_CELLS: dict[str, Any] = {
    "list": [1, [2]],
    "object": {"a": None, 1: 2},
    "set": {1},
    "bytes": b"\xff",
    "date": datetime.date(2026, 1, 1),
    "nothing": None,
    "nan": float("nan"),
    "numpy nan": np.float32("nan"),
    "infinity": float("inf"),
    "array": np.array([[1, 2]]),
    "large": 10**400,
    "beyond 64 bits": 2**64,
    "surrogate": "\ud800",
    "NUL": "a\0b",
    "formula": "=1+1",
    "complex": 1 + 2j,
    "": 1,
    "a\nb": 1,
    "prediction": "x",
    "prediction (file)": "x",
    "label_probability": 2,
    "row": -1,
    "near_copy": "x",
}
ODD_TEXTS = (
    *("\ud800 oil", "\0", "😀", "שלום", "你好", "[MASK] </s> [SEP]", "a" * 300, "oil " * 300),
    *("\u202eoil\u200b", "=oil()", " "),
)


def labeled(texts: Sequence[str], **cells: Any) -> list[dict[str, Any]]:
    return [{"text": text, "label": LABELS[n % 4], **cells} for n, text in enumerate(texts)]


DATA: dict[str, list[dict[str, Any]]] = {
    "one row": labeled(["oil"]),
    "one class": [{"text": text, "label": "World"} for text in some_texts(12)],
    "equal texts": labeled(["oil prices"] * 12),
    "odd cells": [
        {**row, "mixed": [None, 1, "x"][n % 3]}
        for n, row in enumerate(labeled(some_texts(12), **ODD_CELLS))
    ],
    "odd texts": labeled(ODD_TEXTS),
    "pairs": [
        {**row, "text_pair": pair}
        for row, pair in zip(labeled(some_texts(12)), some_texts(12, 1), strict=True)
    ],
}


@pytest.mark.parametrize("kind", DATA)
def test_the_parts_of_an_audit_agree(kind: str, classifier: Classifier, tmp_path: Path) -> None:
    assert list(broken_claims(audit(classifier, DATA[kind], options=FEW), tmp_path)) == []


def test_the_parts_agree_of_many_classes_a_text_and_of_a_shift(tmp_path: Path) -> None:
    folder = tiny_checkpoint(
        tmp_path / "several",
        labels=("a, b", "<b>", "😀"),
        problem_type="multi_label_classification",
    )
    sets: tuple[list[str] | None, ...] = ([], ["a, b"], ["<b>", "😀"], None)
    rows = [{"text": text, "labels": sets[n % 4]} for n, text in enumerate(some_texts(32))]
    reference = [f"moon script {text}" for text in some_texts(32, 1)]
    result = audit(Classifier.load(folder), rows, reference=reference, options=FEW)
    assert list(broken_claims(result, tmp_path)) == []


def test_rows_that_no_file_could_hold_are_refused(classifier: Classifier) -> None:
    endless: list[Any] = []
    endless.append(endless)
    for row, sentence in (
        (3, "Row 1 is of type int"),
        (["oil", "World"], "Row 1 is of type list"),
        ({"text": "oil", 7: 1}, "a column named 7"),
        ({"text": "oil", "a": endless}, "nested too deeply"),
        ({"text": "oil", "a": 10**5000}, "a number that is too long"),
    ):
        rows: Any = [row]
        with pytest.raises(SelectionError, match=sentence):
            audit(classifier, rows)


@pytest.mark.parametrize(
    "options", [AuditOptions(seed=-1), AuditOptions(seed=2**70), AuditOptions(folds=1)]
)
def test_options_out_of_range_are_refused(classifier: Classifier, options: AuditOptions) -> None:
    with pytest.raises(SelectionError, match=r"^(seed|folds) is "):
        audit(classifier, ["oil"], options=options)
