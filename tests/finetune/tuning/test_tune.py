"""A search for settings: what it finds, that it goes on as if never stopped, and when it ends."""

import csv
import dataclasses
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from optuna.study import Study
from typer.testing import CliRunner

from finetune.__main__ import app
from finetune.checkpoint.models import Checkpoint
from finetune.checkpoint.run_files import JOURNAL, SETTINGS
from finetune.errors import ConfigError, DataError, FinetuneError, OutputError
from finetune.evaluation.quality import Quality
from finetune.run.config import DEFAULTS, TrainConfig
from finetune.run.output_folder import locked_folder, working_path
from finetune.run.record import EpochMetrics, RunRecord, TrialRecord
from finetune.run.tuning_folder import (
    is_stopped_search,
    search_folder,
    stopped_search,
    tuning_path,
)
from finetune.training.fit import Say
from finetune.training.prepared_run import PreparedRun
from finetune.training.results import assess_run
from finetune.training.train import ALREADY_FINISHED, train
from finetune.tuning.config import TuneConfig
from finetune.tuning.search_space import SearchSpace, read_search_space, with_settings
from finetune.tuning.trials import TrialWatch, train_trial
from finetune.tuning.tune import tune
from tests.finetune.news import news, scored_reviews, write_csv
from tests.finetune.runs import silent, tiny_run

pytestmark = pytest.mark.usefixtures("_no_pictures")
settings = partial(tiny_run, save_minutes=0, baseline=False, epochs=2, batch_size=16)
SPACE = SearchSpace({"learning_rate": (2e-3, 1e-2), "epochs": (1, 3)})
FOUR = TuneConfig(trials=4)
Plan = Callable[..., tuple[TuneConfig, SearchSpace]]


