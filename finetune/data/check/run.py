"""The check by itself: as a run would make it, without a model being trained."""

from finetune.checkpoint.models import (
    DEFAULT_MAX_LENGTH,
    load_tokenizer,
    quiet_libraries,
)
from finetune.data.check.report import CheckReport
from finetune.data.check.splits import check_splits
from finetune.data.check.truncation import InputSettings
from finetune.data.source_rows import find_splits
from finetune.data.truncation import require_no_gaps, require_no_pairs
from finetune.errors import ConfigError
from finetune.run.config_sections import DataConfig, InputConfig
from finetune.run.local_paths import shown_name


def check_data(
    config: DataConfig, inputs: InputConfig | None = None, *, model: str | None = None
) -> CheckReport:
    """The report on the data of *config*; with *model*, truncation is counted by its tokenizer.

    Args:
        config: The data.
        inputs: How long texts would be read; by default as in training by default.
        model: A base model.
    """
    inputs = inputs or InputConfig()
    quiet_libraries()
    if model is None and inputs.max_length is not None:
        raise ConfigError(
            "--max-length counts tokens; give --model too, whose tokenizer makes them"
        )
    settings = None if model is None else _input_settings(inputs, model)
    found = find_splits(config)
    require_no_pairs(inputs, pairs=found.rows["train"].pairs is not None)
    return check_splits(found, settings)


def _input_settings(config: InputConfig, model: str) -> InputSettings:
    tokenizer, longest = load_tokenizer(model)
    if (config.max_length or 0) > longest:
        raise ConfigError(
            f"--max-length is {config.max_length}; {shown_name(model)!r} reads {longest} at most"
        )
    length = config.max_length or min(longest, DEFAULT_MAX_LENGTH)
    room = length - tokenizer.num_special_tokens_to_add(pair=False)
    require_no_gaps(config, length=length, room=room)
    return InputSettings(
        tokenizer=tokenizer,
        max_length=length,
        truncation=config.truncation,
        windows=config.windows,
        windows_of_epoch=config.windows_of_epoch,
    )
