"""Corrected labels stand in a new file, and nothing else in it is other than it was."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finetune.data.tables.reader import read_table
from finetune.run.column_names import ColumnNames
from tests.tiny_models import tiny_checkpoint
from viz import Classifier
from viz.data.labels.corrections import RECORD, Correction, record_path, write_corrected
from viz.data.rows.audit_rows import open_rows
from viz.errors import SelectionError

LABELS = ("World", "Sports", "Business", "Sci/Tech")


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def corrected(path: Path, classifier: Classifier, changes: dict[int, Sequence[str] | None]) -> Path:
    rows = open_rows(path, classifier)
    corrections = [
        Correction(row=row, labels=None if labels is None else tuple(labels))
        for row, labels in changes.items()
    ]
    return write_corrected(path, rows, corrections, classifier.labels, checkpoint="tiny")


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        (
            "x.csv",
            '\ufefftext,label,note\r\n"oil, ""up""",World,\r\n\r\nthe,Sports,=1+1\r\nx,World,\r\n',
            '\ufefftext,label,note\r\n"oil, ""up""",World,\r\n\r\nthe,Sci/Tech,=1+1\r\n',
        ),
        (
            "x.csv",
            'text,label\n"oil\nrises",0\n"the\nteam",1\nout,2',
            'text,label\n"oil\nrises",0\n"the\nteam",3\n',
        ),
        (
            "x.csv",
            "text,label,label_name\noil,1.0,World\nthe,4.0,Sci/Tech\nteam,2.0,Sports\n",
            "text,label,label_name\noil,1.0,World\nthe,4.0,Sci/Tech\n",
        ),
        (
            "x.tsv",
            'text\tlabel\n"oil\tworld\n the" x\tSports\nteam\tWorld\n',
            'text\tlabel\n"oil\tworld\n the" x\tSci/Tech\n',
        ),
        (
            "x.jsonl",
            '{"text": "oil", "label": 0, "n":1.5}\n{"label":1,"text":"é"}\n{"text": "a","label":2}',
            '{"text": "oil", "label": 0, "n":1.5}\n{"label": 3, "text": "é"}\n',
        ),
        (
            "x.json",
            '[{"text": "oil", "label": "World"}, {"text": "é", "label": "Sports"},\n'
            '{"text": "a", "label": "World"}]',
            '[\n{"text": "oil", "label": "World"},\n{"text": "é", "label": "Sci/Tech"}\n]\n',
        ),
    ],
)
def test_a_label_is_written_as_the_column_writes_them(
    classifier: Classifier, tmp_path: Path, name: str, before: str, after: str
) -> None:
    """The second row becomes Sci/Tech, the third is dropped."""
    path = put(tmp_path, name, before)
    output = corrected(path, classifier, {2: None, 1: ["Sci/Tech"]})
    assert output.read_bytes().decode() == after
    assert path.read_bytes().decode() == before
    assert output.name == f"x-corrected{path.suffix}"


def test_the_names_of_numbers_are_kept_in_step(classifier: Classifier, tmp_path: Path) -> None:
    content = "text,label,label_name\noil,1,world\nthe,4,sci/tech\nteam,2,sports\n"
    output = corrected(put(tmp_path, "x.csv", content), classifier, {0: ["Sports"]})
    assert output.read_text() == content.replace("oil,1,world", "oil,2,sports")
    with pytest.raises(SelectionError, match=r"no row has 'Business', so its number isn't known"):
        corrected(tmp_path / "x.csv", classifier, {0: ["Business"]})


def test_classes_called_by_fractions_stay_numbers(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "model", labels=("1.5", "2.5", "3"))
    content = '{"text": "oil", "label": 1.5}\n{"text": "team", "label": 3.0}\n'
    classifier = Classifier.load(checkpoint, device="cpu")
    output = corrected(put(tmp_path, "x.jsonl", content), classifier, {0: ["3"], 1: ["2.5"]})
    assert list(read_table(output)["label"]) == [3.0, 2.5]


