"""In which numbers a run computes where nobody says: what a trial finds faster, once for all."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from finetune.run.config import TrainConfig
from finetune.run.saved_settings import load_settings, save_settings
from finetune.training import precision, train
from finetune.training.precision import gain_of_bfloat16, requires_trial
from finetune.training.prepare import prepare_run
from tests.finetune.news import news, write_csv
from tests.finetune.runs import silent, tiny_run


@pytest.fixture
def config(base: Path, tmp_path: Path) -> TrainConfig:
    write_csv(tmp_path / "train.csv", news(60))
    return tiny_run(tmp_path, base, tmp_path / "out", epochs=1)


def test_a_trial_changes_nothing_of_the_run(config: TrainConfig) -> None:
    run = prepare_run(config)
    before = {name: each.clone() for name, each in run.base.model.state_dict().items()}
    state, training = torch.random.get_rng_state(), run.base.model.training
    assert gain_of_bfloat16(run) > 0
    assert torch.equal(torch.random.get_rng_state(), state)
    assert run.base.model.training == training
    assert all(each.grad is None for each in run.base.model.parameters())
    assert all(torch.equal(each, before[n]) for n, each in run.base.model.state_dict().items())


@pytest.mark.skipif(torch.cuda.is_available(), reason="a card is asked, not tried")
def test_a_trial_is_for_large_models_on_processors_that_have_bfloat16(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = prepare_run(config).base.model
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: True)
    assert not requires_trial(config, model)
    monkeypatch.setattr(precision, "MIN_PARAMETERS", 1)
    assert requires_trial(config, model)
    assert not requires_trial(replace(config, deterministic=True), model)
    assert not requires_trial(replace(config, precision="float32"), model)
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: False)
    assert not requires_trial(config, model)


@pytest.mark.usefixtures("_no_pictures_here")
@pytest.mark.parametrize("gain", [0.9, 2.0])
def test_a_run_goes_on_in_what_it_began_with(
    config: TrainConfig, gain: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = "bfloat16" if gain > 1 else "float32"
    lines: list[str] = []
    monkeypatch.setattr(train, "requires_trial", lambda config, model: True)
    monkeypatch.setattr(train, "gain_of_bfloat16", lambda run: gain)
    assert train.train(config, say=lines.append).precision == expected
    assert any(line.startswith("Precision: bfloat16") for line in lines) == (gain > 1)
    # Another machine, or another moment, would choose otherwise.
    monkeypatch.setattr(train, "gain_of_bfloat16", lambda run: 3 - gain)
    save_settings(config, {}, tmp_path, precision=expected)
    assert load_settings(tmp_path).precision == expected
    resumed = prepare_run(replace(config, resume=True))
    for may_try in (True, False):
        monkeypatch.setattr(train, "requires_trial", lambda config, model, may=may_try: may)
        assert train._settle_precision(resumed, tmp_path, silent).bfloat16 == (gain > 1)
