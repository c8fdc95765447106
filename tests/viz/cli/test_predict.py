"""`clsight predict`: what it writes, what it says, and one sentence for whatever is wrong."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from finetune.checkpoint.windows import WindowSettings
from finetune.data.tables.reader import read_table
from tests.tiny_models import LABELS, edit_config, tiny_checkpoint
from viz import Classifier, predict
from viz.__main__ import app
from viz.cli import predict_file
from viz.data.prediction import run as prediction_run
from viz.data.prediction.precision import PrecisionChoice, predict_in
from viz.jobs.cancellation import check_cancelled

ROOT = Path(__file__).resolve().parents[3]
WORDS = ("oil", "prices", "rise", "as", "stocks", "fall", "the", "market", "team", "wins", "game")
TEXTS = [" ".join(WORDS[n * k % len(WORDS)] for k in range(1, 3 + n % 9)) for n in range(40)]
JSON = "".join(json.dumps({"text": text, "n": n}) + "\n" for n, text in enumerate(TEXTS))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text(JSON, "utf-8")
    return path


def run(*arguments: str | Path, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["predict", *map(str, arguments)], input=given)


def refused(result: Result) -> str:
    """The one sentence on stderr of a command that was refused."""
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    (line,) = result.stderr.splitlines()
    assert line.endswith(".")
    return line


def test_the_file_stands_beside_its_columns_and_is_named(
    checkpoint: Path, classifier: Classifier, data: Path, tmp_path: Path
) -> None:
    output = tmp_path / "new" / "out.parquet"
    result = run("--data", data, "--checkpoint", checkpoint, "--output", output, "--all")
    assert (result.exit_code, result.stdout) == (0, f"{output}\n"), result.output
    assert result.stderr == "Column 'text' is read, of 40 rows.\n"
    table, rows = read_table(output), predict(classifier, TEXTS)
    every = [f"probability_{label}" for label in LABELS]
    assert table.column_names == [
        *("text", "n", "prediction", "probability"), *every, "unseen_tokens",
    ]  # fmt: skip
    assert table["prediction"] == [LABELS[number] for number in rows.predicted]
    assert table["n"] == list(range(40))


def test_what_is_unusual_is_said(checkpoint: Path, tmp_path: Path) -> None:
    data, output = tmp_path / "rows.csv", tmp_path / "out.csv"
    data.write_text("text,prediction\nthe team wins,x\n,y\n☃,z\n  ,z\n", "utf-8")
    result = run("--data", data, "--checkpoint", checkpoint, "--output", output)
    assert result.stderr.splitlines() == [
        "Column 'text' is read, of 4 rows.",
        "There is a column 'prediction' already; the new one is called 'prediction_2'.",
        "3 rows have no prediction: 2 blank, 1 with nothing that the model sees.",
    ]
    assert read_table(output)["prediction_2"][1:] == ["", "", ""]


def test_rows_of_more_tokens_than_training_read_are_counted(tmp_path: Path) -> None:
    checkpoint, data = tiny_checkpoint(tmp_path / "short"), tmp_path / "rows.csv"
    edit_config(checkpoint, text_max_length=16)
    data.write_text("text\n" + "".join("oil " * n + "\n" for n in (14, 15, 100)), "utf-8")
    options: tuple[str | Path, ...] = (
        "--data", data, "--checkpoint", checkpoint, "--output", tmp_path / "out.csv",
    )  # fmt: skip
    told = (
        "2 rows have more than the 16 tokens at which training cut texts, and the model reads "
        "them: how well the model reads longer texts was not measured."
    )
    assert run(*options).stderr.splitlines()[1:] == [told]
    edit_config(checkpoint, text_max_length=None)
    assert run(*options, "--overwrite").stderr.splitlines()[1:] == []


@pytest.mark.parametrize(
    ("given", "options", "begins"),
    [
        (JSON, (), '{"text": '),
        ("\ufeff" + JSON, ("--all",), '{"text": '),
        ("n,text\n" + "".join(f"{n},{text}\n" for n, text in enumerate(TEXTS)), (), "n,text,pred"),
        ("\n".join(["text", *TEXTS]), ("--format", "tsv"), "text\tprediction\tprob"),
    ],
)
def test_a_dash_is_standard_input_and_output(
    checkpoint: Path, classifier: Classifier, given: str, options: tuple[str, ...], begins: str
) -> None:
    result = run("--data", "-", "--output", "-", "--checkpoint", checkpoint, *options, given=given)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(begins)
    lines = result.stdout.splitlines()
    assert len(lines) == len(TEXTS) + (not begins.startswith("{"))
    for line, number in zip(lines[-40:], predict(classifier, TEXTS).predicted, strict=True):
        assert LABELS[number] in line


def test_a_file_goes_to_standard_output_in_its_own_format(checkpoint: Path, data: Path) -> None:
    options = ("--data", data, "--output", "-", "--checkpoint", checkpoint)
    rows = [json.loads(line) for line in run(*options).stdout.splitlines()]
    assert [row["text"] for row in rows] == TEXTS
    assert run(*options, "--format", "csv").stdout.startswith("text,n,prediction,probability")


def test_what_makes_no_sense_is_refused(
    checkpoint: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "there.csv"
    there.write_text("mine")
    where = ("--data", data, "--checkpoint", checkpoint, "--output")
    assert refused(run(*where, there)).startswith("'there.csv' is there already; ")
    assert "is a folder; --output names a file." in refused(run(*where, tmp_path))
    assert "'out.xlsx' ends in none of '.csv', " in refused(run(*where, tmp_path / "out.xlsx"))
    below = refused(run(*where, there / "out.csv"))
    assert below.startswith(f"{str(there / 'out.csv')!r} can't be written: ")
    assert below.endswith("; give another output.")
    only = refused(run(*where, tmp_path / "out.csv", "--format", "csv"))
    assert only.startswith("--format says how standard input and output are written; ")
    assert "column 'body'" in refused(run(*where, tmp_path / "b.csv", "--text-column", "body"))
    mixed = tmp_path / "mixed.jsonl"
    mixed.write_text('{"text": "oil"}\n' * 1_500 + '{"text": 5}\n')
    options = ("--data", mixed, "--checkpoint", checkpoint, "--output", tmp_path / "c.csv")
    assert refused(run(*options)).startswith("Column 'text' of 'mixed.jsonl' has a text in line 1")
    mixed.unlink()
    empty = run("--data", "-", "--output", "-", "--checkpoint", checkpoint, given="")
    assert refused(empty) == "'stdin.csv' is empty; it needs a header and rows."
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    assert refused(run(*where, "-")).startswith("Standard input and output can't be shared by ")
    assert there.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.jsonl", "there.csv"]


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_all_threads_and_says_what_is_kept(
    sign: signal.Signals,
    checkpoint: Path,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prediction_run, "CPU_BLOCK_ROWS", 8)
    monkeypatch.setattr(predict_file, "n_cores", lambda: 1)
    windows: list[Any] = []
    real = predict_in

    def stopped(*arguments: Any, **options: Any) -> Any:
        windows.append(arguments[2])
        if len(windows) < 4:
            return real(*arguments, **options)
        os.kill(os.getpid(), sign)
        for _ in range(500):
            check_cancelled()
            time.sleep(0.01)
        raise AssertionError("the thread was not stopped")

    monkeypatch.setattr(prediction_run, "predict_in", stopped)
    result = run("--data", data, "--checkpoint", checkpoint, "--output", tmp_path / "out.csv")
    assert result.exit_code == (130 if sign == signal.SIGINT else 128 + signal.SIGTERM)
    kept = re.search(r"Stopped; (\d+) of 40 rows are predicted and kept; run the", result.stderr)
    assert kept is not None
    assert int(kept[1]) in (16, 24)
    assert len(list(tmp_path.glob(".out.csv.partial/rows-*"))) * 8 == int(kept[1])


def test_a_killed_run_is_continued_and_writes_the_same_file(
    checkpoint: Path, tmp_path: Path
) -> None:
    data, whole, output = (tmp_path / name for name in ("many.csv", "whole.csv", "out.csv"))
    data.write_text("text\n" + "".join(f"{text} {n}\n" for n in range(39) for text in TEXTS))
    options = ("--data", data, "--checkpoint", checkpoint, "--precision", "float32", "--output")
    command = [sys.executable, "-m", "viz", "predict", *map(str, options), str(output)]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    folder, deadline = tmp_path / ".out.csv.partial", time.monotonic() + 120
    while len(list(folder.glob("rows-*"))) < 1:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not output.exists()
    result = run(*options, output)
    assert "of 1,560 rows are predicted already." in result.stderr
    assert run(*options, whole).exit_code == 0
    assert output.read_bytes() == whole.read_bytes()
    assert not folder.exists()


def test_long_texts_are_read_in_windows_as_the_options_say(
    checkpoint: Path, classifier: Classifier, tmp_path: Path
) -> None:
    long = "oil prices rise as stocks fall . " * 20
    data, output = tmp_path / "long.jsonl", tmp_path / "out.jsonl"
    data.write_text(f"{json.dumps({'text': long})}\n{json.dumps({'text': 'oil'})}\n", "utf-8")
    where = ("--data", data, "--checkpoint", checkpoint, "--output", output, "--all")
    result = run(*where, "--windows", "--window-stride", "20", "--window-pooling", "max")
    assert result.exit_code == 0, result.output
    assert (
        "Texts of more than 64 tokens are read in overlapping windows, 20 tokens from one to the "
        "next at most; what is predicted is the largest logit of each class in any of them."
    ) in result.stderr.splitlines()
    reader = classifier.with_windows(WindowSettings(stride=20, pooling="max"))
    rows, table = predict(reader, [long, "oil"]), read_table(output)
    assert table["windows"] == rows.n_windows.tolist()
    assert table["unseen_tokens"] == [0, 0]
    assert table[f"probability_{LABELS[1]}"] == pytest.approx(rows.probabilities[:, 1], rel=1e-5)
    mixed = refused(run(*where, "--overwrite", "--no-windows", "--window-stride", "20"))
    assert mixed.startswith("--no-windows cuts texts that are too long; leave it out, or ")
    far = refused(run(*where, "--overwrite", "--window-stride", "63"))
    assert far.startswith("A window can't begin 63 tokens behind the one before; ")


def test_rows_near_another_label_are_read_again_in_all_windows(classifier: Classifier) -> None:
    reader = classifier.with_windows(WindowSettings(stride=20))
    texts = ["oil prices rise . " * 40, "the team wins", "stocks fall . " * 40]
    exact = predict(reader, texts)
    rough = predict_in(PrecisionChoice(precision="bfloat16"), reader, texts)
    again = predict_in(PrecisionChoice(precision="bfloat16", margin=1e9), reader, texts)
    assert not (rough.logits == exact.logits).all()
    assert (again.n_windows == exact.n_windows).all()
    np.testing.assert_allclose(again.logits, exact.logits, atol=1e-5)