def test_lists_stay_lists(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(
        tmp_path / "model", labels=LABELS, problem_type="multi_label_classification"
    )
    classifier = Classifier.load(checkpoint, device="cpu")
    path = put(
        tmp_path,
        "x.jsonl",
        '{"text": "oil", "labels": ["world", "sports"]}\n{"text": "the", "labels": []}\n'
        '{"text": "team", "labels": ["world"]}\n',
    )
    output = corrected(path, classifier, {0: ["Sports"], 1: ["World", "Business"], 2: []})
    assert list(read_table(output)["labels"]) == [["sports"], ["world", "Business"], []]
    with pytest.raises(SelectionError, match="give it each class once"):
        corrected(path, classifier, {0: ["Sports", "Sports"]})


def test_a_parquet_keeps_its_schema_and_the_numbers_of_its_classes(
    classifier: Classifier, tmp_path: Path
) -> None:
    path = tmp_path / "x.parquet"
    features = datasets.Features(
        text=datasets.Value("string"),
        label=datasets.ClassLabel(names=list(LABELS)),
        when=datasets.Value("timestamp[ns]"),
        share=datasets.Value("float32"),
    )
    rows = {
        "text": ["oil", "the", "team"],
        "label": [0, 1, -1],
        "when": [1, 2**60 + 1, None],
        "share": [0.1, float("nan"), None],
    }
    datasets.Dataset.from_dict(rows, features=features).to_parquet(path)
    output = corrected(path, classifier, {0: ["Sci/Tech"], 2: ["Business"]})
    old, new = pq.read_table(path), pq.read_table(output)
    assert new.schema.equals(old.schema, check_metadata=True)
    assert new.column("label").to_pylist() == [3, 1, 2]
    for name in ("text", "when"):
        assert new.column(name).equals(old.column(name))
    assert datasets.Dataset.from_parquet(str(output)).features["label"].names == list(LABELS)
    dropped = pq.read_table(corrected(path, classifier, {1: None}))
    assert dropped.column("label").to_pylist() == [0, -1]
    assert dropped.schema.equals(old.schema, check_metadata=True)


def test_names_in_a_parquet_column_of_categories(classifier: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    labels = pa.array(["World", "Sports", "World"]).dictionary_encode()
    pq.write_table(pa.table({"text": ["oil", "the", "team"], "label": labels}), path)
    output = corrected(path, classifier, {0: ["Business"]})
    assert pq.read_table(output).column("label").to_pylist() == ["Business", "Sports", "World"]
    assert pq.read_table(output).schema.equals(pq.read_table(path).schema)


def test_nothing_is_ever_written_over(classifier: Classifier, tmp_path: Path) -> None:
    path = put(tmp_path, "x.csv", "text,label\noil,World\nthe,Sports\n")
    put(tmp_path, "x-corrected-2.csv", "mine")
    first = corrected(path, classifier, {0: ["Sports"]})
    second = corrected(path, classifier, {1: None})
    third = corrected(first, classifier, {1: ["World"]})
    names = [output.name for output in (first, second, third)]
    assert names == ["x-corrected.csv", "x-corrected-3.csv", "x-corrected-4.csv"]
    assert (tmp_path / "x-corrected-2.csv").read_text() == "mine"
    assert third.read_text() == "text,label\noil,Sports\nthe,World\n"


def test_the_record_tells_each_change(classifier: Classifier, tmp_path: Path) -> None:
    path = put(tmp_path, "x.csv", "text,label\noil,World\n\nthe,\nteam,Sports\n")
    output = corrected(path, classifier, {2: None, 1: ["Sports"]})
    record = RECORD.read(record_path(output))
    assert record_path(output).name == "x-corrected.corrections.json"
    assert record.source_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert record.output_sha256 == hashlib.sha256(output.read_bytes()).hexdigest()
    assert (record.source, record.output, record.checkpoint) == ("x.csv", output.name, "tiny")
    changes = [(each.row, each.place, each.before, each.after) for each in record.changes]
    assert changes == [(1, 4, None, ("Sports",)), (2, 5, ("Sports",), None)]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "There is nothing to correct"),
        ({7: None}, r"There is no row 7; the rows are 0 to 1"),
        ({0: ["Weather"]}, r"'Weather', given to row 0, is not one of the classes 'World'"),
        ({0: ["World", "Sports"]}, "give it one class"),
        ({0: []}, "give it one class"),
        ({0: None, 1: None}, "All rows would be dropped"),
    ],
)
def test_corrections_that_make_no_sense_are_told(
    classifier: Classifier,
    tmp_path: Path,
    changes: dict[int, Sequence[str] | None],
    sentence: str,
) -> None:
    path = put(tmp_path, "x.csv", "text,label\noil,World\nthe,Sports\n")
    with pytest.raises(SelectionError, match=sentence):
        corrected(path, classifier, changes)
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.csv"]


