"""Files of texts: read as fine-tuning reads them, in every kind."""

import json
from pathlib import Path

import pytest
from datasets import ClassLabel, Dataset, Features, Value

from finetune.data.evaluation_rows import load_evaluation_rows
from finetune.errors import DataError
from finetune.run.column_names import ColumnNames
from viz.errors import SelectionError, as_sentence
from viz.model.text_files import open_texts


@pytest.mark.parametrize("name", ["score", "Rating", "stars", "coarse_label"])
def test_a_column_of_scores_is_the_gold_label(name: str, tmp_path: Path) -> None:
    file = tmp_path / "films.csv"
    file.write_text(f"text,{name}\na fine film,4.5\n", "utf-8")
    found = open_texts(file)
    assert (found.columns.label, found.rows[0].gold_label) == (name, "4.5")


def test_the_name_of_a_class_goes_before_its_number(tmp_path: Path) -> None:
    file = tmp_path / "news.csv"
    file.write_text("text,label,label_name\noil prices rise,2,Business\n", "utf-8")
    assert open_texts(file).rows[0].gold_label == "Business"


def test_a_class_by_number_has_the_name_that_datasets_wrote(tmp_path: Path) -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["bad", "good"])})
    rows = Dataset.from_dict({"text": ["oil", "gas"], "label": [1, -1]}, features=features)
    rows.to_parquet(tmp_path / "rows.parquet")
    assert [row.gold_label for row in open_texts(tmp_path / "rows.parquet").rows] == ["good", ""]


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_a_list_and_lines_of_json_are_read_in_either_kind(suffix: str, tmp_path: Path) -> None:
    rows = [{"text": "oil", "label": 1}, {"text": "gas", "label": 2}]
    for content in (json.dumps(rows), "\n".join(map(json.dumps, rows))):
        file = tmp_path / f"rows{suffix}"
        file.write_text(content, "utf-8")
        assert [(row.text, row.gold_label) for row in open_texts(file).rows] == [
            ("oil", "1"),
            ("gas", "2"),
        ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", 'text,label\n"so,a\nlast "one",b\n'),
        ("x.csv", "text;label\noil;a\n"),
        ("x.csv", "sep=,\ntext,label\noil,a\n"),
        ("x.csv", '"3","Oil and gas","AFP"\n"3","Peace talks","AP"\n'),
        ("x.csv", "text,label\noil\n"),
        ("x.json", '{"data": [{"text": "oil"}]}'),
        ("x.jsonl", '{"text": "oil", "label": 1}\n{"text": ["oil"], "label": 1}'),
        ("x.tsv", "a\tlabel\noil\tx\n"),
        ("x.xlsx", "PK"),
    ],
)
def test_the_app_refuses_what_fine_tuning_refuses_in_the_same_words(
    name: str, content: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(DataError) as refused:
        load_evaluation_rows(str(tmp_path / name), ("1",), split=None, columns=ColumnNames())
    with pytest.raises(SelectionError) as also:
        open_texts(tmp_path / name)
    assert str(also.value) == as_sentence(refused.value)
