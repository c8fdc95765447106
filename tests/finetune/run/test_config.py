"""Settings are checked one by one, and shown without the paths of a machine."""

from pathlib import Path
from typing import Any

import pytest

from finetune.errors import ConfigError
from finetune.run.cli_options import PANELS, field_help
from finetune.run.config import TrainConfig, option_name, shown_name


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
        "python -m finetune train --data a.csv --data b.csv --model tiny-bert --output out"
        " --validation v.csv --epochs 2 --base-name tiny-bert --data-name 'News in a few words'"
    )


def test_every_setting_has_a_help_text_and_one_panel() -> None:
    names = list(TrainConfig.__dataclass_fields__)
    assert list(field_help()) == names
    assert sorted(name for panel in PANELS.values() for name in panel) == sorted(names)
