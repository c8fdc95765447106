"""Fine-tune: set up, run the epochs, keep the best one, measure it, write all of it down."""

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import datasets
import torch
import transformers
from datasets import Dataset
from safetensors import SafetensorError
from transformers import (
    DataCollatorWithPadding,
    EvalPrediction,
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainingArguments,
    set_seed,
)

from finetune.card import write_card
from finetune.check import CheckReport, check_splits
from finetune.config import TrainConfig
from finetune.data import Splits, find_splits, load_splits
from finetune.errors import ConfigError, FinetuneError
from finetune.evaluate import count_truncated, encode, targets
from finetune.losses import training_loss
from finetune.metrics import measure_logits
from finetune.models import (
    LONGEST,
    MULTI_LABEL,
    SINGLE_LABEL,
    Checkpoint,
    load_base,
    load_checkpoint,
    longest_input,
    quiet_libraries,
    save_tokenizer,
)
from finetune.optimizer import build_optimizer
from finetune.output import EPOCHS, check_output, kept_epochs, working_folder
from finetune.progress import EpochLines, curve
from finetune.quality import Quality, assess, draw
from finetune.recipe import write_recipe
from finetune.record import RunRecord, SplitRecord
from finetune.rows import Rows

BEST_BY = "macro_f1"
"""The best epoch has the highest macro F1: accuracy would let a model ignore a rare class."""

