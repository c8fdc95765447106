"""Settings are checked one by one, and shown without the paths of a machine."""

from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic.dataclasses import dataclass
from typer.testing import CliRunner

from finetune.__main__ import app
from finetune.errors import ConfigError
from finetune.run.cli_options import sections, with_options
from finetune.run.config import TrainConfig
from finetune.run.config_sections import InputConfig, LoopConfig, LossConfig, OptimizerConfig
from finetune.run.local_paths import shown_name
from finetune.run.setting_types import MAX_NUMBER, STRICT, Share, bounds, option_name


def config(**settings: Any) -> TrainConfig:
    required: dict[str, Any] = {"data": ("news.csv",), "model": "a/base", "output": Path("out")}
    return TrainConfig(**required | settings)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("epochs", 0, "at least 1"),
        ("batch_size", -4, "at least 1"),
        ("max_length", 2, "at least 8"),
        ("save_minutes", float("inf"), "at least 0"),
        ("seed", -1, "at least 0"),
        ("learning_rate", 0.0, "above 0"),
        ("learning_rate", 3.0, "at most 1"),
        ("learning_rate", float("nan"), "above 0"),
        ("weight_decay", 1.5, "at most 1"),
        ("warmup_ratio", 1.0, "below 1"),
        ("layer_decay", 0.0, "above 0"),
        ("layer_decay", 1.1, "at most 1"),
        ("label_smoothing", 1.0, "below 1"),
        ("precision", "int8", "auto, float32, bfloat16"),
        ("freeze_layers", -1, "at least 0"),
        ("gradual_unfreezing", 1.5, "at most 1"),
        ("patience", -1, "at least 0"),
        ("class_weights", "some", "none, balanced, effective"),
        ("save_dtype", "float64", "float32, float16"),
    ],
)
def test_a_setting_out_of_range_is_named_by_its_option(name: str, value: Any, allowed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(**{name: value})
    assert option_name(name) in str(caught.value)
    assert allowed in str(caught.value)


def test_no_data_is_refused() -> None:
    with pytest.raises(ConfigError, match="--data is empty"):
        config(data=())


@pytest.mark.parametrize("name", ["freeze_layers", "gradual_unfreezing"])
def test_a_head_alone_goes_with_no_other_freezing(name: str) -> None:
    with pytest.raises(
        ConfigError, match=f"--head-only trains no layer; leave out {option_name(name)}"
    ):
        config(head_only=True, **{name: 1})


@pytest.mark.parametrize("name", ["lora_rank", "head_only", "keep_steps", "window_stride"])
def test_a_model_in_parts_goes_with_nothing_that_needs_it_whole(name: str) -> None:
    value = True if name == "head_only" else 8
    with pytest.raises(ConfigError, match="needs the whole model in each process"):
        config(fsdp=True, **{name: value})


def test_paths_are_shown_by_name_and_hub_names_whole(tmp_path: Path) -> None:
    (tmp_path / "news.csv").touch()
    assert shown_name(str(tmp_path / "news.csv")) == "news.csv"
    assert shown_name("/no/such/place/model") == "model"
    assert shown_name("google/electra-small") == "google/electra-small"


def test_an_output_that_is_not_there_yet_is_shown_by_its_last_part() -> None:
    settings = config(output=Path("runs/of/today/out"), model="owner/base").settings()
    assert (settings["output"], settings["model"]) == ("out", "owner/base")


def test_settings_and_command_hold_no_path_of_this_machine(tmp_path: Path) -> None:
    settings = config(
        data=(str(tmp_path / "a.csv"), str(tmp_path / "b.csv")),
        validation=str(tmp_path / "v.csv"),
        model=str(tmp_path / "model"),
        base_name="tiny-bert",
        output=tmp_path / "out",
        data_name="News in a few words",
        epochs=2,
        overwrite=True,
    )
    assert str(tmp_path) not in str(settings.settings())
    assert settings.settings()["data"] == ["a.csv", "b.csv"]
    assert settings.command() == (
        "clsight train --data a.csv --data b.csv --model tiny-bert --output out"
        " --validation v.csv --base-name tiny-bert --data-name 'News in a few words' --epochs 2"
    )


def test_every_setting_has_a_help_text_in_one_section() -> None:
    names = list(TrainConfig.__dataclass_fields__)
    described = sections(TrainConfig)
    assert list(described) == names
    assert all(title and text for title, text in described.values())


@dataclass(frozen=True, kw_only=True, config=STRICT)
class MomentumConfig(LossConfig):
    """Momentum"""

    momentum: Share = 0.9
    """How much of the last step is repeated. Not for Adam."""


def test_a_further_setting_costs_one_field() -> None:
    taken: list[MomentumConfig] = []

    @with_options
    def command(config: MomentumConfig) -> None:
        taken.append(config)

    own = typer.Typer()
    own.command()(command)
    assert CliRunner().invoke(own, ["--momentum", "0.5", "--label-smoothing", "0.1"]).exit_code == 0
    assert taken == [MomentumConfig(momentum=0.5, label_smoothing=0.1)]
    shown = CliRunner().invoke(own, ["--help"]).output
    assert "How much of the last step is repeated." in " ".join(shown.replace("│", " ").split())
    with pytest.raises(ConfigError, match=r"--momentum is 2\.0; it has to be at least 0"):
        MomentumConfig(momentum=2.0)


def test_the_help_of_train_fits_a_screen_and_tells_all_when_asked() -> None:
    brief, whole = (
        CliRunner().invoke(app, ["train", word], env={"COLUMNS": "100"}).output
        for word in ("--help", "--help-all")
    )
    assert len(brief.splitlines()) <= 50
    assert "--lora-rank" not in brief
    assert all(name.replace("_", "-") in whole for name in TrainConfig.__dataclass_fields__)


def test_the_range_of_a_setting_is_told_to_whoever_asks_for_it() -> None:
    assert bounds(LoopConfig, "seeds") == (1, 1000)
    assert bounds(InputConfig, "max_length") == (8, MAX_NUMBER)
    assert bounds(OptimizerConfig, "learning_rate") == (None, 1)
