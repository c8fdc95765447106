"""Parquet: columns with the types they have."""

from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from finetune.data.sources import open_source
from finetune.data.tables.reader import read_head
from finetune.errors import DataError
from tests.finetune.data.tables.sheets import as_rows, put, read_table, refusal
from tests.finetune.news import rows_of


def parquet(columns: dict[str, object]) -> bytes:
    """A Parquet file of these columns."""
    file = BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def test_columns_keep_their_types(tmp_path: Path) -> None:
    columns: dict[str, object] = {
        " text ": ["oil", None],
        "label": [1, None],
        "score": [0.5, None],
        "list": [["a"], []],
        "kind": pa.array(["x", "y"]).dictionary_encode(),
    }
    table = read_table(put(tmp_path, "x.parquet", parquet(columns)))
    assert table.column_names == ["text", "label", "score", "list", "kind"]
    assert as_rows(table) == [("oil", 1, 0.5, ["a"], "x"), (None, None, None, [], "y")]
    assert as_rows(read_head(tmp_path / "x.parquet", 1)) == as_rows(table)[:1]


@pytest.mark.parametrize("many", [False, True])
def test_classes_by_number_keep_the_names_that_datasets_wrote(many: bool, tmp_path: Path) -> None:
    names = ClassLabel(names=["World", "Sports"])
    features = Features({"text": Value("string"), "label": List(names) if many else names})
    labels: list[object] = [[1], [0, 1]] if many else [1, 0]
    data = Dataset.from_dict({"text": ["oil", "gas"], "label": labels}, features=features)
    data.to_parquet(tmp_path / "x.parquet")
    (split,) = open_source(str(tmp_path / "x.parquet")).values()
    assert rows_of(split).labels == rows_of(data).labels
    assert rows_of(split).labels[0] == ("Sports",)


def test_a_column_that_cannot_be_read_is_told_where_it_is_read(tmp_path: Path) -> None:
    broken = pa.array([b"caf\xe9", b"oil"]).view(pa.utf8())
    table = read_table(
        put(tmp_path, "x.parquet", parquet({"text": broken, "raw": [b"x", b"y"], "n": [1, 2]}))
    )
    assert list(table["n"]) == [1, 2]
    with pytest.raises(DataError, match=r"column 'text' of 'x.parquet' can't be read"):
        table["text"]
    with pytest.raises(DataError, match=r"row 1 of 'x.parquet' has binary data in column 'raw'"):
        table["raw"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"text,label\na,b\n", "'x.parquet' can't be read as parquet: it is not a Parquet file"),
        (b"PAR1 but not really", "'x.parquet' can't be read as parquet"),
        (parquet({"text": []}), "'x.parquet' has no rows"),
        (parquet({"text": ["a"] * 99})[:-20], "'x.parquet' can't be read as parquet"),
    ],
)
def test_what_is_no_parquet_is_refused(content: bytes, told: str, tmp_path: Path) -> None:
    assert told in refusal(put(tmp_path, "x.parquet", content))


@pytest.mark.parametrize(
    ("labels", "golds"),
    [([0.0, 1.0, None], ["bad", "good", ""]), (["good", "bad", None], ["good", "bad", ""])],
)
def test_classes_that_another_program_wrote_anew_keep_their_names(
    labels: list[object], golds: list[str], tmp_path: Path
) -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["bad", "good"])})
    data = Dataset.from_dict({"text": ["oil", "gas", "gold"], "label": [0, 1, 1]}, features)
    data.to_parquet(tmp_path / "x.parquet")
    table = pq.read_table(tmp_path / "x.parquet")
    changed = table.set_column(1, "label", pa.array(labels))
    pq.write_table(changed.replace_schema_metadata(table.schema.metadata), tmp_path / "x.parquet")
    found = read_table(tmp_path / "x.parquet")
    assert found.written_labels("label") == golds
    assert [name for row in rows_of(found).labels for name in row] == golds[:2]