class KilledError(BaseException):
    """As the system ends a process: nobody catches it."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("news")
    write_csv(folder / "test.csv", news(90)[78:])
    write_csv(folder / "validation.csv", news(78)[48:])
    return write_csv(folder / "train.csv", news(48)).parent


@pytest.fixture(scope="module")
def whole(data: Path, base: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    """A search that was not stopped, and its checkpoint."""
    config = settings(data, base, tmp_path_factory.mktemp("whole") / "out")
    tune(config, FOUR, SPACE, say=silent)
    return config


def trials(record: RunRecord) -> list[TrialRecord]:
    assert record.tuning is not None
    return [dataclasses.replace(each, seconds=0.0) for each in record.tuning.trials]


def weights(config: TrainConfig) -> bytes:
    return (config.output / "model.safetensors").read_bytes()


def test_the_best_trial_is_the_run_that_is_left_and_all_are_told_of(
    whole: TrainConfig, tmp_path: Path
) -> None:
    record = RunRecord.load(whole.output)
    found = record.tuning
    assert found is not None
    assert [each.number for each in found.trials] == [1, 2, 3, 4]
    assert found.trials[0].settings == {"learning_rate": 5e-3, "epochs": 2}  # what was given
    complete = [each for each in found.trials if each.state == "complete"]
    best = next(each for each in complete if each.number == found.best)
    assert best.score == max(each.score or 0.0 for each in complete)
    # The score is that of the saved weights, which a plain run of the same settings has too.
    assert best.score == record.validation.macro_f1  # type: ignore[union-attr]
    alone = dataclasses.replace(with_settings(whole, best.settings), output=tmp_path / "alone")
    train(alone, say=silent)
    assert weights(alone) == weights(whole)
    with (whole.output / "trials.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["macro_f1"]) for row in rows] == [each.score for each in found.trials]
    card = (whole.output / "README.md").read_text(encoding="utf-8")
    assert "On validation the best of 4 trials is optimistic" in card
    assert f"| **{best.number}** |" in card
    assert not tuning_path(whole.output).exists()


def test_a_search_that_is_killed_again_and_again_finds_what_it_would_have_found(
    whole: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = dataclasses.replace(whole, output=tmp_path / "out")
    journal = tuning_path(config.output) / JOURNAL
    ask, tell, step = Study.ask, Study.tell, TrialWatch.on_step_end

    def die_in_step(self: TrialWatch, args: object, state: object, *more: object, **rest: object):  # type: ignore[no-untyped-def]
        step(self, args, state, *more, **rest)
        if state.global_step == 5:  # type: ignore[attr-defined]
            raise KilledError

    def die_after_asking(self: Study) -> None:
        ask(self)
        raise KilledError

    def die_before_telling(self: Study, *_: object, **__: object) -> None:
        raise KilledError

    def begin_or_go_on(search: TuneConfig) -> RunRecord:
        begun = is_stopped_search(config.output)
        return tune(stopped_search(config.output) if begun else config, search, SPACE, say=silent)

    for place, name, death, usual in (
        (TrialWatch, "on_step_end", die_in_step, step),  # within the first trial
        (Study, "tell", die_before_telling, tell),  # after its last step
        (Study, "ask", die_after_asking, ask),  # before the second has any settings
        (TrialWatch, "on_step_end", die_in_step, step),  # within it
    ):
        monkeypatch.setattr(place, name, death)
        with pytest.raises(KilledError):
            begin_or_go_on(FOUR)
        monkeypatch.setattr(place, name, usual)
        with journal.open("ab") as file:
            file.write(b'{"op_code":5,"worker')  # half a line
    with pytest.raises(
        OutputError, match="was stopped and is kept; continue it with clsight resume"
    ):
        tune(config, FOUR, SPACE, say=silent)
    with pytest.raises(ConfigError, match=r"bring the \[tune\] section back"):
        tune(stopped_search(config.output), None, SearchSpace({"epochs": (1, 2)}), say=silent)
    found = CliRunner().invoke(app, ["resume", str(config.output)])
    assert found.exit_code == 0, found.output
    assert trials(RunRecord.load(config.output)) == trials(RunRecord.load(whole.output))
    assert weights(config) == weights(whole)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_search_that_is_at_work_is_left_alone(
    overwrite: bool, whole: TrainConfig, tmp_path: Path
) -> None:
    config = dataclasses.replace(whole, output=tmp_path / "out", overwrite=overwrite)
    folder = tuning_path(config.output)
    with search_folder(config.output):
        for name in (SETTINGS, JOURNAL):
            (folder / name).touch()
        with pytest.raises(OutputError, match="another process is using this output in"):
            tune(config, FOUR, SPACE, say=silent)
        assert is_stopped_search(config.output)


def test_a_search_that_cannot_begin_leaves_what_was_there(
    whole: TrainConfig, tmp_path: Path
) -> None:
    config = dataclasses.replace(
        whole, output=tmp_path / "out", data=(str(tmp_path / "gone.csv"),), overwrite=True
    )
    with pytest.raises(FinetuneError, match="no file or folder"):
        tune(config, FOUR, SPACE, say=silent)
    assert [*tmp_path.iterdir()] == []
    with search_folder(config.output) as folder:
        for name in (SETTINGS, JOURNAL):
            (folder / name).touch()
    with pytest.raises(FinetuneError, match="no file or folder"):
        tune(config, FOUR, SPACE, say=silent)
    assert is_stopped_search(config.output)


def test_ctrl_c_keeps_the_trial_and_says_how_to_go_on(
    whole: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = dataclasses.replace(whole, output=tmp_path / "out")

    def interrupt(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(TrialWatch, "on_step_end", interrupt)
        with pytest.raises(KeyboardInterrupt, match="the search is kept: continue it with clsight"):
            tune(config, TuneConfig(trials=1), SPACE, say=silent)
    assert [*tuning_path(config.output).glob("trial-001/checkpoints/checkpoint-1")]
    record = tune(stopped_search(config.output), None, say=silent)
    assert trials(record) == trials(RunRecord.load(whole.output))[:1]


def test_a_trial_without_time_is_stopped_and_goes_on_when_there_is_more(
    whole: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[Path] = []

    def measure(run: PreparedRun, saved: Checkpoint, work: Path, say: Say) -> Quality:
        measured.append(work)
        return assess_run(run, saved, work, say)

    monkeypatch.setattr("finetune.training.train.assess_run", measure)
    config = dataclasses.replace(whole, output=tmp_path / "out")
    with pytest.raises(FinetuneError, match="no trial was completed in the time given"):
        tune(config, TuneConfig(minutes=1e-9), SPACE, say=silent)
    said: list[str] = []
    more = TuneConfig(minutes=10, trials=1, keep_trials=True)
    record = tune(stopped_search(config.output), more, say=said.append)
    assert trials(record) == trials(RunRecord.load(whole.output))[:1]
    assert any(line.startswith("Trial 1 of 1: learning rate 0.005, epochs 2") for line in said)
    assert measured == [working_path(config.output)]  # no trial is, where test rows are
    assert [*(config.output / "tuning").glob("trial-001/checkpoints/checkpoint-*")]


def test_a_rate_at_which_the_loss_is_lost_fails_alone(
    whole: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise FloatingPointError("the loss is not a number in epoch 1")

    config = dataclasses.replace(whole, output=tmp_path / "out")
    monkeypatch.setattr("finetune.tuning.tune.train_trial", fail)
    said: list[str] = []
    with pytest.raises(FinetuneError, match="no trial was completed: the loss is not a number"):
        tune(config, TuneConfig(trials=2), SPACE, say=said.append)
    assert sum("failed, as the loss is not a number" in line for line in said) == 2


@pytest.mark.parametrize(
    ("limits", "more", "message"),
    [
        (
            {"label_smoothing": (0.0, 0.1)},
            {"task": "regression"},
            "[tune] tries label smoothing 0.1, but --label-smoothing is for one class per text",
        ),
        (
            {"freeze_layers": (0, 40)},
            {},
            "[tune] tries freeze layers 40, but --freeze-layers is 40; the base model has 3 layers",
        ),
        (
            {"lora_rank": (0, 8), "freeze_layers": (0, 2)},
            {},
            "[tune] tries lora rank 8, freeze layers 2, but --lora-rank trains adapters",
        ),
    ],
)
def test_limits_between_which_nothing_can_be_trained_are_refused_before_the_first_trial(
    limits: dict[str, tuple[float, ...]],
    more: dict[str, Any],
    message: str,
    base: Path,
    tmp_path: Path,
) -> None:
    rows = scored_reviews(40) if more else news(40)
    data, place = write_csv(tmp_path / "rows.csv", rows), tmp_path / "place"
    config = settings(data, base, place / "out", **more)
    with pytest.raises(ConfigError) as refusal:
        tune(config, FOUR, SearchSpace(limits), say=silent)
    assert message in str(refusal.value)
    assert [*place.iterdir()] == []


def test_settings_that_rule_each_other_out_fail_alone(
    whole: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("finetune.tuning.tune.require_usable", lambda *_: None)
    config = dataclasses.replace(whole, output=tmp_path / "out")
    space = SearchSpace({"lora_rank": (1, 2), "freeze_layers": (1, 2)})
    said: list[str] = []
    with pytest.raises(FinetuneError, match="no trial was completed: --lora-rank trains adapters"):
        tune(config, TuneConfig(trials=2), space, say=said.append)
    assert sum("failed, as --lora-rank trains adapters" in line for line in said) == 2


def test_the_winner_is_trained_on_the_rows_of_its_search_once(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, one = tmp_path / "news.csv", TuneConfig(trials=1)
    config = settings(write_csv(data, news(60)), base, tmp_path / "out", epochs=1, overwrite=True)
    space = SearchSpace({"weight_decay": (0.0, 0.1)})
    before = tune(config, one, space, say=silent)
    write_csv(data, news(90)[30:])

    def die(*_: object, **__: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr("finetune.tuning.tune.write_tuning", die)
        with pytest.raises(KilledError):
            tune(config, one, space, say=silent)
    trained = RunRecord.load(config.output)
    assert trained.splits["train"].fingerprint != before.splits["train"].fingerprint
    monkeypatch.setattr("finetune.tuning.winner.train", die)
    record = tune(stopped_search(config.output), say=silent)
    assert record == dataclasses.replace(trained, tuning=record.tuning)


@pytest.mark.parametrize("seeds", [1, 2])
def test_a_file_that_changes_after_the_trials_is_not_what_the_winner_is_trained_on(
    seeds: int, base: Path, tmp_path: Path
) -> None:
    data, space = tmp_path / "news.csv", SearchSpace({"weight_decay": (0.0, 0.1)})
    config = settings(
        write_csv(data, news(60)), base, tmp_path / "out", epochs=1, seeds=seeds, split_seed=0
    )
    found: list[str] = []

    def say(line: str) -> None:
        if "is the best of" in line:
            write_csv(data, news(90)[30:])
        found.append(line)

    with pytest.raises(DataError, match="the rows of train and validation are not those the run"):
        tune(config, TuneConfig(trials=1), space, say=say)
    assert not config.output.exists()
    write_csv(data, news(60))
    record = tune(stopped_search(config.output), say=found.append)
    assert record.tuning is not None
    assert len(record.tuning.trials) == sum("Trial 1 of" in line for line in found) == 1


@pytest.mark.parametrize(
    "death", ["finetune.training.train._finish", "finetune.tuning.tune.write_tuning"]
)
def test_more_trials_may_find_a_better_one_than_that_whose_run_was_killed(
    death: str, data: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter((0.5, 0.6))

    def measure(run: PreparedRun, *_: object) -> EpochMetrics:
        score = {run.best_by: next(scores)}
        return EpochMetrics(epoch=1, train_loss=1.0, validation_loss=1.0, measured=score)

    def die(*_: object, **__: object) -> None:
        raise KilledError

    monkeypatch.setattr("finetune.tuning.tune.train_trial", measure)
    config = settings(data, base, tmp_path / "out", epochs=1)
    space = SearchSpace({"weight_decay": (0.0, 0.1)})
    with monkeypatch.context() as patch:
        patch.setattr(death, die)
        with pytest.raises(KilledError):
            tune(config, TuneConfig(trials=1), space, say=silent)
    record = tune(stopped_search(config.output), TuneConfig(trials=2), say=silent)
    assert record.tuning is not None
    assert record.tuning.best == 2
    assert record.settings["weight_decay"] == record.tuning.trials[1].settings["weight_decay"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_search_that_starts_over_forgets_a_stopped_run_and_leaves_one_at_work(
    whole: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KilledError

    config = dataclasses.replace(whole, output=tmp_path / "out", overwrite=True)
    work = working_path(config.output)
    with (
        locked_folder(work),
        pytest.raises(OutputError, match=r"another process is using this output in \.out\.partial"),
    ):
        tune(config, FOUR, SPACE, say=silent)
    (work / SETTINGS).touch()
    monkeypatch.setattr("finetune.tuning.tune.train_trial", die)
    with pytest.raises(KilledError):
        tune(config, FOUR, SPACE, say=silent)
    assert not work.exists()


def test_a_rate_that_is_not_given_is_the_same_in_the_best_trial_and_in_the_run_with_its_settings(
    data: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[float] = []

    def note_rate(run: PreparedRun, *more: Any) -> EpochMetrics:
        rates.append(run.config.rate)
        return train_trial(run, *more)

    monkeypatch.setattr("finetune.tuning.tune.train_trial", note_rate)
    config = settings(data, base, tmp_path / "out", learning_rate=None, epochs=1)
    adapters = SearchSpace({"lora_rank": (2, 4)})
    record = tune(config, TuneConfig(trials=1), adapters, say=silent)
    assert rates == [record.settings["learning_rate"]]


def test_a_finished_search_is_that_of_the_same_settings_alone(
    whole: TrainConfig, tmp_path: Path
) -> None:
    again, said = dataclasses.replace(whole, resume=True), list[str]()
    for same in (again, dataclasses.replace(again, learning_rate=None)):
        tune(same, FOUR, SPACE, say=said.append)
    assert said == [ALREADY_FINISHED] * 2
    for other, message in (
        ({"class_weights": "balanced"}, "is finished and had --class-weights none, not balanced"),
        ({"data": (str(tmp_path),)}, "is finished and had --data"),
        ({"epochs": 3}, "is finished and tried other settings, or began with others"),
    ):
        with pytest.raises(ConfigError, match=message):
            tune(dataclasses.replace(again, **other), FOUR, SPACE, say=silent)
    with pytest.raises(ConfigError, match="is finished and tried other settings"):
        tune(again, FOUR, SearchSpace({"epochs": (1, 3)}), say=silent)


@pytest.fixture
def planned(data: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """The end and the space of the search that a command begins, or goes on with, and no more."""

    def call(*options: object) -> tuple[TuneConfig, SearchSpace]:
        found: list[Any] = []

        def note(*arguments: object) -> None:
            found.extend(each for each in arguments if isinstance(each, TuneConfig | SearchSpace))
            raise KilledError

        monkeypatch.setattr("finetune.tuning.tune._search", note)
        where = ("--data", data, "--model", base, "--output", tmp_path / "out")
        with pytest.raises(KilledError):
            CliRunner().invoke(app, [str(word) for word in ("tune", *where, *options)])
        search, space = found
        return search, space

    return call


def test_a_setting_that_is_given_its_default_is_not_tried(planned: Plan, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("weight_decay = 0.01\n", encoding="utf-8")
    _, space = planned("--config", file, "--epochs", DEFAULTS["epochs"])
    assert [*space.limits] == ["learning_rate", "layer_decay", "label_smoothing"]


def test_a_search_that_goes_on_ends_as_it_was_to_end_unless_another_end_is_given(
    planned: Plan,
) -> None:
    end = TuneConfig(minutes=30.0, keep_trials=True)
    assert planned("--minutes", 30, "--keep-trials")[0] == end
    assert planned("--resume")[0] == end
    assert planned("--resume", "--trials", 5)[0] == TuneConfig(trials=5)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            "learning_rates = [1e-5, 1e-3]",
            "can't be tried; the closest that can is 'learning_rate'",
        ),
        ("epochs = [1.5, 3]", "it has to be two whole numbers, the lower first"),
        ("epochs = [3, 3]", "it has to be two whole numbers, the lower first"),
        ("learning_rate = [0.0, 1e-3]", "--learning-rate is 0.0; it has to be above 0"),
        ("class_weights = ['none', 'even']", "--class-weights is 'even'; it has to be one of"),
        ("", "names no setting to try"),
    ],
)
def test_what_cannot_be_tried_is_refused(section: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "search.toml"
    file.write_text(f"[tune]\n{section}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as refusal:
        read_search_space(file, settings(Path("news.csv"), Path("base"), tmp_path / "out"))
    assert message in str(refusal.value)


def test_a_file_says_what_is_tried(tmp_path: Path) -> None:
    file = tmp_path / "search.toml"
    file.write_text(
        "epochs = 2\n[tune]\nlearning_rate = [1e-5, 1e-3]\nepochs = [2, 4]\n"
        "class_weights = ['none', 'balanced']\n",
        encoding="utf-8",
    )
    config = settings(Path("news.csv"), Path("base"), tmp_path / "out")
    space = read_search_space(file, config)
    assert space is not None
    assert space.to_dict() == {
        "learning_rate": [1e-5, 1e-3],
        "epochs": [2, 4],
        "class_weights": ["none", "balanced"],
    }
    # A rate outside of the limits is not what the first trial begins with.
    assert space.start(config) == {"epochs": 2, "class_weights": "none"}
