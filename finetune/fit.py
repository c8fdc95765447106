"""The epochs themselves: the Trainer, its arguments, and the rows as it takes them."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import (
    DataCollatorWithPadding,
    EvalPrediction,
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainingArguments,
)

from finetune.evaluate import encode, targets
from finetune.events import EventLog, Events
from finetune.freezing import Thawing
from finetune.losses import training_loss
from finetune.metrics import measure_logits
from finetune.optimizer import build_optimizer
from finetune.output import EPOCHS
from finetune.progress import EpochLines
from finetune.rows import Rows
from finetune.run import Run
from finetune.stopping import Patience

BEST_BY = "macro_f1"
"""The best epoch has the highest macro F1: accuracy would let a model ignore a rare class."""

Say = Callable[[str], None]


def fit(run: Run, work: Path, say: Say) -> tuple[Trainer, float]:
    """The trainer after its last epoch, the best weights loaded, and the seconds it took."""
    log = EventLog(Events(work), run.config.batch_size)
    trainer = Trainer(
        model=run.base.model,
        args=_arguments(run, work / EPOCHS),
        train_dataset=_tokenised(run, run.splits.train),
        eval_dataset=_tokenised(run, run.splits.validation),
        processing_class=run.base.tokenizer,
        data_collator=DataCollatorWithPadding(run.base.tokenizer, pad_to_multiple_of=8),
        compute_loss_func=log.watched(
            training_loss(run.config, run.splits.train, run.splits.labels)
        ),
        compute_metrics=lambda prediction: _epoch_metrics(prediction, run.base.labels),
        optimizers=(build_optimizer(run.base.model, run.config), None),
    )
    for raw_logs in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(raw_logs)
    lines = EpochLines(say)
    trainer.add_callback(lines)
    trainer.add_callback(log)
    if run.config.freezes:
        trainer.add_callback(Thawing(run.base.model, run.config))
    if run.config.patience:
        trainer.add_callback(Patience(run.config.patience, BEST_BY))
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
