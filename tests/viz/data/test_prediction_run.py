"""The predictions of a file: the same whatever reads its blocks, however often it was killed."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from finetune.data.tables.reader import read_table
from finetune.data.tables.stream import open_stream
from finetune.run.column_names import ColumnNames
from tests.tiny_models import LABELS, edit_config, tiny_checkpoint
from viz import Classifier, predict
from viz.data.prediction import precision
from viz.data.prediction import run as prediction_run
from viz.data.prediction.precision import PrecisionChoice, predict_in
from viz.data.prediction.run import PredictionRun, RowCounts
from viz.errors import SelectionError

WORDS = ("oil", "prices", "rise", "as", "stocks", "fall", "the", "market", "team", "wins", "game")
N_ROWS, BLANK, INVISIBLE, LONG = 50, 7, 30, 21


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven blocks, and no choice of a precision unless a test wants one."""
    monkeypatch.setattr(prediction_run, "CPU_BLOCK_ROWS", 8)
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: False)


def text(number: int) -> str:
    known = {BLANK: " ", INVISIBLE: "☃☃", LONG: "stocks " * 90}
    words = " ".join(WORDS[number * k % len(WORDS)] for k in range(1, 3 + number % 9))
    return known.get(number, f'{words}, "quoted"')


TEXTS = [text(number) for number in range(N_ROWS)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [["id", "text", "prediction"], *([n, row, "old"] for n, row in enumerate(TEXTS))]
        )
    return path


@contextmanager
def begun(
    classifier: Classifier, data: Path, output: Path, **options: Any
) -> Iterator[PredictionRun]:
    with open_stream(data) as source:
        yield PredictionRun(classifier, source, output, **options)


