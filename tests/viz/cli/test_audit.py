"""`clsight audit`: its files agree, and bad input gets a sentence."""

import csv
import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from viz.__main__ import app
from viz.data.audit.record import load
from viz.export.csv_cells import unguarded

ROWS = [
    {"text": "oil prices rise", "label": "Business", "meta": {"a": 1}, "n": 1},
    {"text": "=HYPERLINK(oil)", "label": "Sports", "meta": [1], "n": 2.5},
    {"text": "the team wins, the game", "label": "Sports", "meta": "x", "n": None},
    {"text": "  ", "label": "World", "meta": None, "n": 4},
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, ROWS)), "utf-8")
    return file


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["audit", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_the_files_of_an_audit_agree(checkpoint: Path, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    code, out, err = run("--data", data, "--checkpoint", checkpoint, "--output", folder)
    assert code == 0, err
    assert out.splitlines()[:2] == [
        "Texts are read from column 'text', labels from 'label'.",
        "4 rows, 3 read, 3 with a label.",
    ]
    assert "1 row has no text that the model can read." in out
    record = load(folder / "audit.json")
    table = pd.read_parquet(folder / "rows.parquet")
    with (folder / "rows.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(table) == record.n_rows == 4
    assert [unguarded(line["text"]) for line in lines] == list(table["text"])
    assert lines[1]["text"] == "'=HYPERLINK(oil)"
    assert list(table["meta"][:3]) == ['{"a": 1}', "[1]", "x"]
    assert float(lines[0]["loss"]) == pytest.approx(table["loss"][0])
    assert record.data == "rows.jsonl"
    names = ("audit.json", "report.html", "report.pdf")
    before = {name: (folder / name).read_bytes() for name in names}
    assert run("--data", data, "--checkpoint", checkpoint, "--output", folder)[0] == 0
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_bad_input_gets_one_sentence(checkpoint: Path, data: Path, tmp_path: Path) -> None:
    rest = ("--checkpoint", checkpoint, "--output", tmp_path / "out")
    for options, sentence in (
        (("--data", tmp_path / "none.csv", *rest), "none.csv"),
        (("--data", data, *rest, "--folds", "1"), "--folds 1 leaves nothing to train on"),
        (("--data", data, *rest, "--limit", "0"), "--limit 0 leaves no row"),
        (("--data", data, "--checkpoint", checkpoint, "--output", data), "is a file"),
        (("--data", data, *rest, "--text-column", "body"), "No column 'body' in 'rows.jsonl'"),
    ):
        code, _, err = run(*options)
        assert code == 1
        assert sentence in err
        assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "out" / "audit.json").exists()


def test_labels_of_the_reference_are_read_where_they_are_asked_for_and_there(
    checkpoint: Path, tmp_path: Path
) -> None:
    few = ("--explain", "1", "--cells", "0", "--counterfactuals", "0")
    for name, rows in (
        ("new.csv", "text,topic\noil prices,World\nteam,Sports"),
        ("spam.csv", "text,label\noil,spam\nteam,spam"),
        ("plain.csv", "text\noil\nteam"),
    ):
        (tmp_path / name).write_text(rows, "utf-8")
    for reference, options, expected in (
        ("spam.csv", ["--no-labels"], 0),
        ("plain.csv", ["--label-column", "topic"], 0),
        ("spam.csv", ["--label-column", "topic"], 0),
        ("spam.csv", [], 1),
    ):
        out = ("--output", tmp_path / "out", "--checkpoint", checkpoint, *few)
        files = ("--data", tmp_path / "new.csv", "--reference", tmp_path / reference)
        code, _, err = run(*files, *options, *out)
        assert code == expected, err
        assert ("spam" in err) == bool(expected)


def test_nothing_else_is_written_over(checkpoint: Path, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    own = folder / "rows.csv"
    own.write_text("text,label\noil prices rise,World\n", "utf-8")
    before = own.read_bytes()
    for source, sentence in (
        (own, "is read and would be written over"),
        (data, "is there already"),
    ):
        options = ("--data", data, "--reference", source) if source == own else ("--data", source)
        code, _, err = run(*options, "--checkpoint", checkpoint, "--output", folder)
        assert code == 1
        assert sentence in err
        assert len(err.strip().splitlines()) == 1
        assert [file.name for file in folder.iterdir()] == ["rows.csv"]
        assert own.read_bytes() == before
