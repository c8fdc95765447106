"""The epochs themselves: the Trainer, its arguments, and who watches it."""

from collections.abc import Callable
from math import ceil
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from transformers import (
    DataCollatorWithPadding,
    EvalPrediction,
    PrinterCallback,
    ProgressCallback,
    TrainingArguments,
)

from finetune import processes
from finetune.batches import TokenBatches, budget_for
from finetune.config import TrainConfig
from finetune.errors import ConfigError
from finetune.events import EventLog, Events
from finetune.freezing import Thawing
from finetune.interrupt import StopWish
from finetune.keeping import Keeping
from finetune.losses import training_loss
from finetune.metrics import measure_logits
from finetune.optimizer import build_optimizer
from finetune.output import CHECKPOINTS
from finetune.progress import EpochLines
from finetune.regression import measure_scores
from finetune.run import Run
from finetune.scale import Scale
from finetune.snapshots import Snapshots
from finetune.stopping import Patience
from finetune.tokens import tokenised
from finetune.trainer import SnapshotTrainer

Say = Callable[[str], None]


def fit(run: Run, work: Path, say: Say) -> SnapshotTrainer:
    """The trainer after its last epoch, with the best weights.

    A run with snapshots in *work* goes on from the last one that is whole.
    """
    rows = tokenised(run.base, run.splits.train, max_length=run.max_length)
    batches = token_batches(run.config, rows)
    events = Events(work)
    log = EventLog(events, len(rows) / len(batches) * run.config.gradient_accumulation)
    trainer = _trainer(run, rows, batches, log, Snapshots(work / CHECKPOINTS))
    lines = EpochLines(say)
    _watch(trainer, run, [lines, log] if processes.is_first() else [])
    wish = StopWish()
    trainer.add_callback(Keeping(trainer, events, wish, minutes=run.config.save_minutes))
    try:
        with wish.heard():
            trainer.fit(_last_step(trainer.snapshots, say) if run.config.resume else None)
    finally:
        lines.close()
    return trainer


def token_batches(config: TrainConfig, rows: Dataset) -> TokenBatches:
    """The batches of *rows*: as many as batches of `batch_size` rows would be, of less padding."""
    lengths, world = list(rows["length"]), processes.count()
    if len(lengths) < world:
        raise ConfigError(
            f"{len(lengths)} training rows are too few for {world} processes; start fewer"
        )
    batches = ceil(len(lengths) / config.batch_size)
    return TokenBatches(
        lengths,
        budget=config.batch_tokens or budget_for(lengths, batches),
        seed=config.seed,
        processes=world,
        rank=processes.rank(),
    )


def _last_step(snapshots: Snapshots, say: Say) -> int | None:
    """The step to go on from, said in a sentence."""
    step = snapshots.newest(say)
    if step is not None:
        say(f"Going on after step {step}.")
    elif snapshots.steps():
        say("No snapshot is whole; the run begins anew.")
    return step


def _trainer(
    run: Run, rows: Dataset, batches: TokenBatches, log: EventLog, snapshots: Snapshots
) -> SnapshotTrainer:
    held_out = tokenised(run.base, run.splits.validation, max_length=run.max_length)
    loss = training_loss(run.config, run.splits.train, run.splits.labels)
    return SnapshotTrainer(
        batches=batches,
        snapshots=snapshots,
        model=run.base.model,
        args=_arguments(run, snapshots.folder),
        train_dataset=rows,
        # Texts of like length are measured together; what is measured minds no order.
        eval_dataset=held_out.select(np.argsort(-np.array(held_out["length"]), kind="stable")),
        processing_class=run.base.tokenizer,
        data_collator=DataCollatorWithPadding(
            run.base.tokenizer, pad_to_multiple_of=8 if torch.cuda.is_available() else None
        ),
        compute_loss_func=log.watched(loss),
        compute_metrics=lambda prediction: _epoch_metrics(prediction, run),
        optimizers=(build_optimizer(run.base.model, run.config), None),
    )


def _watch(trainer: SnapshotTrainer, run: Run, watchers: list[object]) -> None:
    for raw_logs in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(raw_logs)
    for watcher in watchers:
        trainer.add_callback(watcher)
    if run.config.freezes:
        trainer.add_callback(Thawing(run.base.model, run.config))
    if run.config.patience:
        trainer.add_callback(Patience(run.config.patience, run.best_by))


def _arguments(run: Run, folder: Path) -> TrainingArguments:
    config, cuda = run.config, torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=config.batch_size,
        gradient_accumulation_steps=config.gradient_accumulation,
        activation_checkpointing=config.gradient_checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False},
        torch_compile=config.compile,
        full_determinism=config.deterministic,
        ddp_find_unused_parameters=config.freezes,
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=config.warmup_ratio,
        bf16=run.bfloat16,
        use_cpu=not cuda,
        dataloader_num_workers=2 if cuda else 0,
        dataloader_pin_memory=cuda,
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        logging_nan_inf_filter=False,
        metric_for_best_model=run.best_by,
        greater_is_better=True,
        report_to="none",
        seed=config.seed,
    )


def _epoch_metrics(prediction: EvalPrediction, run: Run) -> dict[str, float]:
    """The metrics of an epoch, by the names in `record.EPOCH_METRICS`."""
    logits, targets = prediction.predictions, prediction.label_ids
    if run.splits.train.scores is not None:
        predicted = Scale.of(run.splits.train.scores).restored(logits[:, 0])
        errors = measure_scores(targets, predicted, keep=0)
        # Validation holds two scores at least, so there is a share of their variance.
        return {"r2": errors.r2 or 0.0, "rmse": errors.rmse}
    metrics = measure_logits(logits, targets, run.base.labels)
    return {"accuracy": metrics.accuracy, "macro_f1": metrics.macro_f1}
