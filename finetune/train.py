"""Fine-tune: set up, run the epochs, keep the best one, measure it, write all of it down."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import (
    set_seed,
)

from finetune import processes
from finetune.card import write_card
from finetune.check import check_splits
from finetune.config import TrainConfig
from finetune.data import Splits, find_splits, load_splits
from finetune.errors import ConfigError, FinetuneError, SnapshotError
from finetune.events import Events
from finetune.fit import Say, fit
from finetune.lora import add_lora
from finetune.models import (
    LONGEST,
    Checkpoint,
    load_base,
    longest_input,
    quiet_libraries,
)
from finetune.outcome import assess_run, count_parameters, save_weights, write_down
from finetune.output import (
    check_output,
    has_snapshots,
    require_nothing_kept,
    resolved,
    what_is_left,
    working_folder,
    working_place,
)
from finetune.quality import draw
from finetune.recipe import write_recipe
from finetune.record import RunRecord
from finetune.run import Run
from finetune.scale import Scale
from finetune.settings import FILE_NAME as SETTINGS
from finetune.settings import load_settings, require_same, require_same_rows, save_settings
from finetune.trainer import SnapshotTrainer
from finetune.truncation import store_choice

STOPS = (
    OSError,
    SafetensorError,
    torch.OutOfMemoryError,
    FloatingPointError,  # the loss isn't finite
    OverflowError,  # the weights don't fit into the number format of the file
)
"""What may end a run half-way through no fault of the program."""


def train(config: TrainConfig, *, say: Say = print) -> RunRecord:
    """Run *config* and leave a checkpoint folder at its output; *say* gets one line per event.

    Of several processes the first speaks and writes. What stops the run is one sentence: a
    FinetuneError, or a KeyboardInterrupt after Ctrl-C or SIGTERM.
    """
    quiet_libraries()
    processes.join()
    if not processes.is_first():
        return _help(config)
    run = _set_up(config)
    for line in _opening(run):
        say(line)
    with _told(config.output), working_folder(config.output, resume=config.resume) as work:
        _begin(run, work)
        processes.wait()
        record = _finish(run, fit(run, work, say), work)
    processes.wait()
    return record


def _help(config: TrainConfig) -> RunRecord:
    """Train along as one of several processes; the first writes down what comes of it."""
    run = _set_up(config)
    processes.wait()
    fit(run, working_place(config.output), say=lambda line: None)
    processes.wait()
    return RunRecord.load(resolved(config.output))


def _begin(run: Run, work: Path) -> None:
    """Write the settings down, or compare them with those of the run that goes on."""
    rows = {role: rows.fingerprint() for role, rows in run.splits.by_role().items()}
    if run.config.resume and (work / SETTINGS).is_file():
        begun, rows_then = load_settings(work)
        require_same(run.config, begun)
        require_same_rows(rows, rows_then)
    else:
        save_settings(run.config, rows, work)


def _finish(run: Run, trainer: SnapshotTrainer, work: Path) -> RunRecord:
    """Write the best weights and all that is known of them."""
    saved = save_weights(run, work)
    record = write_down(run, trainer, saved, assess_run(run, saved, work))
    record.save(work)
    write_recipe(run.config, work)
    run.check.save(work, examples=False)
    draw(record, work)
    write_card(record, work)
    return record


@contextmanager
def _told(output: Path) -> Iterator[None]:
    """Whatever stops a run as one sentence that says what is left of it, also in its events."""
    try:
        yield
    except KeyboardInterrupt:
        sentence = f"stopped as asked; {what_is_left(output)}"
        _tell(output, "stopped", sentence)
        raise KeyboardInterrupt(sentence) from None
    except (SnapshotError, *STOPS) as error:
        sentence = f"{_reason(error)}; {what_is_left(output)}"
        _tell(output, "failed", sentence)
        raise FinetuneError(sentence) from error
    except FinetuneError as error:
        _tell(output, "failed", str(error))
        raise


def _tell(output: Path, kind: str, sentence: str) -> None:
    work = working_place(output)
    if has_snapshots(work):
        with suppress(OSError):
            Events(work).add(kind, sentence=sentence)


def _reason(error: Exception) -> str:
    """One of STOPS in words, without paths of this machine."""
    if isinstance(error, torch.OutOfMemoryError):
        return (
            "the memory of the graphics card is full; begin anew by --overwrite with"
            " --gradient-checkpointing or a lower --batch-size or --max-length"
        )
    if isinstance(error, OSError):
        return f"the run stopped at a file or folder: {error.strerror or type(error).__name__}"
    if isinstance(error, SafetensorError):
        return "the weights can't be written; make room on the disk"
    return str(error)


def _set_up(config: TrainConfig) -> Run:
    check_output(config.output, inputs=config.inputs, overwrite=config.overwrite)
    if not (config.resume or config.overwrite):
        require_nothing_kept(config.output)
    bfloat16 = _wants_bfloat16(config)
    found = find_splits(config)
    splits = load_splits(config, found)
    set_seed(config.seed)
    base = load_base(
        config.model,
        splits.labels,
        multi_label=splits.train.multi_label,
        regression=splits.train.regression,
    )
    store_choice(base.model.config, config, pairs=splits.train.pairs is not None)
    if (base.multi_label or base.regression) and config.label_smoothing:
        raise ConfigError("--label-smoothing is for one class per text; leave it out here")
    if base.regression and config.class_weights != "none":
        raise ConfigError("--class-weights is for classes, not for scores; leave it out here")
    if config.lora_rank:
        add_lora(base.model, rank=config.lora_rank, alpha=config.lora_alpha)
    length = _max_length(config, base)
    check = check_splits(found, base.tokenizer, length)
    if not config.ignore_check:
        check.require_nothing_fatal()
    return Run(
        config=config,
        splits=splits,
        base=base,
        max_length=length,
        bfloat16=bfloat16,
        check=check,
    )


def _wants_bfloat16(config: TrainConfig) -> bool:
    if not torch.cuda.is_available():
        return config.precision == "bfloat16"
    has_it = torch.cuda.is_bf16_supported(including_emulation=False)
    if config.precision == "bfloat16" and not has_it:
        raise ConfigError("--precision is bfloat16, which this CUDA card lacks; take float32")
    return config.precision != "float32" and has_it


def _max_length(config: TrainConfig, base: Checkpoint) -> int:
    longest = longest_input(base)
    if config.max_length is not None and config.max_length > longest:
        raise ConfigError(
            f"--max-length is {config.max_length}; {config.shown_base!r} reads {longest} at most"
        )
    return config.max_length or min(longest, LONGEST)


def _opening(run: Run) -> list[str]:
    splits, millions = run.splits, count_parameters(run.base) / 1e6
    test = "" if splits.test is None else f", {len(splits.test):,} test"
    return [
        *splits.notes,
        f"Rows: {len(splits.train):,} train, {len(splits.validation):,} validation{test}.",
        _answers(splits),
        f"Base: {run.config.shown_base}, {millions:.1f} million parameters.",
        *(f"Check: {sentence}" for sentence in run.check.warnings()),
    ]


def _answers(splits: Splits) -> str:
    """The classes of train, or where its scores lie."""
    if splits.train.scores is not None:
        scores, scale = splits.train.scores, Scale.of(splits.train.scores)
        return (
            f"Scores: {min(scores):.4g} to {max(scores):.4g}, mean {scale.mean:.4g}, standard"
            f" deviation {scale.deviation:.4g}."
        )
    counts = splits.train.counts(splits.labels)
    return f"Classes: {', '.join(f'{label} {count:,}' for label, count in counts.items())}."