def test_a_row_is_corrected_once(classifier: Classifier, tmp_path: Path) -> None:
    path = put(tmp_path, "x.csv", "text,label\noil,World\nthe,Sports\n")
    twice = [Correction(row=1, labels=None), Correction(row=1, labels=("World",))]
    with pytest.raises(SelectionError, match="Row 1 is corrected 2 times"):
        write_corrected(path, open_rows(path, classifier), twice, LABELS)


def test_a_file_that_has_changed_is_told(classifier: Classifier, tmp_path: Path) -> None:
    path = put(tmp_path, "x.csv", "text,label\noil,World\nthe,Sports\n")
    rows = open_rows(path, classifier)
    put(tmp_path, "x.csv", "text,label\nthe,Sports\noil,World\n")
    with pytest.raises(SelectionError, match=r"'x.csv' has changed since it was read"):
        write_corrected(path, rows, [Correction(row=1, labels=None)], LABELS)


@pytest.mark.parametrize(
    "now",
    [
        ["A man plays,he moves,Sports", "A man plays,he rests,World"],  # the same first texts
        ["A man plays,he rests,Sports", "A man plays,he moves,Sports"],  # another label
        ["A man plays,he rests,World"],
    ],
)
def test_a_file_of_pairs_that_has_changed_is_told(
    classifier: Classifier, tmp_path: Path, now: Sequence[str]
) -> None:
    rows = ["A man plays,he rests,World", "A man plays,he moves,Sports"]
    path = put(tmp_path, "x.csv", "\n".join(["premise,hypothesis,label", *rows]))
    audited = open_rows(path, classifier)
    put(tmp_path, "x.csv", "\n".join(["premise,hypothesis,label", *now]))
    with pytest.raises(SelectionError, match=r"'x.csv' has changed since it was read"):
        write_corrected(path, audited, [Correction(row=0, labels=("Business",))], LABELS)
    assert [file.name for file in tmp_path.iterdir()] == ["x.csv"]


def test_without_labels_rows_can_be_dropped_only(classifier: Classifier, tmp_path: Path) -> None:
    path = put(tmp_path, "x.csv", "id,text\n1,oil\n2,the\n")
    rows = open_rows(path, classifier, ColumnNames())
    output = write_corrected(path, rows, [Correction(row=0, labels=None)], LABELS)
    assert output.read_text() == "id,text\n2,the\n"
    with pytest.raises(SelectionError, match="has no column of labels"):
        write_corrected(path, rows, [Correction(row=0, labels=("World",))], LABELS)


def test_a_name_that_would_turn_the_other_labels_is_refused(
    classifier: Classifier, tmp_path: Path
) -> None:
    """Where every label left is a number, numbers are read as such."""
    path = put(
        tmp_path, "x.jsonl", '{"text": "oil", "label": "World"}\n{"text": "a", "label": 1}\n'
    )
    with pytest.raises(SelectionError):
        corrected(path, classifier, {0: None})
    assert json.loads(path.read_text().splitlines()[0])["label"] == "World"
