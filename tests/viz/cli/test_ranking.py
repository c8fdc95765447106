"""The ranking after training: validation rows, within its time, and never a training that fails."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from finetune.__main__ import app as finetune
from finetune.data.splits import load_splits
from finetune.run.config import TrainConfig
from finetune.run.record import RunRecord
from tests.finetune.news import news, write_csv
from tests.tiny_models import tiny_checkpoint
from viz import Classifier, default_checkpoint
from viz.cli import ranking as command
from viz.cli.main import app
from viz.cli.ranking import rank_after_training
from viz.cli.terminal import method_list
from viz.errors import SelectionError
from viz.faithfulness import ranking
from viz.faithfulness.ranking import MIN_ROWS, rank_methods, sampled, texts_of
from viz.faithfulness.record import FILE, load
from viz.faithfulness.score import quick_methods
from viz.model.text_files import Columns, Texts

RUN = cast(RunRecord, SimpleNamespace(data_name="news.csv", best_epoch=1))


def record_of(run: TrainConfig) -> RunRecord:
    """What the ranking takes from the record of a run on the rows that are there now."""
    rows = load_splits(run).validation
    validation = SimpleNamespace(fingerprint=rows.fingerprint())
    return cast(RunRecord, SimpleNamespace(data_name="news.csv", splits={"validation": validation}))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    """A run that has just left its checkpoint."""
    room = tmp_path_factory.mktemp("run")
    return TrainConfig(
        data=(str(write_csv(room / "train.csv", news(20))),),
        validation=str(write_csv(room / "validation.csv", news(MIN_ROWS + 1, seed=1))),
        model="tiny-bert",
        output=tiny_checkpoint(room / "out"),
    )


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Two methods that stand for all quick ones."""
    names = ("attention", "saliency")
    monkeypatch.setattr(ranking, "quick_methods", lambda: names)
    return names


@pytest.fixture
def texts(run: TrainConfig) -> Texts:
    rows = load_splits(run).validation
    return texts_of("news", rows.fingerprint(), rows.inputs(), Columns())


def ranked(
    run: TrainConfig, capsys: pytest.CaptureFixture[str], record: RunRecord | None = None
) -> tuple[str, str, bool]:
    """What it said, what it complained of, and whether there is a file, which is then deleted."""
    rank_after_training(run, record_of(run) if record is None else record)
    file = run.output / FILE
    written = file.is_file()
    assert not [*run.output.glob(".*")]
    file.unlink(missing_ok=True)
    said = capsys.readouterr()
    return said.out, said.err, written


