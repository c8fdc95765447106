"""Before the first step: data, base model and settings are opened, fitted together and checked."""

from dataclasses import replace

from transformers import set_seed

from finetune.checkpoint.layer_stack import find_layers
from finetune.checkpoint.models import DEFAULT_MAX_LENGTH, Checkpoint, load_base, max_input_length
from finetune.checkpoint.score_scale import ScoreScale
from finetune.data.check import InputSettings, check_splits
from finetune.data.column_summary import describe_columns
from finetune.data.source_rows import find_splits
from finetune.data.splits import Splits, load_splits
from finetune.data.truncation import require_no_gaps, require_no_pairs, store_truncation
from finetune.errors import ConfigError, parameter_count
from finetune.evaluation.report.abbreviate import abbreviated_counts
from finetune.run import processes
from finetune.run.config import DEFAULTS, TrainConfig
from finetune.run.setting_types import option_name
from finetune.training.optimizer import rate_for
from finetune.training.precision import precision_by_settings
from finetune.training.prepared_run import PreparedRun
from finetune.training.results import count_parameters
from finetune.training.sharding import whole_weights

LAYER_SETTINGS = ("layer_decay", "freeze_layers", "gradual_unfreezing")
"""Settings that treat layers differently, unless they are as by default."""


def prepare_run(config: TrainConfig) -> PreparedRun:
    """Data, base model and check of *config*, without a word; whatever is wrong raises."""
    if config.fsdp and processes.count() == 1:
        raise ConfigError(
            "--fsdp shares a model among several processes, and this is one; start them with"
            " torchrun --nproc-per-node, or leave it out"
        )
    precision = precision_by_settings(config)
    source = find_splits(config)
    splits = load_splits(config, source, seed=config.cut_seed)
    base = _open_base(config, splits)
    require_no_pairs(config, pairs=splits.train.pairs is not None)
    require_fitting(config, base)
    length = _max_length(config, base)
    store_truncation(base.model.config, config, max_length=length)
    reading = InputSettings(
        tokenizer=base.tokenizer,
        max_length=length,
        truncation=config.truncation,
        windows=config.windows,
        windows_of_epoch=config.windows_of_epoch,
    )
    check = check_splits(source, reading)
    if not config.ignore_check:
        check.require_nothing_fatal()
    return PreparedRun(
        config=replace(config, learning_rate=rate_for(base.model, config)),
        splits=splits,
        base=base,
        max_length=length,
        precision=precision,
        check=check,
    )


def prepare_again(run: PreparedRun, config: TrainConfig) -> PreparedRun:
    """The rows of *run*, read and checked once, with a new base model for other settings."""
    base = _open_base(config, run.splits)
    require_fitting(config, base)
    store_truncation(base.model.config, config, max_length=run.max_length)
    return replace(
        run, config=replace(config, learning_rate=rate_for(base.model, config)), base=base
    )


def put_together(run: PreparedRun) -> PreparedRun:
    """The *run* with its model in one piece again, in the first process; all have to ask."""
    weights = whole_weights(run.base.model)
    if not processes.is_first():
        return run
    base = _open_base(run.config, run.splits)
    store_truncation(base.model.config, run.config, max_length=run.max_length)
    base.model.load_state_dict(weights)
    return replace(run, base=base)


def _open_base(config: TrainConfig, splits: Splits) -> Checkpoint:
    """The base model with its new head, whose first weights depend on the seed alone."""
    set_seed(config.seed)
    return load_base(
        config.model,
        splits.labels,
        multi_label=splits.train.multi_label,
        regression=splits.train.regression,
    )


def require_fitting(config: TrainConfig, base: Checkpoint) -> None:
    """Refuse settings that this task or this base model can't have."""
    family = base.model.config.model_type
    if (base.multi_label or base.regression) and config.label_smoothing:
        raise ConfigError("--label-smoothing is for one class per text; leave it out here")
    if base.regression and config.class_weights != "none":
        raise ConfigError("--class-weights is for classes, not for scores; leave it out here")
    if config.gradient_checkpointing and not base.model.supports_gradient_checkpointing:
        raise ConfigError(f"--gradient-checkpointing: no {family} model has it; leave it out here")
    by_layer = [name for name in LAYER_SETTINGS if getattr(config, name) != DEFAULTS[name]]
    n_layers = find_layers(base.model).n_layers if by_layer else 0
    if by_layer and not n_layers:
        raise ConfigError(
            f"{option_name(by_layer[0])} treats layers differently, but those of this {family}"
            " share their weights; leave it out"
        )
    if config.freeze_layers > n_layers:
        raise ConfigError(
            f"--freeze-layers is {config.freeze_layers}; the base model has {n_layers} layers"
        )


def _max_length(config: TrainConfig, base: Checkpoint) -> int:
    longest = max_input_length(base)
    if config.max_length is not None and config.max_length > longest:
        raise ConfigError(
            f"--max-length is {config.max_length}; {config.shown_base!r} reads {longest} at most"
        )
    length = config.max_length or min(longest, DEFAULT_MAX_LENGTH)
    room = length - base.tokenizer.num_special_tokens_to_add(pair=False)
    require_no_gaps(config, length=length, room=room)
    return length


def describe_prepared(run: PreparedRun) -> list[str]:
    """What is about to be trained, and what the check warns of, a sentence each."""
    splits, size = run.splits, parameter_count(count_parameters(run.base))
    test = "" if splits.test is None else f", {len(splits.test):,} test"
    return [
        *splits.notes,
        *describe_columns(run.check.columns),
        f"Rows: {len(splits.train):,} train, {len(splits.validation):,} validation{test}.",
        _answers(splits),
        f"Base: {run.config.shown_base}, {size}; learning rate {run.config.rate:g}.",
        *(f"Check: {sentence}" for sentence in run.check.warnings()),
    ]


def _answers(splits: Splits) -> str:
    """The classes of train, or where its scores lie."""
    if splits.train.scores is not None:
        scores, scale = splits.train.scores, ScoreScale.of(splits.train.scores)
        return (
            f"Scores: {min(scores):.4g} to {max(scores):.4g}, mean {scale.mean:.4g}, standard"
            f" deviation {scale.deviation:.4g}."
        )
    return f"Classes: {abbreviated_counts(splits.train.counts(splits.labels))}."
