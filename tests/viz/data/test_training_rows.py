"""Whether rows were trained on is read from the record: fingerprint first, then the file's name."""

from dataclasses import replace
from pathlib import Path

import pytest

from finetune.data.rows import Rows, read_rows
from finetune.data.tables.reader import read_table
from finetune.run.column_names import ColumnNames
from finetune.run.record import RunRecord
from tests.tiny_models import tiny_checkpoint
from viz import Classifier
from viz.data.labels.training_rows import split_fingerprint, training_split
from viz.data.rows.audit_rows import AuditRows, open_rows
from viz.model.classifier import default_checkpoint
from viz.model.run_record import checkpoint_folder, run_record

LINES = 'text,label\n oil prices ,Business\n"stocks, fall",World\n,World\nno label,\npeace,World\n'


@pytest.fixture
def record() -> RunRecord:
    return RunRecord.load(default_checkpoint())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text(LINES)
    return path


@pytest.fixture
def rows(file: Path, classifier: Classifier) -> AuditRows:
    return open_rows(file, classifier)


def with_split(record: RunRecord, role: str, rows: Rows) -> RunRecord:
    split = replace(record.splits["train"], fingerprint=rows.fingerprint())
    return replace(record, splits={**record.splits, role: split})


def test_the_fingerprint_is_that_of_the_training(file: Path, rows: AuditRows) -> None:
    read = read_rows(read_table(file), "rows", ColumnNames())
    labels = ("World", "Sports", "Business", "Sci/Tech")
    assert len(read) == 3
    assert split_fingerprint(rows, labels) == read.fingerprint()


def test_of_several_classes_too(tmp_path: Path) -> None:
    model = Classifier.load(
        tiny_checkpoint(
            tmp_path / "m", labels=("b", "a"), problem_type="multi_label_classification"
        )
    )
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "oil", "text_pair": "rise", "label": ["b", "a"]}\n' * 2)
    read = read_rows(read_table(path), "rows", ColumnNames())
    assert split_fingerprint(open_rows(path, model), model.labels) == read.fingerprint()


def test_a_fingerprint_says_more_than_a_name(
    file: Path, rows: AuditRows, record: RunRecord
) -> None:
    read = read_rows(read_table(file), "rows", ColumnNames())
    assert training_split(with_split(record, "train", read), rows).trained
    named = replace(record, settings=record.settings | {"data": ["rows.csv"]})
    split = training_split(with_split(named, "validation", read), rows)
    assert not split.trained
    assert "kept for validation" in split.reason


def test_a_name_among_the_training_data_counts(rows: AuditRows, record: RunRecord) -> None:
    for data in (["other.csv", "rows.csv"], "rows.csv"):
        split = training_split(replace(record, settings=record.settings | {"data": data}), rows)
        assert split.trained
        assert "'rows.csv'" in split.reason
    for settings in ({"data": ["other.csv"]}, {"test": "rows.csv"}):
        split = training_split(replace(record, settings=record.settings | settings), rows)
        assert not split.trained
    assert "for test" in split.reason


def test_without_a_record_rows_are_new_and_the_reader_is_told(
    rows: AuditRows, classifier: Classifier
) -> None:
    assert run_record(classifier) is None
    split = training_split(None, rows)
    assert not split.trained
    assert "say that it was trained on them" in split.reason


def test_the_record_lies_beside_the_weights(tmp_path: Path, record: RunRecord) -> None:
    folder = tiny_checkpoint(tmp_path / "m")
    record.save(folder)
    model = Classifier.load(folder)
    assert checkpoint_folder(model) == folder
    assert run_record(model) == record
    other = Classifier.load(tiny_checkpoint(tmp_path / "o", labels=("a", "b", "c", "d")))
    record.save(tmp_path / "o")
    assert run_record(other) is None