def test_the_record_is_of_validation_rows_and_names_the_best(
    run: TrainConfig, few: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    rank_after_training(run, record_of(run))
    record = load(run.output / FILE)
    rows = load_splits(run).validation
    assert record.data == "validation rows of news.csv"
    assert record.data_fingerprint == rows.fingerprint()
    assert record.fingerprint == Classifier.load(run.output).fingerprint
    assert (record.n_texts, sum(record.skipped.values())) == (len(rows), 0)
    assert tuple(each.method for each in record.methods) == few
    best = record.best_method()
    (label,) = (each.label for each in record.methods if each.method == best)
    out, err, _ = ranked(run, capsys)
    assert err == ""
    assert f"Most faithful of 2 quick methods on {len(rows)} validation rows: {label}, " in out


def test_what_is_ranked_already_or_not_to_be_is_left_alone(
    run: TrainConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ranked(replace(run, ranking=False), capsys) == ("", "", False)
    (run.output / FILE).write_text("other")
    rank_after_training(run, RUN)
    assert (run.output / FILE).read_text() == "other"
    assert ranked(run, capsys)[1] == ""


def test_few_rows_are_refused_before_the_checkpoint_is_opened(
    run: TrainConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command, "load_classifier", lambda name: pytest.fail("it was opened"))
    small = str(write_csv(tmp_path / "small.csv", news(MIN_ROWS - 1)))
    out, err, written = ranked(replace(run, validation=small), capsys)
    assert not written
    assert out == ""
    assert err == (
        f"Methods are not ranked: Of {MIN_ROWS - 1} texts no method can be called the best; "
        f"{MIN_ROWS} are needed; clsight score ranks them later.\n"
    )


def test_rows_that_are_not_those_of_the_run_are_never_ranked(
    run: TrainConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(ranking, "rank_methods", lambda *_, **__: pytest.fail("they were ranked"))
    changed = str(write_csv(tmp_path / "changed.csv", news(MIN_ROWS + 1, seed=2)))
    out, err, written = ranked(replace(run, validation=changed), capsys, record_of(run))
    assert (out, written) == ("", False)
    assert err == (
        "Methods are not ranked: the validation rows of news.csv are not those of the run any more;"
        " clsight score ranks them later.\n"
    )


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (KeyboardInterrupt(), "The ranking was stopped; the checkpoint is whole, "),
        (RuntimeError("secret"), "Methods are not ranked: it failed with RuntimeError; "),
        (SelectionError("No room."), "Methods are not ranked: No room; "),
    ],
    ids=["stopped", "failed", "refused"],
)
def test_whatever_happens_the_training_stays_a_success(
    run: TrainConfig,
    error: BaseException,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(ranking, "rank_methods", failing)
    _, err, written = ranked(run, capsys)
    assert err.startswith(sentence)
    assert "clsight score ranks them later" in err
    assert not written


def test_a_checkpoint_that_was_deleted_meanwhile_is_not_made_again(
    run: TrainConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gone = replace(run, output=tmp_path / "gone")
    monkeypatch.setattr(command, "_rank", lambda *_: load(default_checkpoint() / FILE))
    rank_after_training(gone, RUN)
    assert "it failed with FileNotFoundError" in capsys.readouterr().err
    assert not gone.output.exists()


def test_when_the_time_is_up_what_was_measured_counts(
    run: TrainConfig, texts: Texts, few: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier, clock = Classifier.load(run.output), SimpleNamespace(now=0.0, rows=0)

    def count() -> None:
        clock.rows += 1
        clock.now = 0.0 if clock.rows < MIN_ROWS else 1e9

    monkeypatch.setattr("viz.faithfulness.ranking.monotonic", lambda: clock.now)
    record = rank(classifier, sampled(texts, 0), count)
    assert (record.n_texts, len(texts.rows)) == (MIN_ROWS, MIN_ROWS + 1)
    clock.now, clock.rows = 0.0, 1
    with pytest.raises(SelectionError, match=f"Only {MIN_ROWS - 1} of {MIN_ROWS + 1} texts could"):
        rank(classifier, sampled(texts, 0), count)


def rank(classifier: Classifier, texts: Texts, on_row: Callable[[], object]) -> Any:
    return rank_methods(classifier, texts, lambda: classifier, on_row=on_row)


def test_rows_are_drawn_at_random_and_alike(texts: Texts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "MAX_ROWS", 10)
    numbers = [row.number for row in sampled(texts, 3).rows]
    assert numbers == [row.number for row in sampled(texts, 3).rows]
    assert numbers != [row.number for row in sampled(texts, 4).rows]
    assert len(set(numbers)) == 10
    assert all(row == texts.rows[row.number] for row in sampled(texts, 3).rows)


@pytest.mark.parametrize("words", [[], ["--no-ranking"]], ids=["on", "off"])
def test_clsight_ranks_last_and_finetune_never(
    run: TrainConfig, tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    monkeypatch.setattr(command, "rank_after_training", lambda one, _: seen.append(one.ranking))
    monkeypatch.setattr("finetune.training.train.train", lambda config, say: RUN)
    monkeypatch.setattr("finetune.evaluation.report.terminal.describe_run", lambda record: "")
    shutil.copy(str(run.validation), tmp_path / "x.csv")
    line = ["train", f"--data={tmp_path}/x.csv", "--model=x", f"--output={tmp_path}/y", *words]
    for each, calls in ((app, 1), (finetune, 1)):
        assert CliRunner().invoke(each, line).exit_code == 0
        assert len(seen) == calls
    assert seen == [not words]


def test_quick_stands_for_all_quick_methods() -> None:
    assert method_list("quick") == quick_methods()
    assert method_list("occlusion, quick,attention")[0] == "occlusion"
    assert sorted(method_list("attention,quick")) == sorted(quick_methods())
    assert {"decomposition-path", "random"} <= set(quick_methods())
    assert "occlusion" not in quick_methods()
