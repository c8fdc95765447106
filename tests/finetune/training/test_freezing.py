"""What may learn at which step, on the model itself and in a run."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import PreTrainedModel

from finetune.checkpoint.layer_stack import LayerStack, find_layers
from finetune.checkpoint.models import load_base, load_checkpoint
from finetune.errors import ConfigError
from finetune.run.config import TrainConfig
from finetune.training.early_stopping import EarlyStopping, epochs_since_best
from finetune.training.freezing import GradualUnfreezing, freeze_below
from finetune.training.prepare import require_fitting
from finetune.training.train import train
from tests.finetune.news import LABELS, news, write_csv
from tests.tiny_models import FAMILIES, Family, tiny_checkpoint


def config(base: Path, **settings: Any) -> TrainConfig:
    return TrainConfig(data=("x.csv",), model=str(base), output=Path("out"), **settings)


def learning(model: PreTrainedModel, stack: LayerStack) -> set[int]:
    """The heights of the weights that learn."""
    return {stack.height(name) for name, each in model.named_parameters() if each.requires_grad}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_heights_at_and_above_the_floor_learn(family: Family, tmp_path: Path) -> None:
    model = load_base(
        str(tiny_checkpoint(tmp_path / family, family)), LABELS, multi_label=False
    ).model
    stack = find_layers(model)
    for floor in range(5):
        freeze_below(model, stack, floor)
        assert learning(model, stack) == set(range(floor, 5))


@pytest.mark.parametrize(
    ("settings", "floors"),
    [
        ({}, [0, 0, 0, 0, 0, 0, 0, 0]),
        ({"head_only": True}, [4, 4, 4, 4, 4, 4, 4, 4]),
        ({"freeze_layers": 2}, [3, 3, 3, 3, 3, 3, 3, 3]),
        ({"gradual_unfreezing": 1.0}, [4, 4, 3, 3, 2, 2, 1, 1]),
        ({"gradual_unfreezing": 0.5}, [4, 3, 2, 1, 0, 0, 0, 0]),
        ({"gradual_unfreezing": 0.5, "freeze_layers": 1}, [4, 3, 2, 2, 2, 2, 2, 2]),
    ],
)
def test_the_step_alone_says_what_learns(
    settings: dict[str, Any], floors: list[int], base: Path
) -> None:
    model = load_base(str(base), LABELS, multi_label=False).model
    thawing = GradualUnfreezing(model, config(base, **settings))
    assert [thawing.height_at(step, 8) for step in range(8)] == floors
    thawing.on_step_begin(None, SimpleNamespace(global_step=2, max_steps=8), None, model=model)
    assert min(learning(model, find_layers(model))) == floors[2]


def test_more_frozen_layers_than_there_are_is_refused(base: Path) -> None:
    opened = load_base(str(base), LABELS, multi_label=False)
    require_fitting(config(base, freeze_layers=3), opened)
    with pytest.raises(ConfigError, match="--freeze-layers is 4; the base model has 3 layers"):
        require_fitting(config(base, freeze_layers=4), opened)


def test_a_run_leaves_frozen_weights_as_they_were_and_stops_early(
    base: Path, tmp_path: Path
) -> None:
    settings = TrainConfig(
        data=(str(write_csv(tmp_path / "news.csv", news(40))),),
        model=str(base),
        output=tmp_path / "out",
        batch_size=8,
        epochs=9,
        learning_rate=1e-6,
        freeze_layers=2,
        patience=2,
        baseline=False,
    )
    record = train(settings, say=lambda _: None)
    assert len(record.epochs) < 9
    assert epochs_since_best([point.measured["macro_f1"] for point in record.epochs]) == 2
    before, after = (load_file(p / "model.safetensors") for p in (base, tmp_path / "out"))
    same = {name: torch.equal(before[name], after[name]) for name in after if name in before}
    at = find_layers(load_checkpoint(str(tmp_path / "out")).model).height
    assert all(held for name, held in same.items() if at(name) < 3)
    assert not all(held for name, held in same.items() if at(name) == 3)


@pytest.mark.parametrize(
    ("values", "since"), [([0.5], 0), ([0.5, 0.5], 1), ([0.1, 0.9, 0.2, 0.9], 2), ([0.1, 0.2], 0)]
)
def test_epochs_since_the_best_are_counted_from_the_first_best(
    values: list[float], since: int
) -> None:
    assert epochs_since_best(values) == since


def test_patience_reads_the_log_that_a_checkpoint_keeps() -> None:
    log = [{"loss": 1.0}, {"eval_macro_f1": 0.5}, {"loss": 0.9}, {"eval_macro_f1": 0.4}]
    for patience, stops in ((1, True), (2, False)):
        control = SimpleNamespace(should_training_stop=False)
        EarlyStopping(patience, "macro_f1").on_evaluate(
            None, SimpleNamespace(log_history=log), control
        )
        assert control.should_training_stop is stops
