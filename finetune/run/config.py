"""The settings of a run, in records that are handed to what needs them: a field is a setting.

The name of a field is its key in `train.toml` and `run.json` and, with dashes, its option on the
command line; its type holds its range, and the docstring below it is its `--help`.
"""

import shlex
from dataclasses import MISSING, fields

from pydantic.dataclasses import dataclass

from finetune.checkpoint.source import local_folder
from finetune.errors import ConfigError
from finetune.run.config_sections import (
    DataConfig,
    InputConfig,
    LoopConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    OutputConfig,
    SeedConfig,
)
from finetune.run.local_paths import local_path, shown_name
from finetune.run.setting_types import (
    STRICT,
    Settings,
    option_name,
    switch_name,
)

INPUTS = ("data", "validation", "test")
"""Settings that name a file, a folder or a Hub data set."""


COMMAND_SETTINGS = ("overwrite", "resume")
"""Settings that say what to do with what is there already, and nothing of the run."""


WHOLE_MODEL_SETTINGS = (
    "lora_rank",
    "freeze_layers",
    "head_only",
    "gradual_unfreezing",
    "pretrain_epochs",
    "keep_epochs",
    "keep_steps",
    "window_stride",
    "compile",
)
"""Settings for models that each process has in one piece."""


SECTIONS: tuple[type[Settings], ...] = (
    DataConfig,
    ModelConfig,
    OutputConfig,
    LoopConfig,
    OptimizerConfig,
    LossConfig,
    InputConfig,
    SeedConfig,
)
"""The records of which a TrainConfig is made, in the order of the settings in files and help."""


# Fields are taken from the last base to the first.
@dataclass(frozen=True, kw_only=True, config=STRICT)
class TrainConfig(
    SeedConfig,
    InputConfig,
    LossConfig,
    OptimizerConfig,
    LoopConfig,
    OutputConfig,
    ModelConfig,
    DataConfig,
):
    """Everything that decides how a run goes: one of each record, and whatever takes one takes it.

    Its settings are flat, as in files and on the command line.
    """

    def __post_init__(self) -> None:
        """Refuse settings of which one would undo the other."""
        DataConfig.__post_init__(self)
        InputConfig.__post_init__(self)
        if self.resume and self.overwrite:
            raise ConfigError("--resume continues a run, --overwrite starts over; give one")
        if self.seed + self.seeds > 2**32:
            raise ConfigError(f"--seed is {self.seed}; {self.seeds} seeds from there are too large")
        if self.lora_rank and self.freezes:
            raise ConfigError("--lora-rank trains adapters and the head; leave out freezing")
        if self.save == "adapter":
            self._check_adapter()
        if self.fsdp:
            self._check_fsdp()
        for name in ("freeze_layers", "gradual_unfreezing"):
            if self.head_only and getattr(self, name):
                raise ConfigError(f"--head-only trains no layer; leave out {option_name(name)}")

    def _check_adapter(self) -> None:
        if not self.lora_rank:
            raise ConfigError("--save adapter keeps what --lora-rank trains; give that too")
        if self.pretrain_epochs:
            raise ConfigError(
                "--save adapter needs the base model as it is; leave out --pretrain-epochs"
            )
        if self.push_to_hub and local_folder(self.model):
            raise ConfigError(
                "--push-to-hub with --save adapter: nobody else has the base model, a folder here;"
                " take a base of the Hub, or --save merged"
            )

    def _check_fsdp(self) -> None:
        for name in WHOLE_MODEL_SETTINGS:
            if getattr(self, name):
                raise ConfigError(
                    f"{option_name(name)} needs the whole model in each process, of which --fsdp"
                    " gives it a part; leave one of them out"
                )

    @property
    def shown_data(self) -> list[str]:
        """The names of the training data, without the paths on this machine."""
        return [shown_name(source) for source in self.data]

    @property
    def inputs(self) -> tuple[str, ...]:
        """Whatever the run reads: files, folders and Hub names."""
        return (self.model, *self.sources)

    def settings(self) -> dict[str, object]:
        """The settings of the run as JSON values, paths reduced to names."""
        return {name: self._shown(name) for name in DEFAULTS if name not in COMMAND_SETTINGS}

    def command(self) -> str:
        """The command that makes this run, paths reduced to names and defaults left out."""
        words = ["clsight", "train"]
        for name, value in self.settings().items():
            if value == DEFAULTS[name]:
                continue
            if isinstance(value, bool):
                words.append(switch_name(name, value))
                continue
            for item in value if isinstance(value, list) else [value]:
                words += [option_name(name), str(item)]
        return shlex.join(words)

    def _shown(self, name: str) -> object:
        value = getattr(self, name)
        if name == "model":
            return self.shown_base
        if name == "output":
            return local_path(str(self.output)).resolve().name
        if value is None or name not in INPUTS:
            return value
        if isinstance(value, tuple):
            return [shown_name(item) for item in value]
        return shown_name(value)


DEFAULTS: dict[str, object] = {
    field.name: field.default
    for field in sorted(fields(TrainConfig), key=lambda field: field.default is not MISSING)
}
"""Each setting and its default, those first that have to be given: dataclasses.MISSING."""
