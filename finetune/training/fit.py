"""The epochs themselves: the Trainer, its arguments, and who watches it."""

from collections.abc import Callable
from functools import partial
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import (
    DataCollatorWithPadding,
    EvalPrediction,
    PrinterCallback,
    ProgressCallback,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from finetune.checkpoint.layer_stack import LayerStack, find_layers
from finetune.checkpoint.run_files import CHECKPOINTS
from finetune.errors import ConfigError
from finetune.evaluation.metrics import measure_logits
from finetune.evaluation.regression import measure_scores
from finetune.run import processes
from finetune.run.config import TrainConfig
from finetune.run.events import EventLog, Events
from finetune.run.graceful_stop import GracefulStop
from finetune.run.history_writing import HistoryWriter
from finetune.run.metrics import measure_all
from finetune.run.progress import EpochLines
from finetune.run.snapshot_folders import Snapshots
from finetune.training.batches import TokenBatches, count_batches
from finetune.training.early_stopping import EarlyStopping
from finetune.training.freezing import GradualUnfreezing
from finetune.training.gradient_norms import GradientNorms
from finetune.training.kept_steps import HistoryCallback
from finetune.training.lora import add_lora
from finetune.training.losses import training_loss
from finetune.training.masking import MaskingCollator
from finetune.training.optimizer import build_optimizer
from finetune.training.prepared_run import PreparedRun
from finetune.training.results import save_weights
from finetune.training.sharding import shard
from finetune.training.snapshot_callback import SnapshotCallback
from finetune.training.tokenized_rows import WINDOWS, tokenized
from finetune.training.trainer import SnapshotTrainer, best_steps
from finetune.training.windows import WindowCollator

Say = Callable[[str], None]
MIN_PART = 8
"""Texts of a part of a batch at least: reading fewer takes as long."""


def fit(
    run: PreparedRun,
    work: Path,
    step: int | None,
    events: Events,
    say: Say,
    *,
    watch: TrainerCallback | None = None,
) -> SnapshotTrainer:
    """The trainer after its last epoch, with the best weights; it goes on after *step*, if any.

    What *watch* raises ends it at once.
    """
    if run.config.lora_rank:
        set_seed(run.config.seed)
        add_lora(run.base.model, rank=run.config.lora_rank, alpha=run.config.lora_alpha)
    if run.config.save == "adapter" and processes.is_first():
        with TemporaryDirectory() as room, torch.random.fork_rng(devices=[]):
            place = Path(room, run.config.output.name)
            place.mkdir(exist_ok=True)
            save_weights(run, place)  # raises where the adapter would not open afterwards
    stack = None
    if run.config.fsdp:
        stack = find_layers(run.base.model)
        shard(run.base.model, stack)
    rows = tokenized(run.base, run.splits.train, max_length=run.max_length)
    batches = token_batches(run.config, rows)
    log = EventLog(events, texts_of_step(run.config, rows, batches))
    trainer = _trainer(run, rows, batches, log, Snapshots(work / CHECKPOINTS), stack)
    if processes.is_first():
        # Norms of gradients in parts would make the others wait, in steps that are told of alone.
        measure = dict if run.config.fsdp else GradientNorms(run.base.model).measure
        trainer.before_clipping = partial(log.note_gradients, measure)
        trainer.add_callback(log)
    if watch is not None:
        trainer.add_callback(watch)
    if run.config.freezes:
        trainer.add_callback(GradualUnfreezing(run.base.model, run.config))
    if run.config.patience:
        trainer.add_callback(EarlyStopping(run.config.patience, run.best_by))
    if run.config.keeps_history and processes.is_first():
        # Behind what may end the run, and before what keeps it to go on from.
        trainer.add_callback(HistoryCallback(run, HistoryWriter(work), log))
    run_epochs(trainer, step, events, EpochLines(say), save_minutes=run.config.save_minutes)
    if trainer.before.get("over"):
        log.on_train_end(trainer.args, trainer.state, trainer.control)
    return trainer


def run_epochs(
    trainer: SnapshotTrainer,
    step: int | None,
    events: Events,
    lines: EpochLines,
    *,
    save_minutes: float,
) -> None:
    """Train, from the snapshot of *step* if any; signals stop it once that is safe."""
    for raw_logs in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(raw_logs)
    if processes.is_first():
        trainer.add_callback(lines)
    stop = GracefulStop()
    trainer.add_callback(SnapshotCallback(trainer, events, stop, minutes=save_minutes))
    try:
        with stop.listening():
            trainer.fit(step)
    finally:
        lines.close()
    if processes.any_true(stop.requested):
        raise KeyboardInterrupt


def last_step(snapshots: Snapshots, say: Say) -> int | None:
    """The step to go on from, said in a sentence; none where no snapshot is whole."""
    step = snapshots.newest(say, needs=best_steps)
    if step is not None:
        say(f"Resuming after step {step}.")
    elif snapshots.steps():
        say("No snapshot is complete; the run starts over.")
    return step


def token_batches(config: TrainConfig, rows: Dataset) -> TokenBatches:
    """The batches of *rows*: as many as batches of `batch_size` rows would be, of less padding.

    Where rows are texts in windows, it is windows that are counted.
    """
    lengths, windows, world = list(rows["length"]), None, processes.count()
    if WINDOWS in rows.column_names:
        windows = [min(count, config.windows_of_epoch or count) for count in rows[WINDOWS]]
    if len(lengths) < world:
        raise ConfigError(
            f"{len(lengths)} training rows are too few for {world} processes; start fewer"
        )
    batches = (
        count_batches(lengths, config.batch_tokens, windows)
        if config.batch_tokens
        else ceil((len(lengths) if windows is None else sum(windows)) / config.batch_size)
        * parts_of_batch(config)
    )
    return TokenBatches(
        lengths,
        batches=batches,
        seed=config.seed,
        processes=world,
        rank=processes.rank(),
        windows=windows,
    )


def parts_of_batch(config: TrainConfig) -> int:
    """In how many parts a batch is read, one after the other, before the optimizer's step.

    A CPU takes two: each is of fewer texts, so of more alike lengths, with half the padding, and
    more of it stays in the caches.  Gradients add up, so that the step is that of one batch.
    """
    alone = config.gradient_accumulation == 1 and not config.batch_tokens
    splits = alone and config.windows is None and config.batch_size >= 2 * MIN_PART
    return 2 if splits and not torch.cuda.is_available() else 1


def batches_of_step(config: TrainConfig) -> int:
    """How many batches a process reads for a step of the optimizer."""
    return config.gradient_accumulation * parts_of_batch(config)


def texts_of_step(config: TrainConfig, rows: Dataset, batches: TokenBatches) -> float:
    """How many texts a step takes, on average, over all processes."""
    return len(rows) / batches.steps(batches_of_step(config))


def steps_of_epoch(run: PreparedRun) -> int:
    """The optimizer steps of an epoch of *run*."""
    rows = tokenized(run.base, run.splits.train, max_length=run.max_length)
    batches = token_batches(run.config, rows)
    return batches.steps(batches_of_step(run.config))


def _trainer(
    run: PreparedRun,
    rows: Dataset,
    batches: TokenBatches,
    log: EventLog,
    snapshots: Snapshots,
    stack: LayerStack | None,
) -> SnapshotTrainer:
    loss = training_loss(run.config, run.splits.train, run.splits.labels, run.scale)
    return SnapshotTrainer(
        batches=batches,
        snapshots=snapshots,
        scale=run.scale,
        pooling=None if run.config.windows is None else run.config.windows.pooling,
        model=run.base.model,
        args=training_arguments(
            run, snapshots.folder, metric_for_best_model=run.best_by, greater_is_better=True
        ),
        train_dataset=rows,
        eval_dataset=held_out_rows(run),
        processing_class=run.base.tokenizer,
        **collators(run, batches),
        compute_loss_func=log.watched(loss),
        compute_metrics=lambda prediction: _epoch_metrics(prediction, run),
        optimizers=(build_optimizer(run.base.model, run.config, stack), None),
    )


def collators(run: PreparedRun, batches: TokenBatches) -> dict[str, Any]:
    """What makes batches of rows, and of those that are measured where that is something else."""
    multiple, tokenizer = 8 if torch.cuda.is_available() else None, run.base.tokenizer
    collated: dict[str, Any]
    if run.config.windows is None:
        collated = {
            "data_collator": DataCollatorWithPadding(tokenizer, pad_to_multiple_of=multiple)
        }
    else:
        collated = {
            "data_collator": WindowCollator(
                tokenizer,
                limit=run.config.windows_of_epoch,
                seed=run.config.seed,
                batches=batches,
                multiple=multiple,
            ),
            "eval_collator": WindowCollator(tokenizer),
        }
    if not run.config.masking:
        return collated
    masking = MaskingCollator(
        collated["data_collator"], tokenizer, seed=run.config.seed, batches=batches
    )
    return {"eval_collator": collated["data_collator"]} | collated | {"data_collator": masking}


def held_out_rows(run: PreparedRun) -> Dataset:
    """The validation rows; texts of like length are measured together, as no measure minds."""
    rows = tokenized(run.base, run.splits.validation, max_length=run.max_length)
    return rows.select(np.argsort(-np.array(rows["length"]), kind="stable"))


def training_arguments(run: PreparedRun, folder: Path, **more: Any) -> TrainingArguments:
    """What the Trainer is told of *run*, and *more* of a stage."""
    config, cuda = run.config, torch.cuda.is_available()
    settings: dict[str, Any] = {
        "num_train_epochs": config.epochs,
        "learning_rate": config.rate,
    } | more
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=config.batch_size if run.base.pads else 1,
        gradient_accumulation_steps=batches_of_step(config),
        activation_checkpointing=config.gradient_checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False},
        torch_compile=config.compile,
        full_determinism=config.deterministic,
        ddp_find_unused_parameters=config.freezes,
        lr_scheduler_type="linear",
        warmup_steps=config.warmup_ratio,
        bf16=run.precision.bfloat16,
        use_cpu=not cuda,
        dataloader_num_workers=2 if cuda else 0,
        dataloader_pin_memory=cuda,
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        logging_nan_inf_filter=False,
        report_to="none",
        label_names=["labels"],  # some families don't say that they take them
        seed=config.seed,
        **settings,
    )
    # One card a process: torchrun starts as many as there are, and each resumes exactly.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


def _epoch_metrics(prediction: EvalPrediction, run: PreparedRun) -> dict[str, float]:
    """The metrics of an epoch by name."""
    logits, targets = prediction.predictions, prediction.label_ids
    if run.scale is None:
        classes = measure_logits(logits, targets, run.base.labels)
        return measure_all(classes, regression=False)
    # Validation holds two scores at least, so there is a share of their variance.
    scores = measure_scores(targets, run.scale.destandardize(logits[:, 0]), keep=0)
    return measure_all(scores, regression=True)
