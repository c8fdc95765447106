"""A TOML file of settings: read strictly, merged under the flags, written so that it runs again."""

import json
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer
from safetensors.torch import load_file
from typer.testing import CliRunner, Result

from finetune.__main__ import app
from finetune.errors import ConfigError
from finetune.run.cli_options import with_options
from finetune.run.config import COMMAND_SETTINGS, TrainConfig
from finetune.run.config_file import describe_settings, read_config_file, write_config_file
from finetune.run.setting_types import switch_name
from tests.finetune.news import news, write_csv


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def toml(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "epoch = 3",
            "'a.toml' has the unknown setting 'epoch'; the closest known one is 'epochs'",
        ),
        ('batch-size = "3"', "unknown setting 'batch-size'; the closest known one is 'batch_size'"),
        ("epochs = 2.5", "epochs in 'a.toml' is 2.5; it has to be a whole number"),
        ("learning_rate = ''", "learning_rate in 'a.toml' is ''; it has to be a number"),
        ("epochs = true", "epochs in 'a.toml' is True; it has to be a whole number"),
        ("weight_decay = '0'", "weight_decay in 'a.toml' is '0'; it has to be a number"),
        ("overwrite = 1", "overwrite in 'a.toml' is 1; it has to be true or false"),
        ("precision = 'int8'", "it has to be one of auto, float32, bfloat16"),
        ("data = [1]", "data in 'a.toml' is [1]; it has to be text in quotes"),
        ("epochs = ", "'a.toml' is not a TOML file"),
    ],
)
def test_what_is_wrong_in_a_file_is_one_sentence(text: str, message: str, tmp_path: Path) -> None:
    result = call("train", "--config", toml(tmp_path / "a.toml", text))
    (line,) = result.stderr.splitlines()
    assert result.exit_code == 1
    assert message in line


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--config 'gone.toml' can't be read: No such file"):
        read_config_file(tmp_path / "gone.toml")


def test_a_lone_data_is_a_list_and_whole_numbers_are_numbers(tmp_path: Path) -> None:
    path = toml(tmp_path / "a.toml", 'data = "news.csv"\nweight_decay = 0\nmax_length = 16\n')
    assert read_config_file(path) == {"data": ["news.csv"], "weight_decay": 0, "max_length": 16}


def test_flags_win_over_the_file_and_the_file_over_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[TrainConfig] = []

    def stop(config: TrainConfig, **_: Any) -> None:
        taken.append(config)
        raise ConfigError("far enough")

    monkeypatch.setattr("finetune.training.train.train", stop)
    path = toml(
        tmp_path / "a.toml",
        'data = ["a.csv", "b.csv"]\nmodel = "base"\noutput = "out"\n'
        "epochs = 7\nseed = 3\nbaseline = false\nmax_length = 32\n",
    )
    result = call("train", "--config", path, "--epochs", 2, "--model", "other")
    assert result.stderr == "far enough\n", result.output
    assert taken == [
        TrainConfig(
            data=("a.csv", "b.csv"),
            model="other",
            output=Path("out"),
            epochs=2,
            seed=3,
            baseline=False,
            max_length=32,
        )
    ]


def test_what_is_written_reads_back_as_the_same_settings(tmp_path: Path) -> None:
    config = TrainConfig(
        data=(str(tmp_path / "a.csv"),),
        model="owner/base",
        output=tmp_path / "out",
        data_name='News "of today"\n\x7f\\ é 😀',
        learning_rate=1e-5,
        overwrite=True,
    )
    write_config_file(config, tmp_path)
    text = (tmp_path / "train.toml").read_text("utf-8")
    assert str(tmp_path) not in text
    assert "overwrite" not in text
    found = read_config_file(tmp_path / "train.toml")
    assert found == {name: value for name, value in config.settings().items() if value is not None}
    again = TrainConfig(**found | {"data": tuple(found["data"]), "output": Path(found["output"])})
    assert again.settings() == config.settings()


SWITCHES = [
    field.name
    for field in fields(TrainConfig)
    if isinstance(field.default, bool) and field.name not in COMMAND_SETTINGS
]


@pytest.mark.parametrize("name", SWITCHES)
def test_an_option_turns_what_the_file_says_on_and_off(name: str, tmp_path: Path) -> None:
    parsed: list[TrainConfig] = []

    def keep(config: TrainConfig) -> None:
        parsed.append(config)

    command = typer.Typer()
    command.command()(with_options(keep))
    for on in (True, False):
        (tmp_path / "a.toml").write_text(f"{name} = {str(not on).lower()}\n", "utf-8")
        given = ["--config", str(tmp_path / "a.toml"), "--data", "a.csv", "--model", "m"]
        options = [*given, "--output", "o", switch_name(name, on)]
        result = CliRunner().invoke(command, options)
        assert result.exit_code == 0, result.output
        assert getattr(parsed[-1], name) is on


def test_only_what_differs_from_the_defaults_is_said() -> None:
    config = TrainConfig(data=("a", "b"), model="m", output=Path("o"), epochs=2)
    assert describe_settings(config) == "Settings: data a b, model m, output o, epochs 2."


def test_the_file_in_a_checkpoint_makes_the_same_weights_again(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "news.csv", news(40))
    (tmp_path / base.name).symlink_to(base)
    first = call(
        "train", "--data", "news.csv", "--model", base, "--output", "first", "--epochs", 1,
        "--seed", 5, "--batch-size", 8, "--learning-rate", 0.005, "--no-baseline",
    )  # fmt: skip
    assert first.exit_code == 0, first.output
    assert "Settings: data news.csv, model tiny-bert, output first, baseline False," in first.stdout
    recipe = tomllib.loads((tmp_path / "first/train.toml").read_text("utf-8"))
    assert set(recipe) <= {field.name for field in fields(TrainConfig)}
    second = call("train", "--config", "first/train.toml", "--output", "second")
    assert second.exit_code == 0, second.output
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("first", "second"))
    assert all((one[name] == two[name]).all() for name in one)
    records = [
        json.loads((tmp_path / name / "run.json").read_text("utf-8"))["settings"]
        for name in ("first", "second")
    ]
    assert records[0] | {"output": "second"} == records[1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data = " + "[" * 100_000, "'a.toml' is not a TOML file"),
        ("epochs = 1" + "0" * 400, "and at most 1,000,000,000"),
        (
            "learning_rate = 1e999",
            "learning_rate in 'a.toml' is inf; it has to be above 0",
        ),
        ("epochs = 1" + "0" * 5000, "'a.toml' is not a TOML file"),
        ("x" * 100_000 + " = 1", "unknown setting 'xxx"),
        ("epochs = '" + "x" * 100_000 + "'", "it has to be a whole number"),
    ],
)
def test_a_hostile_file_is_one_short_sentence(text: str, message: str, tmp_path: Path) -> None:
    options = ("--data", "x", "--model", "x", "--output", str(tmp_path / "out"))
    result = call("train", "--config", toml(tmp_path / "a.toml", text), *options)
    (line,) = result.stderr.splitlines()
    assert result.exit_code == 1
    assert message in line
    assert len(line) < 300
