"""A whole data set: every row a file, bad rows noted, and a killed run resumes where it stopped."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner, Result

from finetune.checkpoint.windows import WindowSettings
from tests.architectures import architecture_checkpoint
from tests.tiny_models import tiny_checkpoint
from viz import Classifier, read_document
from viz.__main__ import app
from viz.errors import SelectionError
from viz.export import atomic_files
from viz.export import dataset_export as series_module
from viz.export.dataset_export import DatasetExport
from viz.export.index import ExportIndex, IndexRow
from viz.export.options import ExportOptions
from viz.export.request import FigureRequest
from viz.figures.render_options import RenderOptions
from viz.model.text_files import Columns, open_texts

ROOT = Path(__file__).resolve().parents[3]
ROWS = [
    ("Oil prices rise as stocks fall", "Business"),
    ("team wins the game", "Sports"),
    ("   ", "World"),
    ("market " * 100, "Business"),
    ("space probe finds ice on moon", "Sci/Tech"),
    ("=good, \"movie\"\nwas not bad", "-odd"),
    ("team wins the game", "Sports"),
    ("你好 世界", "World"),
]  # fmt: skip


def rows_to(path: Path, rows: list[tuple[str, str]] = ROWS) -> Path:
    pd.DataFrame(rows, columns=["text", "label"]).to_csv(path, index=False)
    return path


def run(data: Path, output: Path, checkpoint: Path, *options: str) -> Result:
    arguments = ["export", "--data", data, "--output", output, "--checkpoint", checkpoint]
    return CliRunner().invoke(app, [*map(str, arguments), *options])


def index_of(folder: Path) -> dict[int, IndexRow]:
    with (folder / "index.csv").open(encoding="utf-8", newline="") as file:
        header, *cells = csv.reader(file)
    assert header == ["row", "file", "label", "probability", "gold_label", "note"]
    lines = [IndexRow.read(line) for line in cells]
    assert [line.row for line in lines] == sorted({line.row for line in lines})
    return {line.row: line for line in lines}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def check_alike(folder: Path, whole: Path) -> None:
    """The same files with the same content, numbers within what replay allows.

    What is in a batch moves the last bit of a logit, and a run that goes on has other batches.
    """
    found, expected = contents(folder), contents(whole)
    assert found.keys() == expected.keys()
    for name in expected:
        if name.endswith((".csv", ".json")):
            one, other = found[name].decode(), expected[name].decode()
            assert NUMBER.sub("0", one) == NUMBER.sub("0", other), name
            ours, theirs = (list(map(float, NUMBER.findall(text))) for text in (one, other))
            np.testing.assert_allclose(ours, theirs, atol=1e-6, rtol=1e-6, err_msg=name)


OPTIONS = ("--attribution", "decomposition", "--format", "csv,json")


def test_every_row_has_its_files_and_a_line_in_the_index(
    checkpoint: Path, classifier: Classifier, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    result = run(rows_to(tmp_path / "rows.csv"), folder, checkpoint, *OPTIONS)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{folder / 'index.csv'}\n"
    assert "Without a file: 1 row;" in result.stderr
    index = index_of(folder)
    assert set(index) == set(range(len(ROWS)))
    for row, (text, gold) in enumerate(ROWS):
        line = index[row]
        assert line.gold == gold
        if not text.strip():
            assert (line.files, line.label) == ((), "")
            assert "text is empty" in line.note
            continue
        alone = classifier.read(text)
        assert line.label == alone.prediction.label
        assert line.probability == pytest.approx(alone.prediction.probability, abs=1e-6)
        assert len(line.files) == 2
        assert all(name.startswith(f"{row:06d}-tiny-bert-") for name in line.files)
        assert all((folder / name).is_file() for name in line.files)
    assert "never saw" in index[3].note
    named = {name for line in index.values() for name in line.files}
    assert set(contents(folder)) == named | {"index.csv", "settings.json", "numbers.csv"}


def test_a_row_without_finite_logits_is_noted_and_others_of_its_batch_have_files(
    tmp_path: Path,
) -> None:
    classifier = Classifier.load(tiny_checkpoint(tmp_path / "tiny"))
    token = classifier.tokenizer.convert_tokens_to_ids("moon")
    rows = [("ice on moon", "Sci/Tech"), ("oil prices rise", "Business"), ("team wins", "Sports")]
    assert len({classifier.encode(text).n_tokens for text, _ in rows[:2]}) == 1
    with torch.no_grad():  # finite, unlike its square
        classifier.model.get_input_embeddings().get_parameter("weight")[token] = 3e38
    index = index_of(tables_of(classifier, tmp_path, rows, FigureRequest(kinds=("head",), layer=1)))
    assert [len(index[row].files) for row in range(3)] == [0, 1, 1]
    assert (index[0].gold, index[1].note) == ("Sci/Tech", "")
    assert "gives logits that are not finite" in index[0].note


def test_every_exported_json_replays(checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    data = rows_to(tmp_path / "rows.csv")
    run(data, folder, checkpoint, "--layer", "1", "--format", "json")
    files = sorted(folder.glob("0*.json"))
    assert len(files) == len(ROWS) - 1
    for file in files:
        result = CliRunner().invoke(app, ["replay", str(file), "--checkpoint", str(checkpoint)])
        assert result.exit_code == 0, result.output


def test_tables_of_one_shape_are_put_together(checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    run(rows_to(tmp_path / "rows.csv"), folder, checkpoint, *OPTIONS)
    together = pd.read_csv(folder / "numbers.csv", keep_default_na=False)
    for row, line in index_of(folder).items():
        part = together[together["row"] == row].drop(columns="row").reset_index(drop=True)
        assert len(part) == 0 or list(part["kind"][-2:]) == ["hidden", "value"]
        for name in line.files:
            if name.endswith(".csv"):
                alone = pd.read_csv(folder / name, keep_default_na=False)
                assert part.astype(str).equals(alone.astype(str))


def tables_of(
    classifier: Classifier, tmp_path: Path, rows: list[tuple[str, str]], request: FigureRequest
) -> Path:
    """A folder of tables of some rows."""
    folder = tmp_path / "out"
    options = ExportOptions(request=request, formats=("csv",), render_options=RenderOptions())
    texts = open_texts(rows_to(tmp_path / "rows.csv", rows))
    list(DatasetExport(classifier, texts, options, folder).run())
    return folder


@pytest.mark.parametrize("order", [1, -1])
def test_tables_of_short_and_of_long_rows_are_put_together(
    classifier: Classifier, tmp_path: Path, order: int
) -> None:
    rows = [ROWS[0], (LONG_TEXT, "Sports")][::order]
    whole = classifier.with_windows(WindowSettings(stride=25))
    request = FigureRequest(kinds=("attribution",), method="attention")
    folder = tables_of(whole, tmp_path, rows, request)
    together = pd.read_csv(folder / "numbers.csv")
    assert set(together["row"]) == {0, 1}
    for row, (text, _) in enumerate(rows):
        words = together[(together["row"] == row) & (together["kind"] == "word")]
        is_long = text == LONG_TEXT
        assert words["sentence"].notna().any() == is_long
        (alone,) = folder.glob(f"{row:06d}-*.csv")
        assert ("sentence" in pd.read_csv(alone).columns) == is_long
        assert words["text"].tolist() == pd.read_csv(alone)["text"][: len(words)].tolist()


def test_maps_are_not_put_together_whatever_the_checkpoint_is_called(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "news-attribution-model")
    folder = tables_of(
        Classifier.load(checkpoint), tmp_path, ROWS[:2], FigureRequest(kinds=("head",), layer=1)
    )
    assert len(list(folder.glob("0*.csv"))) == 2
    assert not (folder / "numbers.csv").exists()


def test_a_second_run_makes_nothing_again(checkpoint: Path, tmp_path: Path) -> None:
    data, folder = rows_to(tmp_path / "rows.csv"), tmp_path / "out"
    run(data, folder, checkpoint, *OPTIONS, "--limit", "3")
    assert set(index_of(folder)) == {0, 1, 2}
    made = {path: path.stat().st_mtime_ns for path in folder.glob("0*")}
    result = run(data, folder, checkpoint, *OPTIONS)
    assert "3 of 8 rows are already there" in result.stderr
    assert set(index_of(folder)) == set(range(len(ROWS)))
    assert {path: path.stat().st_mtime_ns for path in made} == made


@pytest.mark.parametrize("damage", ["cut", "lost file", "odd line", "empty", "unfinished"])
def test_a_damaged_folder_is_mended(checkpoint: Path, tmp_path: Path, damage: str) -> None:
    data, folder = rows_to(tmp_path / "rows.csv"), tmp_path / "out"
    run(data, folder, checkpoint, *OPTIONS)
    whole, index = tmp_path / "whole", folder / "index.csv"
    shutil.copytree(folder, whole)
    if damage == "cut":
        index.write_bytes(index.read_bytes()[:-25])
    elif damage == "lost file":
        next(folder.glob("000004-*.json")).unlink()
    elif damage == "odd line":
        index.write_bytes(index.read_bytes() + b"x,y\n")
    elif damage == "empty":
        index.write_bytes(b"")
    else:
        (folder / ".000001-x.json.123.part").write_bytes(b"half")
    assert run(data, folder, checkpoint, *OPTIONS).exit_code == 0
    check_alike(folder, whole)


def test_a_killed_run_goes_on_and_ends_like_one_that_was_not(
    checkpoint: Path, tmp_path: Path
) -> None:
    """SIGKILL, twice, each time after some rows more; no time to tidy up."""
    rows = [(f"{text} {'good ' * (i % 5)}", label) for i in range(60) for text, label in ROWS[:2]]
    data, folder = rows_to(tmp_path / "rows.csv", rows), tmp_path / "killed"
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "viz",
        "export",
        "--data",
        data,
        "--output",
        folder,
    ]
    command += ["--checkpoint", checkpoint, "--attribution", "decomposition", "--format", "json"]
    done = 0
    for _ in range(2):
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        _wait(process, folder, done + 4)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        done = (folder / "index.csv").read_bytes().count(b"\n") - 1
    assert 0 < done < len(rows)
    options = ("--attribution", "decomposition", "--format", "json")
    result = run(data, folder, checkpoint, *options)
    assert result.exit_code == 0
    assert "rows are already there" in result.stderr
    run(data, tmp_path / "whole", checkpoint, *options)
    assert set(index_of(folder)) == set(range(len(rows)))
    check_alike(folder, tmp_path / "whole")


def _wait(process: subprocess.Popen[bytes], folder: Path, n_lines: int) -> None:
    """Until so many rows are in the index."""
    index, end = folder / "index.csv", time.monotonic() + 100
    while time.monotonic() < end and process.poll() is None:
        if index.exists() and index.read_bytes().count(b"\n") > n_lines:
            return
        time.sleep(0.01)
    raise AssertionError(f"the run ended or hung before it had {n_lines} rows")


def test_two_runs_into_one_folder_do_not_mix(checkpoint: Path, tmp_path: Path) -> None:
    data, folder, whole = rows_to(tmp_path / "rows.csv"), tmp_path / "out", tmp_path / "whole"
    texts, classifier = open_texts(data), Classifier.load(checkpoint)
    options = ExportOptions(
        request=FigureRequest(kinds=("attribution",)),
        formats=("csv", "json"),
        render_options=RenderOptions(),
    )
    first = DatasetExport(classifier, texts, options, folder)
    running = first.run()
    next(running)
    half = folder / ".000001-x.json.123.part"
    half.write_bytes(b"half")
    for _ in range(2):
        refused = run(data, folder, checkpoint, *OPTIONS)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert refused.stderr.startswith("Another run is writing into ")
        assert len(refused.stderr.splitlines()) == 1
    assert half.read_bytes() == b"half"  # it may be the other run's, and was left alone
    half.unlink()
    list(running)
    again = run(data, folder, checkpoint, *OPTIONS)
    assert "8 of 8 rows are already there" in again.stderr
    run(data, whole, checkpoint, *OPTIONS)
    check_alike(folder, whole)


def test_a_run_that_is_broken_off_leaves_the_folder_free(
    checkpoint: Path, classifier: Classifier, tmp_path: Path
) -> None:
    data, folder = rows_to(tmp_path / "rows.csv"), tmp_path / "out"
    options = ExportOptions(
        request=FigureRequest(kinds=("attribution",)),
        formats=("csv", "json"),
        render_options=RenderOptions(),
    )
    running = DatasetExport(classifier, open_texts(data), options, folder).run()
    next(running)
    running.close()  # type: ignore[attr-defined]
    assert run(data, folder, checkpoint, *OPTIONS).exit_code == 0
    assert not (folder / ".lock").exists()


@pytest.mark.parametrize("stop_after", range(1, 8))
def test_a_run_stopped_between_any_two_files_ends_alike(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_after: int
) -> None:
    texts = open_texts(rows_to(tmp_path / "rows.csv"))
    options = ExportOptions(
        request=FigureRequest(kinds=("head", "attribution")),
        formats=("json",),
        render_options=RenderOptions(),
    )
    whole, folder = tmp_path / "whole", tmp_path / "stopped"
    list(DatasetExport(classifier, texts, options, whole).run())
    real, written = atomic_files.write, 0

    def stopping(path: Path, content: bytes) -> Path:
        nonlocal written
        written += 1
        if written > stop_after:
            raise KeyboardInterrupt
        return real(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(series_module, "write", stopping)
        with pytest.raises(KeyboardInterrupt):
            list(DatasetExport(classifier, texts, options, folder).run())
    again = DatasetExport(classifier, texts, options, folder)
    list(again.run())
    check_alike(folder, whole)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--attribution", "rollout", "--format", "csv,json"), "request"),
        (("--attribution", "decomposition", "--format", "csv"), "formats"),
        ((*OPTIONS, "--dpi", "300"), "look"),
        ((*OPTIONS, "--text-column", "label"), "columns"),
        ((*OPTIONS, "--against", "none"), "request"),
    ],
)
def test_other_settings_into_the_same_folder_are_refused(
    checkpoint: Path, tmp_path: Path, options: tuple[str, ...], named: str
) -> None:
    data, folder = rows_to(tmp_path / "rows.csv"), tmp_path / "out"
    run(data, folder, checkpoint, *OPTIONS, "--limit", "1")
    before = contents(folder)
    result = run(data, folder, checkpoint, *options)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"an export with other settings ({named})" in result.stderr
    assert contents(folder) == before


def test_other_data_or_weights_into_the_same_folder_are_refused(
    checkpoint: Path, classifier: Classifier, tmp_path: Path
) -> None:
    data, folder = rows_to(tmp_path / "rows.csv"), tmp_path / "out"
    run(data, folder, checkpoint, *OPTIONS, "--limit", "1")
    other = rows_to(tmp_path / "rows2.csv", ROWS[::-1])
    assert "other settings (data)" in run(other, folder, checkpoint, *OPTIONS).stderr
    shipped = run(data, folder, ROOT / "assets" / "ag-news-minilm", *OPTIONS)
    assert "other settings (checkpoint, fingerprint)" in shipped.stderr
    (folder / "settings.json").unlink()
    assert "no export left there" in run(data, folder, checkpoint, *OPTIONS).stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--layer", "99"), "Layer 99 does not exist"),
        (("--atlas", "--colormap", "nope"), "'nope'"),
        (("--attribution", "decomposition", "--target", "Weather"), "no class 'Weather'"),
        (("--atlas", "--quadrant", "A-B"), "has no second texts"),
        (("--text-column", "words"), "No column 'words' in"),
        (("--limit", "0"), "leaves no row"),
        (("--attribution", "rollout", "--colormap", "magma"), "--colormap is not an option of"),
        (("--attribution", "rollout", "--layer", "1"), "--layer is not an option of"),
    ],
)
def test_what_no_row_allows_is_said_once_and_leaves_no_folder(
    checkpoint: Path, tmp_path: Path, options: tuple[str, ...], sentence: str
) -> None:
    folder = tmp_path / "out"
    result = run(rows_to(tmp_path / "rows.csv"), folder, checkpoint, *options)
    assert (result.exit_code, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 1
    assert sentence in result.stderr
    assert not folder.exists()


def test_an_unknown_figure_of_a_data_set_is_refused(tmp_path: Path) -> None:
    arguments = ["export", "dataset", "rows.csv", "--output", str(tmp_path), "--figure", "heads"]
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Figure 'heads' is unknown; known are head, layer, atlas")


@pytest.mark.parametrize(
    "arguments", [("--pair", "good movie"), ("a text",), ("--bertviz", "head")]
)
def test_a_data_set_takes_no_text_and_no_bertviz(
    checkpoint: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    folder = tmp_path / "out"
    result = run(rows_to(tmp_path / "rows.csv"), folder, checkpoint, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert not folder.exists()


def test_each_row_can_be_a_zip(checkpoint: Path, tmp_path: Path) -> None:
    data, folder = rows_to(tmp_path / "rows.csv"), tmp_path / "out"
    result = run(data, folder, checkpoint, "--zip", "--format", "json", "--limit", "2")
    assert result.exit_code == 0, result.output
    assert index_of(folder)[1].files == ("000001-tiny-bert-all-decomposition.zip",)
    replayed = CliRunner().invoke(
        app,
        [
            "replay",
            str(folder / "000001-tiny-bert-all-decomposition.zip"),
            "--checkpoint",
            str(checkpoint),
        ],
    )
    assert replayed.exit_code == 0, replayed.output


def test_pairs_are_read_as_pairs(checkpoint: Path, classifier: Classifier, tmp_path: Path) -> None:
    data, folder = tmp_path / "pairs.tsv", tmp_path / "out"
    data.write_text("sentence1\tsentence2\tlabel\ngood movie\tbad movie\t1\ngood\t\t0\n", "utf-8")
    options = ("--layer", "0", "--quadrant", "A-B", "--format", "json")
    assert run(data, folder, checkpoint, *options).exit_code == 0
    index = index_of(folder)
    assert index[0].label == classifier.read("good movie", "bad movie").prediction.label
    assert "second text is empty" in index[1].note
    (file,) = index[0].files
    assert json.loads((folder / file).read_text("utf-8"))["pair"] == "bad movie"


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_every_kind_of_file_gives_the_same_rows(tmp_path: Path, suffix: str) -> None:
    path, frame = tmp_path / f"rows{suffix}", pd.DataFrame(ROWS, columns=["Review", "label_name"])
    if suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True, force_ascii=False)
    elif suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")
    texts = open_texts(path)
    assert texts.columns == Columns("Review", None, "label_name")
    assert [(row.text, row.gold_label) for row in texts.rows] == ROWS
    assert len(open_texts(path, limit=3).rows) == 3


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("rows.xlsx", b"PK", "is an Excel workbook; save the sheet as CSV"),
        ("rows.csv", b"", "is empty; it needs a header and rows"),
        ("rows.csv", b"text,label\n", "has a header but no rows"),
        ("rows.csv", b"text\n\xff\xfe\n", "is not UTF-8; save it as UTF-8 (see line 2)"),
        (
            "rows.csv",
            b"a,b\n1,2\n",
            "No text column among 'a', 'b' of 'rows.csv'; name it with --text-column.",
        ),
        ("rows.csv", b'text\n"open\n', "can't be read as csv"),
        (
            "rows.jsonl",
            b'{"text": "good"}\n[1]\n',
            "Line 2 of 'rows.jsonl' is a list, not an object",
        ),
        ("rows.jsonl", b'{"text": ', "can't be read as jsonl"),
        (
            "rows.jsonl",
            b'{"text": "good"}\n{"text": ',
            "line 2 is not one whole object (expecting value)",
        ),
        ("rows.jsonl", b'{"text": ' + b"[" * 100_000, "Line 1 of 'rows.jsonl' is nested too deep"),
        ("rows.jsonl", b'{"text": ["a", "b"], "label": 1}', "Column 'text' holds list values"),
        ("rows.csv", b"text,label\ngood, but long,1\n", "line 2 has 3 cells under 2 column names"),
        ("rows.csv", b"text,text\na,b\n", "has 2 columns named 'text'"),
        ("rows.csv", b"text,label,label\na,b,c\n", "has 2 columns named 'label'"),
        ("rows.parquet", b"PAR1", "can't be read as parquet"),
    ],
)
def test_a_file_that_can_not_be_read_is_refused(
    tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SelectionError, match=re.escape(sentence)):
        open_texts(path)


@pytest.mark.parametrize("cell", [b"good", ["good"], {"a": 1}])
def test_a_column_of_parquet_that_holds_no_texts_is_refused(tmp_path: Path, cell: object) -> None:
    pd.DataFrame({"text": [cell]}).to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(SelectionError, match=r"olumn 'text' holds|binary data in column 'text'"):
        open_texts(tmp_path / "rows.parquet")


def test_missing_cells_are_empty_and_labels_may_be_anything(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "text": pd.array(["good", None], dtype="string"),
            "label": pd.array([1, None], dtype="Int64"),
        }
    )
    frame.to_parquet(tmp_path / "rows.parquet")
    rows = open_texts(tmp_path / "rows.parquet").rows
    assert [(row.text, row.gold_label) for row in rows] == [("good", "1"), ("", "")]
    pd.DataFrame({"text": ["good"], "labels": [[1, 2]]}).to_parquet(tmp_path / "rows.parquet")
    assert open_texts(tmp_path / "rows.parquet").rows[0].gold_label == "[1, 2]"
    (tmp_path / "rows.jsonl").write_text('{"text": null}\n{"text": NaN}\n{"text": 5, "a": 1}\n')
    rows = open_texts(tmp_path / "rows.jsonl").rows
    assert [row.text for row in rows] == ["", "", "5"]
    (tmp_path / "rows.csv").write_text("text,label\ngood,1,\n")  # a trailing comma hides nothing
    assert open_texts(tmp_path / "rows.csv").rows[0].text == "good"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SelectionError, match="can't be read"):
        open_texts(tmp_path / "rows.csv")


def test_a_line_of_the_index_survives_whatever_its_cells_hold() -> None:
    line = IndexRow(7, ("000007-a.png", "000007-b.csv"), "=label", 0.25, '-gold, "x"', "a 'note'")
    (cells,) = csv.reader([line.as_line()])
    assert IndexRow.read(cells) == line
    assert IndexRow(1, note="two\nlines\r").as_line().count("\n") == 1


def test_an_index_that_can_not_be_written_says_so(tmp_path: Path) -> None:
    index = ExportIndex.open(tmp_path)
    (tmp_path / "index.csv").unlink()
    (tmp_path / "index.csv").mkdir()
    with pytest.raises(SelectionError, match=r"index\.csv can't be written"):
        index.add(IndexRow(1))


def test_readings_of_a_batch_are_those_of_single_texts(family_checkpoint: Path) -> None:
    """Padded or not: own tokens alone, rows that sum to 1, and the logits of a single reading."""
    classifier = Classifier.load(family_checkpoint)
    texts = [text for text, _ in ROWS if text.strip()]
    together = classifier.read_many([classifier.encode(text) for text in texts])
    for text, found in zip(texts, together, strict=True):
        alone = classifier.read(text)
        assert found.encoding.tokens == alone.encoding.tokens
        assert found.attention.weights.shape == alone.attention.weights.shape
        np.testing.assert_allclose(found.attention.weights.sum(-1), 1, atol=1e-6)
        np.testing.assert_allclose(
            found.attention.weights, alone.attention.weights, atol=1e-5, rtol=0
        )
        np.testing.assert_allclose(
            found.prediction.logits, alone.prediction.logits, atol=1e-5, rtol=1e-5
        )


@pytest.mark.parametrize(
    "damage",
    [
        ("000000-", "../000000-"),
        ("000000-", "000001-"),
        ("\n0,", "\n-1,"),
        (",Business", ',"' + "x" * 200_000),
        ("\n0,", "\n\udcff0,"),
    ],
)
def test_a_row_whose_line_is_damaged_is_made_again(
    tmp_path: Path, checkpoint: Path, damage: tuple[str, str]
) -> None:
    data, folder = rows_to(tmp_path / "rows.csv", ROWS[:1] + ROWS[1:2]), tmp_path / "out"
    options = ("--attribution", "attention", "--format", "csv")
    assert run(data, folder, checkpoint, *options).exit_code == 0
    index = folder / "index.csv"
    whole = index.read_text("utf-8")
    index.write_bytes(whole.replace(damage[0], damage[1], 1).encode("utf-8", "surrogateescape"))
    if index.read_text("utf-8", errors="replace") == whole:
        pytest.skip("the row has another class")
    again = run(data, folder, checkpoint, *options)
    assert again.exit_code == 0, again.output
    assert index.read_text("utf-8") == whole


def test_a_damaged_table_or_index_is_one_sentence(tmp_path: Path, checkpoint: Path) -> None:
    data, folder = rows_to(tmp_path / "rows.csv", ROWS[:2]), tmp_path / "out"
    options = ("--attribution", "attention", "--format", "csv")
    assert run(data, folder, checkpoint, *options).exit_code == 0
    (table, _) = sorted(folder.glob("0*.csv"))
    table.write_bytes(b"")
    damaged = run(data, folder, checkpoint, *options)
    assert damaged.exit_code == 1
    assert damaged.stderr.splitlines()[-1].startswith(f"'{table.name}' is damaged; delete it")
    table.unlink()
    assert run(data, folder, checkpoint, *options).exit_code == 0
    (folder / "index.csv").unlink()
    os.mkfifo(folder / "index.csv")
    piped = run(data, folder, checkpoint, *options)
    assert "'index.csv' can't be read: it is not a regular file" in piped.stderr


@pytest.mark.usefixtures("_no_pass_adds_up")
def test_all_rows_are_explained_by_one_method_where_nobody_named_one(
    tmp_path: Path,
) -> None:
    folder = architecture_checkpoint(tmp_path / "modern", "modernbert", classifier_pooling="mean")
    out = tmp_path / "out"
    options = ExportOptions(
        request=FigureRequest(kinds=("attribution",)),
        formats=("json",),
        render_options=RenderOptions(),
    )
    texts = open_texts(rows_to(tmp_path / "rows.csv"))
    list(DatasetExport(Classifier.load(folder), texts, options, out).run())
    made = [json.loads(file.read_text("utf-8")) for file in out.glob("0*.json")]
    assert {each["request"]["method"] for each in made} == {"grad-attention"}
    assert len(made) > 1


LONG_TEXT = "Oil prices rise as stocks fall. The team wins the game! Peace talks. " * 4


@pytest.mark.parametrize("figure", ["head", "attribution", "all"])
def test_a_row_that_is_too_long_has_files_of_all_its_windows(
    checkpoint: Path, classifier: Classifier, tmp_path: Path, figure: str
) -> None:
    data, output = rows_to(tmp_path / "rows.csv", [ROWS[0], (LONG_TEXT, "Sports")]), tmp_path / "o"
    options = ("--figure", figure, "--format", "json", "--windows", "--window-stride", "25")
    result = run(data, output, checkpoint, *options)
    assert result.exit_code == 0, result.output
    assert "read in overlapping windows, 25 tokens from one to the next" in result.stderr
    document, rows = read_document(classifier, LONG_TEXT, stride=25), index_of(output)
    assert (rows[1].label, rows[1].gold) == (document.prediction.label, "Sports")
    assert rows[1].probability == pytest.approx(document.prediction.probability)
    assert document.notes[0] in rows[1].note
    names = [name.removeprefix("000001-") for name in rows[1].files]
    assert len(set(names)) == len(names)
    of_windows = [name for name in names if re.search(r"-window-\d+\.", name)]
    assert len(of_windows) == (0 if figure == "attribution" else len(document.windows))
    assert len(names) == len(of_windows) + (figure != "head")
    assert len(rows[0].files) == 1
    if figure == "attribution":
        values = json.loads((output / rows[1].files[0]).read_bytes())
        numbers = values["numbers"]
        total = sum(numbers["token_scores"]) + numbers["bias"]
        assert total == pytest.approx(numbers["value"], abs=1e-3)
    elif figure == "head":
        replay = CliRunner().invoke(
            app, ["replay", str(output / rows[1].files[1]), "--checkpoint", str(checkpoint)]
        )
        assert replay.exit_code == 0, replay.output
    before = contents(output)
    again = run(data, output, checkpoint, *options)
    assert "2 of 2 rows are already there" in again.stderr
    assert contents(output) == before
    other = run(data, output, checkpoint, *options[:4])
    assert "other settings (windows)" in other.stderr
