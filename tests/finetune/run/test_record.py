"""run.json: what is written is read back, and a broken file is one sentence."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from finetune.checkpoint.run_files import RECORD
from finetune.errors import ModelError
from finetune.evaluation.metrics import measure_multi_label
from finetune.run.record import RunRecord

DEFAULT = Path(__file__).parents[3] / "assets" / "ag-news-minilm"


def test_a_record_comes_back_as_it_was_written(record: RunRecord, tmp_path: Path) -> None:
    record.save(tmp_path)
    assert RunRecord.load(tmp_path) == record


def test_test_metrics_of_several_classes_come_back(record: RunRecord, tmp_path: Path) -> None:
    flags = np.array([[1, 0], [0, 1]])
    with_test = replace(record, test=measure_multi_label(flags, flags, record.labels))
    with_test.save(tmp_path)
    assert RunRecord.load(tmp_path) == with_test


def test_the_file_is_plain_json_with_every_fact(record: RunRecord, tmp_path: Path) -> None:
    record.save(tmp_path)
    values = json.loads((tmp_path / RECORD).read_text("utf-8"))
    assert set(values) == set(RunRecord.__dataclass_fields__)
    assert values["epochs"][1]["accuracy"] == 0.75


def test_a_number_that_is_not_finite_is_not_written(record: RunRecord, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        replace(record, seconds=float("nan")).save(tmp_path)
    assert not (tmp_path / RECORD).exists()


@pytest.mark.parametrize("text", ["{", "{}", '{"labels": 1}', "[]"])
def test_a_broken_file_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(ModelError, match=r"'run\.json' in .* is damaged: "):
        RunRecord.load(tmp_path)


CONTRADICTIONS: dict[str, tuple[tuple[str | int, ...], object]] = {
    "a class occurs twice": (("validation", "classes", 1, "label"), "Sports"),
    "the confusion matrix is not one of 2 classes": (("validation", "confusion", 0), [1]),
    "don't add up to those of the classes": (("validation", "confusion", 0, 0), 7),
    "the accuracy is not that of the confusion matrix": (("validation", "accuracy"), 0.5),
    "a label occurs twice": (("labels",), ["World", "World"]),
    "what was measured is not of these labels": (("labels",), ["World", "Sports"]),
    "the split 'train' doesn't count each label": (("splits", "train", "class_counts"), {}),
    "what was measured is not of this kind": (("problem_type",), "regression"),
    "the best epoch is none of the epochs": (("best_epoch",), 3),
    "Invalid isoformat string": (("created",), "yesterday"),
    "'output' is 7, not a text": (("settings", "output"), 7),
    "'learning_rate' is True": (("settings", "learning_rate"), True),
    "'data' is [[]], which is not a setting": (("settings", "data"), [[]]),
    "greater than or equal to 1": (("validation", "rows"), 0),
    "in 'epochs.0.measured.macro_f1', input should be a valid number": (
        ("epochs", 0, "macro_f1"),
        "half",
    ),
}


@pytest.mark.parametrize("sentence", CONTRADICTIONS)
def test_numbers_that_do_not_add_up_are_not_shown(
    sentence: str, record: RunRecord, tmp_path: Path
) -> None:
    record.save(tmp_path)
    values = json.loads((tmp_path / RECORD).read_text("utf-8"))
    (*path, last), value = CONTRADICTIONS[sentence]
    part = values
    for key in path:
        part = part[key]
    part[last] = value
    (tmp_path / RECORD).write_text(json.dumps(values), "utf-8")
    with pytest.raises(ModelError, match=re.escape(sentence)) as refusal:
        RunRecord.load(tmp_path)
    assert str(refusal.value).startswith(f"{RECORD!r} in '{tmp_path.name}' is damaged: ")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"no {RECORD}"):
        RunRecord.load(tmp_path)


def test_a_record_of_scores_comes_back_as_it_was_written(
    score_record: RunRecord, tmp_path: Path
) -> None:
    score_record.save(tmp_path)
    assert RunRecord.load(tmp_path) == score_record
    assert score_record.regression


def test_a_record_from_before_there_were_scores_is_read() -> None:
    record = RunRecord.load(DEFAULT)
    assert not record.regression
    assert set(record.epochs[0].measured) == {"accuracy", "macro_f1"}
    assert {split.scores for split in record.splits.values()} == {None}