def predicted(
    classifier: Classifier, data: Path, output: Path, n_threads: int = 1, **options: Any
) -> RowCounts:
    with begun(classifier, data, output, **options) as run:
        run.predict(run.blocks_left(), run.choose_precision(), n_threads=n_threads)
        return run.finish()


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_every_row_is_there_with_what_predict_says_of_it(
    classifier: Classifier, data: Path, tmp_path: Path, suffix: str
) -> None:
    output = tmp_path / f"out{suffix}"
    assert predicted(classifier, data, output) == RowCounts(blank=1, invisible=1)
    table, rows = read_table(output), predict(classifier, TEXTS)
    assert table["text"] == TEXTS
    assert table["prediction"] == ["old"] * N_ROWS
    assert table["id"] == [str(number) for number in range(N_ROWS)]
    empty = {"" if suffix in (".csv", ".tsv") else None}
    for number in range(N_ROWS):
        cells = [table[name][number] for name in ("prediction_2", "probability", "unseen_tokens")]
        if number in (BLANK, INVISIBLE):
            assert set(cells) == empty
            continue
        label, probability, unseen = cells
        assert label == LABELS[rows.predicted[number]]
        assert float(str(probability)) == pytest.approx(rows.probabilities[number].max(), rel=1e-5)
        assert int(str(unseen)) == rows.n_unseen[number]
        assert (int(str(unseen)) > 0) == (number == LONG)
    assert sorted(path.name for path in tmp_path.iterdir()) == [output.name]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_an_interrupted_run_goes_on_and_writes_the_same_file(
    classifier: Classifier,
    data: Path,
    tmp_path: Path,
    suffix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, output = tmp_path / f"whole{suffix}", tmp_path / f"out{suffix}"
    predicted(classifier, data, whole)
    blocks: list[int] = []
    real = predict_in

    def interrupted(*arguments: Any, **options: Any) -> Any:
        blocks.append(arguments[2][0])
        if len(blocks) in (3, 6):
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(prediction_run, "predict_in", interrupted)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            predicted(classifier, data, output)
        assert not output.exists()
    assert predicted(classifier, data, output) == RowCounts(blank=1, invisible=1)
    assert output.read_bytes() == whole.read_bytes()
    # Seven blocks, of which two were cut off, and with each at most one that waited to be written.
    assert 9 <= len(blocks) <= 11
    assert not list(tmp_path.glob(".*"))


def test_processes_and_threads_that_share_the_blocks_write_the_same_file(
    classifier: Classifier, data: Path, tmp_path: Path
) -> None:
    for name in ("one", "threads"):
        predicted(classifier, data, tmp_path / f"{name}.csv", n_threads=1 + 2 * (name != "one"))
    with (
        begun(classifier, data, tmp_path / "two.csv") as first,
        begun(classifier, data, tmp_path / "two.csv") as second,
    ):
        blocks = first.blocks_left()
        assert blocks == second.blocks_left()
        second.predict(blocks[1::2], second.choose_precision())
        first.predict(blocks[0::2], first.choose_precision())
        assert first.finish() == RowCounts(blank=1, invisible=1)
    contents = {(tmp_path / f"{name}.csv").read_bytes() for name in ("one", "threads", "two")}
    assert len(contents) == 1


def test_progress_counts_each_row_once(
    classifier: Classifier, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[float] = []
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: True)
    with begun(classifier, data, tmp_path / "out.csv") as run:
        choice = PrecisionChoice(precision="bfloat16", margin=1.0)
        run.predict(run.blocks_left(), choice, progress=counts.append)
    assert sum(counts) == N_ROWS


def test_a_run_goes_on_in_the_precision_in_which_it_was_begun(
    classifier: Classifier, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(precision, "has_bfloat16", lambda device: True)
        chosen = PrecisionChoice(precision="bfloat16", margin=0.25, reason="A sample.")
        patch.setattr(prediction_run, "choose_precision", lambda *_: chosen)
        with begun(classifier, data, tmp_path / "out.csv") as run:
            assert run.choose_precision() == chosen
        patch.setattr(prediction_run, "choose_precision", lambda *_: None)
        with begun(classifier, data, tmp_path / "out.csv") as run:
            assert run.choose_precision() == chosen
    with (
        begun(classifier, data, tmp_path / "out.csv") as run,
        pytest.raises(SelectionError, match=r"^This processor has no bfloat16"),
    ):
        run.choose_precision()


def test_the_sample_is_drawn_from_all_parts_of_a_file(
    classifier: Classifier, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples: list[Any] = []
    float32 = PrecisionChoice(precision="float32")

    def choose_precision(*sample: Any) -> PrecisionChoice:
        samples.append(sample)
        return float32

    monkeypatch.setattr(prediction_run, "choose_precision", choose_precision)
    with begun(classifier, data, tmp_path / "out.csv") as run:
        run.choose_precision()
    assert samples == [(classifier, [TEXTS[n * N_ROWS // 8] for n in range(8)], None)]
    with begun(classifier, data, tmp_path / "b.csv", precision="float32") as run:
        assert run.choose_precision() == float32
    monkeypatch.setattr(prediction_run, "MIN_BLOCKS", 7)
    with begun(classifier, data, tmp_path / "c.csv") as run:
        assert run.choose_precision() == float32
    assert len(samples) == 1


def test_parts_of_another_checkpoint_or_column_are_not_mixed(
    classifier: Classifier, data: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.csv"
    with begun(classifier, data, output) as run:
        run.predict(run.blocks_left()[:2], run.choose_precision())
    other = Classifier.load(tiny_checkpoint(tmp_path / "other", seed=1), device="cpu")
    renamed = tiny_checkpoint(tmp_path / "renamed", labels=("A", "B", "C", "D"))
    scaled = tiny_checkpoint(tmp_path / "scaled")
    edit_config(scaled, calibration_temperature=2.0)
    for change in (
        {"classifier": other},
        {"classifier": Classifier.load(renamed, device="cpu")},
        {"classifier": Classifier.load(scaled, device="cpu")},
        {"columns": ColumnNames("id")},
        {"all_classes": True},
        {"precision": "float32"},
    ):
        with (
            pytest.raises(SelectionError, match="with other settings; remove it"),
            begun(**({"classifier": classifier, "data": data, "output": output} | change)),  # type: ignore[arg-type]
        ):
            pass
    assert predicted(other, data, output, overwrite=True) == RowCounts(blank=1, invisible=1)
    predicted(other, data, tmp_path / "new.csv")
    assert output.read_bytes() == (tmp_path / "new.csv").read_bytes()


def test_pairs_are_read_together(classifier: Classifier, tmp_path: Path) -> None:
    data, output = tmp_path / "pairs.jsonl", tmp_path / "out.jsonl"
    firsts, seconds = TEXTS[:20], [*TEXTS[1:20], ""]
    rows = [{"premise": a, "hypothesis": b} for a, b in zip(firsts, seconds, strict=True)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    assert predicted(classifier, data, output) == RowCounts(blank=3)
    expected = predict(classifier, firsts, seconds)
    for number, line in enumerate(output.read_text("utf-8").splitlines()):
        row = json.loads(line)
        assert {name: row[name] for name in rows[number]} == rows[number]
        label = LABELS[expected.predicted[number]] if expected.read[number] else None
        assert row["prediction"] == label
    np.testing.assert_array_equal(np.flatnonzero(~expected.read), [6, 7, 19])


def test_what_can_not_be_written_is_one_sentence_before_the_first_row(
    classifier: Classifier, data: Path, tmp_path: Path
) -> None:
    there = tmp_path / "there.csv"
    there.write_text("mine")
    for output, options, sentence in (
        (there, {}, r"^'there\.csv' is there already; .*\.$"),
        (tmp_path / "out.txt", {}, r"^'out\.txt' ends in none of .*\.$"),
        (there / "in" / "out.csv", {}, r"^.* can't be written: .*\.$"),
        (tmp_path / "a.csv", {"columns": ColumnNames("body")}, r"^No column 'body' in .*\.$"),
    ):
        with (
            pytest.raises(SelectionError, match=sentence),
            begun(classifier, data, output, **options),
        ):
            pass
    assert there.read_text() == "mine"
    predicted(classifier, data, there, overwrite=True)
    assert read_table(there)["text"] == TEXTS