STOPS = (
    OSError,
    SafetensorError,
    torch.OutOfMemoryError,
    FloatingPointError,  # the loss isn't finite
    OverflowError,  # the weights don't fit into the number format of the file
)
"""What may end a run half-way through no fault of the program."""

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What a run consists of once everything is opened and checked."""

    config: TrainConfig
    splits: Splits
    base: Checkpoint
    max_length: int
    bfloat16: bool
    check: CheckReport


def train(config: TrainConfig, *, say: Say = print) -> RunRecord:
    """Run *config* and leave a checkpoint folder at its output; *say* gets one line per event.

    What stops it is one sentence: a FinetuneError, or a KeyboardInterrupt after Ctrl-C.
    """
    quiet_libraries()
    run = _set_up(config)
    for line in _opening(run):
        say(line)
    try:
        with working_folder(config.output) as work:
            trainer, seconds = _fit(run, work, say)
            saved = _save(run, work)
            record = _record(run, trainer, saved, seconds, _assess(run, saved, work))
            record.save(work)
            write_recipe(config, work)
            run.check.save(work, examples=False)
            draw(record, work)
            write_card(record, work)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"stopped by the keyboard; {kept_epochs(config.output)}") from None
    except STOPS as error:
        raise FinetuneError(f"{_reason(error)}; {kept_epochs(config.output)}") from error
    return record


def _reason(error: Exception) -> str:
    """One of STOPS in words, without paths of this machine."""
    if isinstance(error, torch.OutOfMemoryError):
        return "the memory of the graphics card is full; lower --batch-size or --max-length"
    if isinstance(error, OSError):
        return f"the run stopped at a file or folder: {error.strerror or type(error).__name__}"
    if isinstance(error, SafetensorError):
        return "the weights can't be written; make room on the disk"
    return str(error)


def _set_up(config: TrainConfig) -> Run:
    check_output(config.output, inputs=config.inputs, overwrite=config.overwrite)
    bfloat16 = _wants_bfloat16(config)
    found = find_splits(config)
    splits = load_splits(config, found)
    set_seed(config.seed)
    base = load_base(config.model, splits.labels, multi_label=splits.train.multi_label)
    if base.multi_label and config.label_smoothing:
        raise ConfigError("--label-smoothing is for one class per text; leave it out here")
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
    splits = run.splits
    counts = splits.train.counts(splits.labels)
    test = "" if splits.test is None else f", {len(splits.test):,} test"
    return [
        *splits.notes,
        f"Rows: {len(splits.train):,} train, {len(splits.validation):,} validation{test}.",
        f"Classes: {', '.join(f'{label} {count:,}' for label, count in counts.items())}.",
        f"Base: {run.config.shown_base}, {_parameters(run.base) / 1e6:.1f} million parameters.",
        *(f"Check: {sentence}" for sentence in run.check.warnings()),
    ]


def _fit(run: Run, work: Path, say: Say) -> tuple[Trainer, float]:
    """The trainer after its last epoch, the best weights loaded, and the seconds it took."""
    trainer = Trainer(
        model=run.base.model,
        args=_arguments(run, work / EPOCHS),
        train_dataset=_tokenised(run, run.splits.train),
        eval_dataset=_tokenised(run, run.splits.validation),
        processing_class=run.base.tokenizer,
        data_collator=DataCollatorWithPadding(run.base.tokenizer, pad_to_multiple_of=8),
        compute_loss_func=training_loss(run.config, run.splits.train, run.splits.labels),
        compute_metrics=lambda prediction: _epoch_metrics(prediction, run.base.labels),
        optimizers=(build_optimizer(run.base.model, run.config), None),
    )
    for raw_logs in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(raw_logs)
    lines = EpochLines(say)
    trainer.add_callback(lines)
    started = time.perf_counter()
    try:
        trainer.train()
    finally:
        lines.close()
    return trainer, time.perf_counter() - started


def _arguments(run: Run, folder: Path) -> TrainingArguments:
    config, cuda = run.config, torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=config.warmup_ratio,
        train_sampling_strategy="group_by_length",
        bf16=run.bfloat16,
        use_cpu=not cuda,
        dataloader_num_workers=2 if cuda else 0,
        dataloader_pin_memory=cuda,
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        logging_nan_inf_filter=False,
        save_only_model=True,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model=BEST_BY,
        greater_is_better=True,
        report_to="none",
        seed=config.seed,
    )


def _tokenised(run: Run, rows: Rows) -> Dataset:
    """Token numbers, targets and lengths of *rows*; padding waits for the batch."""
    inputs = Dataset.from_dict({"row": list(range(len(rows)))})
    texts, labels = rows.inputs(), targets(rows, run.base)

    def batch(rows: dict[str, list[int]]) -> dict[str, list[Any]]:
        encoded = encode(run.base, [texts[i] for i in rows["row"]], max_length=run.max_length)
        lengths = [len(tokens) for tokens in encoded["input_ids"]]
        return encoded | {"labels": [labels[i] for i in rows["row"]], "length": lengths}

    # A fingerprint of our own spares `datasets` from hashing the whole model to make one.
    return inputs.map(batch, batched=True, remove_columns="row", new_fingerprint="rows")


def _epoch_metrics(prediction: EvalPrediction, labels: tuple[str, ...]) -> dict[str, float]:
    metrics = measure_logits(prediction.predictions, prediction.label_ids, labels)
    return {"accuracy": metrics.accuracy, "macro_f1": metrics.macro_f1}


def _save(run: Run, work: Path) -> Checkpoint:
    """Write model and tokenizer, and read them back as anybody would."""
    model, dtype = run.base.model.cpu(), getattr(torch, run.config.save_dtype)
    weights = {
        name: tensor.to(dtype) if tensor.is_floating_point() else tensor
        for name, tensor in model.state_dict().items()
    }
    for name, tensor in weights.items():
        if not tensor.isfinite().all():
            raise OverflowError(
                f"weights of {name!r} are too large for --save-dtype {run.config.save_dtype};"
                " take float32"
            )
    model.save_pretrained(work, state_dict=weights)
    save_tokenizer(run.base.tokenizer, work)
    return load_checkpoint(str(work))


def _assess(run: Run, saved: Checkpoint, work: Path) -> Quality:
    return assess(
        saved,
        run.splits,
        work,
        batch_size=run.config.batch_size,
        max_length=run.max_length,
        baseline=run.config.baseline,
    )


def _record(
    run: Run, trainer: Trainer, saved: Checkpoint, seconds: float, quality: Quality
) -> RunRecord:
    config, splits = run.config, run.splits
    epochs = curve(trainer.state.log_history)
    return RunRecord(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=config.command(),
        base=config.shown_base,
        labels=splits.labels,
        problem_type=MULTI_LABEL if saved.multi_label else SINGLE_LABEL,
        data_name=config.data_name or ", ".join(config.shown_data),
        data_terms=config.data_terms,
        settings=config.settings(),
        splits=_split_records(run),
        validation_origin=splits.validation_origin,
        notes=splits.notes,
        check=run.check.warnings(truncated=False),
        parameters=_parameters(saved),
        max_length=run.max_length,
        precision="bfloat16" if run.bfloat16 else "float32",
        device=_device(),
        versions=_versions(),
        seconds=round(seconds, 1),
        texts_per_second=round(len(splits.train) * len(epochs) / seconds, 1),
        epochs=epochs,
        best_epoch=max(epochs, key=lambda point: (point.macro_f1, -point.epoch)).epoch,
        validation=quality.validation,
        test=quality.test,
        calibration=quality.calibration,
        baselines=quality.baselines,
    )


def _split_records(run: Run) -> dict[str, SplitRecord]:
    splits = {"train": run.splits.train, "validation": run.splits.validation}
    if run.splits.test is not None:
        splits["test"] = run.splits.test
    return {
        name: SplitRecord(
            rows=len(rows),
            class_counts=rows.counts(run.splits.labels),
            fingerprint=rows.fingerprint(),
            truncated=count_truncated(run.base, rows, max_length=run.max_length),
        )
        for name, rows in splits.items()
    }


def _parameters(checkpoint: Checkpoint) -> int:
    return sum(weights.numel() for weights in checkpoint.model.parameters())


def _device() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"CPU, {torch.get_num_threads()} threads"


def _versions() -> dict[str, str]:
    modules = {"torch": torch, "transformers": transformers, "datasets": datasets}
    versions = {name: module.__version__ for name, module in modules.items()}
    return {"python": platform.python_version()} | versions
