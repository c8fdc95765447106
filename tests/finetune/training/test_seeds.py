"""Several seeds: the same rows, the best run kept, all told of, and none run twice."""

import json
import shutil
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from finetune.errors import FinetuneError
from finetune.evaluation.evaluate import evaluate
from finetune.evaluation.report.terminal import describe_run
from finetune.run.history import frame_weights, open_history
from finetune.run.output_folder import stopped_run
from finetune.run.record import RunRecord
from finetune.training.train import train
from tests.finetune.news import news, write_csv
from tests.finetune.runs import check_close, fail_snapshot, silent, tiny_run

pytestmark = pytest.mark.usefixtures("_no_pictures")
settings = partial(tiny_run, epochs=1, learning_rate=3e-3, save_minutes=0, seed=7, seeds=3)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("news")
    write_csv(folder / "test.csv", news(140)[110:])
    write_csv(folder / "train.csv", news(110))
    return folder


@pytest.fixture(scope="module")
def run(
    data: Path, base: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RunRecord, Path, list[str]]:
    said: list[str] = []
    output = tmp_path_factory.mktemp("runs") / "out"
    config = settings(data, base, output, keep_epochs=True)
    return train(config, say=said.append), output, said


def test_each_seed_is_the_run_it_would_have_been_alone_on_the_rows_of_the_first(
    run: tuple[RunRecord, Path, list[str]], data: Path, base: Path, tmp_path: Path
) -> None:
    record, output, _ = run
    assert [each.seed for each in record.seeds] == [7, 8, 9]
    for each in record.seeds:
        alone = tmp_path / f"seed-{each.seed}"
        config = settings(data, base, alone, seed=each.seed, split_seed=7, seeds=1, baseline=False)
        found = train(config, say=silent)
        assert found.splits == record.splits
        assert each.test is not None
        assert found.validation.macro_f1 == each.validation["macro_f1"]  # type: ignore[union-attr]
        assert found.test.accuracy == each.test["accuracy"]  # type: ignore[union-attr]
        best = max(record.seeds, key=lambda one: (one.validation["macro_f1"], -one.seed))
        if each.seed == best.seed:
            weights = (alone / "model.safetensors").read_bytes()
            assert (output / "model.safetensors").read_bytes() == weights


def test_the_folder_is_that_of_the_best_run_and_tells_of_all(
    run: tuple[RunRecord, Path, list[str]], data: Path
) -> None:
    record, output, said = run
    assert RunRecord.load(output) == record
    check_close(evaluate(str(output), str(data)).metrics, record.test)
    assert record.settings["seeds"] == 3
    assert record.settings["seed"] == 7
    assert "--seeds 3" in record.command
    assert {made.name for made in record.baselines}
    assert not {"seeds", "checkpoints", "settings.json", "lock"} & {
        path.name for path in output.iterdir()
    }
    assert [line for line in said if line.startswith("Seed")][:-1] == [
        f"Seed {seed}, {number} of 3." for number, seed in enumerate((7, 8, 9), start=1)
    ]
    events = (output / "events.jsonl").read_text().splitlines()
    kinds = [json.loads(line)["kind"] for line in events]
    assert kinds.count("start") == 3
    card = (output / "README.md").read_text("utf-8")
    assert "## Seeds" in card
    (cost, *_) = (line for line in said if line.startswith("History: "))
    assert cost.endswith("on disk at most, until the better of two seeds is known.")
    assert open_history(output).frames[0].step == 0
    last = frame_weights(output, open_history(output).frames[-1])
    assert open_history(output).frames[-1].is_final
    weights = load_file(output / "model.safetensors")
    assert all(torch.equal(weights[name], tensor) for name, tensor in last.items())
    (kept,) = (each.seed for each in record.seeds if each.kept)
    assert f"seed {kept} (kept)" in card
    assert all(f"| seed {seed}" in card for seed in (7, 8, 9))
    assert "3 seeds, mean (95% interval)" in describe_run(record)


def test_rows_that_change_between_seeds_are_refused(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_csv(tmp_path / "news.csv", news(110))
    config = settings(data, base, tmp_path / "out", baseline=False)
    fail_snapshot(monkeypatch, number=15)
    with pytest.raises(FinetuneError):
        train(config, say=silent)
    monkeypatch.undo()
    shutil.rmtree(tmp_path / ".out.partial" / "seeds" / "seed-8")
    write_csv(data, news(120))
    with pytest.raises(FinetuneError, match="changed since the first seed was run"):
        train(stopped_run(config.output), say=silent)


@pytest.mark.parametrize("step", [5, 13, 26, 38])
def test_a_stopped_series_goes_on_where_it_was(
    step: int,
    run: tuple[RunRecord, Path, list[str]],
    data: Path,
    base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Thirteen steps a seed: the series is stopped in any of them."""
    fail_snapshot(monkeypatch, number=step)
    output = tmp_path / "out"
    with pytest.raises(FinetuneError, match=r"continue it with clsight resume .*out"):
        train(settings(data, base, output, baseline=False), say=silent)
    monkeypatch.undo()
    record = train(stopped_run(output), say=silent)
    assert record.seeds == run[0].seeds
    assert (output / "model.safetensors").read_bytes() == (
        run[1] / "model.safetensors"
    ).read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
