"""The settings that a search tries, each between two limits or among some names."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from optuna import Trial

from finetune.checkpoint.layer_stack import find_layers
from finetune.checkpoint.models import Checkpoint
from finetune.errors import ConfigError, quoted
from finetune.run.config import DEFAULTS, TrainConfig
from finetune.run.config_file import TUNE_SECTION
from finetune.run.config_sections import LossConfig, OptimizerConfig
from finetune.training.prepare import require_fitting
from finetune.training.prepared_run import PreparedRun

Value = float | int | str
TUNABLE = (
    "epochs",
    "batch_size",
    *(
        field.name
        for record in (OptimizerConfig, LossConfig)
        for field in fields(record)
        if not isinstance(field.default, bool)
    ),
)
"""Settings that a search can try."""
BY_RATIO = frozenset({"learning_rate"})
"""Settings of which a factor counts, not a difference: they are drawn on a logarithmic scale."""


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """The limits of each setting that is tried, or the names it is tried with."""

    limits: Mapping[str, tuple[Value, ...]]

    def suggest(self, trial: Trial) -> dict[str, Value]:
        """The settings of a *trial*."""
        return {name: _suggest(trial, name, limits) for name, limits in self.limits.items()}

    def start(self, config: TrainConfig) -> dict[str, Value]:
        """The settings of *config* as far as they lie within the limits: the first trial."""
        limits: Mapping[str, Any] = self.limits
        settings = {name: getattr(config, name) for name in limits}
        return {
            name: value
            for name, value in settings.items()
            if value in limits[name]
            or (isinstance(value, int | float) and limits[name][0] <= value <= limits[name][1])
        }

    def to_dict(self) -> dict[str, list[Value]]:
        """As JSON and TOML have it."""
        return {name: list(limits) for name, limits in self.limits.items()}


def with_settings(config: TrainConfig, settings: Mapping[str, Value]) -> TrainConfig:
    """*config* with the settings of a trial, numbers to three digits, as they are written."""
    rounded: dict[str, Any] = {name: round_value(value) for name, value in settings.items()}
    return replace(config, **rounded)


def default_space(run: PreparedRun, given: Collection[str]) -> SearchSpace:
    """What is tried where no file says it: what fits the task, and is not *given*.

    Rates from a quarter to four times that of the base model's width, 2 to 5 epochs, weight decay
    up to 0.1, layer decay from 0.8, label smoothing up to 0.15.

    Raises:
        ConfigError: Every such setting was given.
    """
    config, base = run.config, run.base
    limits: dict[str, tuple[Value, ...]] = {
        "learning_rate": (round_value(config.rate / 4), min(round_value(config.rate * 4), 1.0)),
        "epochs": (2, 5),
        "weight_decay": (0.0, 0.1),
    }
    if find_layers(base.model).n_layers and not config.head_only:
        limits["layer_decay"] = (0.8, 1.0)
    if not (base.multi_label or base.regression):
        limits["label_smoothing"] = (0.0, 0.15)
    limits = {name: each for name, each in limits.items() if name not in given}
    if not limits:
        raise ConfigError(
            "every setting that a search tries was given; leave one out, or write a"
            f" [{TUNE_SECTION}] into the --config file"
        )
    return SearchSpace(limits)


def read_search_space(path: Path, config: TrainConfig) -> SearchSpace | None:
    """The section `[tune]` of a TOML file that was read before; None where it has none.

    Raises:
        ConfigError: A setting can't be tried, or not between these limits.
    """
    section = tomllib.loads(path.read_text(encoding="utf-8")).get(TUNE_SECTION)
    if section is None:
        return None
    if not isinstance(section, dict) or not section:
        raise ConfigError(
            f"[{TUNE_SECTION}] in {path.name!r} names no setting to try; write learning_rate ="
            " [1e-5, 1e-3], or leave the section out"
        )
    return SearchSpace({name: _checked(name, value, config) for name, value in section.items()})


def require_usable(space: SearchSpace, config: TrainConfig, base: Checkpoint) -> None:
    """Refuse what could not be trained in all of *space*, before the first trial.

    Tried are each limit alone and all the upper ones together.

    Raises:
        ConfigError: The task, the *base*, or one setting rules another one out.
    """
    corners = [{name: limit} for name, limits in space.limits.items() for limit in limits]
    corners.append({name: limits[-1] for name, limits in space.limits.items()})
    for settings in corners:
        try:
            require_fitting(with_settings(config, settings), base)
        except ConfigError as error:
            raise ConfigError(
                f"[{TUNE_SECTION}] tries {describe_settings(settings)}, but {error}"
            ) from error


def _checked(name: str, value: Any, config: TrainConfig) -> tuple[Value, ...]:
    if name not in TUNABLE:
        (close,) = get_close_matches(name.replace("-", "_"), TUNABLE, n=1, cutoff=0)
        raise ConfigError(
            f"[{TUNE_SECTION}] has {quoted(name)}, which can't be tried; the closest that can is"
            f" {close!r}"
        )
    names = isinstance(DEFAULTS[name], str)
    whole = isinstance(DEFAULTS[name], int)
    kinds: tuple[type, ...] = (str,) if names else (int,) if whole else (int, float)
    if (
        not isinstance(value, list)
        or not all(isinstance(each, kinds) and not isinstance(each, bool) for each in value)
        or not ((names and len(set(value)) >= 2) or (len(value) == 2 and value[0] < value[1]))
    ):
        what = "two names or more" if names else "two numbers, the lower first"
        what = what.replace("numbers", "whole numbers") if whole else what
        raise ConfigError(f"{name} in [{TUNE_SECTION}] is {quoted(value)}; it has to be {what}")
    limits: tuple[Value, ...] = tuple(value if names or whole else map(float, value))
    for each in limits:
        with_settings(config, {name: each})  # raises by the option where the setting can't be that
    return limits


def _suggest(trial: Trial, name: str, limits: tuple[Value, ...]) -> Value:
    low, high = limits[0], limits[-1]
    if isinstance(low, str) or isinstance(high, str):
        return str(trial.suggest_categorical(name, [str(each) for each in limits]))
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(name, low, high)
    return trial.suggest_float(name, low, high, log=name in BY_RATIO)


def round_value(value: Any) -> Any:
    """A number to three digits, as it is written."""
    return float(f"{value:.3g}") if isinstance(value, float) else value


def describe_settings(settings: Mapping[str, Value]) -> str:
    """The settings of a trial in words."""
    return ", ".join(
        f"{name.replace('_', ' ')} {f'{value:.3g}' if isinstance(value, float) else value}"
        for name, value in settings.items()
    )
