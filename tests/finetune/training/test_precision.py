"""In which numbers a run computes where nobody says: what a trial finds faster, once for all."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from finetune.checkpoint.run_files import SETTINGS
from finetune.errors import FinetuneError
from finetune.evaluation.report.card import model_card
from finetune.run.config import TrainConfig
from finetune.run.output_folder import stopped_run
from finetune.run.precision_choice import PrecisionChoice
from finetune.run.record import EpochMetrics, RunRecord
from finetune.run.saved_settings import load_settings, save_settings
from finetune.training import precision, train
from finetune.training.precision import choose_precision, requires_trial, seconds_of_step
from finetune.training.prepare import prepare_run
from finetune.training.prepared_run import PreparedRun
from finetune.tuning import tune
from finetune.tuning.config import TuneConfig
from finetune.tuning.search_space import SearchSpace
from finetune.tuning.trials import train_trial
from tests.finetune.news import news, write_csv
from tests.finetune.runs import fail_snapshot, silent, tiny_run

IN_BFLOAT16 = PrecisionChoice("bfloat16", "in a trial it was faster")


@pytest.fixture
def config(base: Path, tmp_path: Path) -> TrainConfig:
    write_csv(tmp_path / "train.csv", news(48))
    return tiny_run(tmp_path / "train.csv", base, tmp_path / "out", epochs=1, baseline=False)


@pytest.fixture
def choose_once(monkeypatch: pytest.MonkeyPatch) -> list[PreparedRun]:
    """The runs that a trial was made for; all of them would take bfloat16."""
    tried: list[PreparedRun] = []

    def choose(run: PreparedRun) -> PrecisionChoice:
        tried.append(run)
        return IN_BFLOAT16

    monkeypatch.setattr(train, "choose_precision", choose)
    return tried


@pytest.mark.parametrize(
    ("more", "learning"),
    [({}, "embeddings"), ({"lora_rank": 2}, "LayerNorm.bias"), ({"head_only": True}, "classifier")],
)
def test_a_trial_times_whole_steps_and_changes_nothing_of_the_run(
    more: dict[str, Any], learning: str, config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepare_run(replace(config, **more))
    model = run.base.model
    with torch.no_grad():  # which a step of the least size would turn into a positive one
        model.classifier.weight.view(-1)[::2] = -0.0
    before = [each.view(torch.int32).clone() for each in model.parameters()]
    state, training = torch.random.get_rng_state(), model.training
    stepped: list[int] = []

    def step(self: torch.optim.Optimizer, *_: object) -> None:
        updated = {id(each) for group in self.param_groups for each in group["params"]}
        names = [name for name, each in model.named_parameters() if id(each) in updated]
        assert any(learning in name for name in names)
        assert ("embeddings.word_embeddings.weight" in " ".join(names)) == (not more)
        stepped.append(len(updated))

    monkeypatch.setattr(torch.optim.AdamW, "step", watched(torch.optim.AdamW.step, step))
    seconds = seconds_of_step(run)
    assert min(seconds["float32"], seconds["bfloat16"]) > 0
    assert len(stepped) == 2 * precision.STEPS
    assert torch.equal(torch.random.get_rng_state(), state)
    assert model.training == training
    assert all(each.grad is None and each.requires_grad for each in model.parameters())
    after = [each.view(torch.int32) for each in model.parameters()]
    assert all(map(torch.equal, after, before))


def watched(usual: Callable[..., Any], watch: Callable[..., None]) -> Callable[..., Any]:
    def call(*inputs: Any, **more: Any) -> Any:
        watch(*inputs)
        return usual(*inputs, **more)

    return call


@pytest.mark.skipif(torch.cuda.is_available(), reason="a card is asked, not tried")
def test_a_trial_is_for_large_models_on_processors_that_have_bfloat16(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: True)
    run = prepare_run(config)
    model = run.base.model
    assert not requires_trial(config, model)
    assert choose_precision(run).reason == "no trial of bfloat16 was made"
    monkeypatch.setattr(precision, "MIN_PARAMETERS", 1)
    assert requires_trial(config, model)
    assert not requires_trial(replace(config, deterministic=True), model)
    assert not requires_trial(replace(config, precision="float32"), model)
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: False)
    assert not requires_trial(config, model)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a card is asked, not tried")
@pytest.mark.parametrize(
    ("has_it", "more", "text"),
    [
        (True, {"deterministic": True}, "float32 (kept by --deterministic)"),
        (True, {"precision": "float32"}, "float32 (as asked for)"),
        (False, {"precision": "bfloat16"}, "bfloat16 (as asked for)"),
        (False, {}, "float32 (this processor has no bfloat16)"),
    ],
)
def test_what_settings_and_machine_say_needs_no_trial(
    has_it: bool,
    more: dict[str, Any],
    text: str,
    config: TrainConfig,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: has_it)
    monkeypatch.setattr(precision, "MIN_PARAMETERS", 1)
    assert str(choose_precision(prepare_run(replace(config, **more)))) == text


@pytest.mark.parametrize(
    ("float32", "text"),
    [
        (0.5, "bfloat16 (in a trial a step took 0.40 s of processor time, in float32 0.50 s)"),
        (0.42, "float32 (in a trial a step took 0.42 s of processor time, in bfloat16 0.40 s)"),
    ],
)
def test_a_trial_chooses_by_the_seconds_that_it_measured(
    float32: float, text: str, config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = {"float32": float32, "bfloat16": 0.4}
    monkeypatch.setattr(precision, "requires_trial", lambda config, model: True)
    monkeypatch.setattr(precision, "seconds_of_step", lambda run: seconds)
    assert str(choose_precision(prepare_run(config))) == text


def test_a_model_that_fails_in_bfloat16_is_trained_in_float32(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Picky(nn.Module):
        def forward(self, states: torch.Tensor) -> torch.Tensor:
            if torch.is_autocast_enabled("cpu"):
                raise RuntimeError("expected scalar type Float but found BFloat16")
            return states

    run = prepare_run(config)
    run.base.model.dropout = Picky()
    monkeypatch.setattr(precision, "requires_trial", lambda config, model: True)
    choice = choose_precision(run)
    assert choice.precision == "float32"
    assert choice.reason.endswith(
        "can't be trained in bfloat16: expected scalar type Float but found BFloat16"
    )


@pytest.mark.usefixtures("_no_pictures_here")
def test_a_run_goes_on_in_what_it_began_with_and_tells_why(
    config: TrainConfig, choose_once: list[PreparedRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_snapshot(monkeypatch, number=4)
    with pytest.raises(FinetuneError):
        train.train(replace(config, save_minutes=0), say=silent)
    monkeypatch.undo()
    # Another machine, or another moment, would choose otherwise.
    monkeypatch.setattr(train, "choose_precision", lambda run: PrecisionChoice("float32"))
    lines: list[str] = []
    record = train.train(stopped_run(config.output), say=lines.append)
    assert record.precision_choice == IN_BFLOAT16
    assert "Precision: bfloat16 (in a trial it was faster)." in lines
    assert "Trained in bfloat16 (in a trial it was faster) on CPU" in model_card(record)
    assert len(choose_once) == 1


def test_a_run_that_was_begun_before_precision_was_kept_goes_on_without_a_trial(
    config: TrainConfig, choose_once: list[PreparedRun], tmp_path: Path
) -> None:
    save_settings(config, {}, tmp_path)
    assert "precision" not in (tmp_path / SETTINGS).read_text("utf-8").partition('"rows"')[2]
    run = prepare_run(config)
    assert train.settle_precision(run, load_settings(tmp_path)) == run
    assert not choose_once


@pytest.mark.usefixtures("_no_pictures_here")
def test_all_seeds_compute_in_what_the_first_one_chose(
    config: TrainConfig, choose_once: list[PreparedRun]
) -> None:
    lines: list[str] = []
    record = train.train(replace(config, seeds=2), say=lines.append)
    assert record.precision_choice == IN_BFLOAT16
    assert lines.count("Precision: bfloat16 (in a trial it was faster).") == 2
    assert len(choose_once) == 1


@pytest.mark.usefixtures("_no_pictures_here")
def test_trials_of_a_search_and_its_winner_compute_alike(
    config: TrainConfig, choose_once: list[PreparedRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[PrecisionChoice] = []

    def watched_trial(run: PreparedRun, *more: Any) -> EpochMetrics:
        computed.append(run.precision)
        return train_trial(run, *more)

    monkeypatch.setattr(tune, "train_trial", watched_trial)
    space = SearchSpace({"learning_rate": (2e-3, 1e-2)})
    record: RunRecord = tune.tune(config, TuneConfig(trials=1), space, say=silent)
    assert computed == [IN_BFLOAT16]
    assert record.precision_choice == IN_BFLOAT16
    assert len(choose_once) == 1
