"""Further pre-training: the base model's own task, hidden words, on the texts of the data set.

A first stage for texts unlike those the base has read (Gururangan et al. 2020, Don't Stop
Pretraining; Sun et al. 2019, section 5.3). It has snapshots of its own and is resumed like a run.
"""

import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerFast

from finetune.checkpoint.models import load_masked
from finetune.checkpoint.run_files import CHECKPOINTS
from finetune.errors import ModelError
from finetune.run import processes
from finetune.run.event_schema import PRETRAINING
from finetune.run.events import Events, StepLog
from finetune.run.progress import EpochLines
from finetune.run.snapshot_folders import Snapshots
from finetune.training.batches import TokenBatches
from finetune.training.fit import (
    Say,
    held_out_rows,
    last_step,
    run_epochs,
    texts_of_step,
    token_batches,
    training_arguments,
)
from finetune.training.optimizer import build_optimizer, rate_by_width
from finetune.training.prepared_run import PreparedRun
from finetune.training.tokenized_rows import tokenized, windows_as_rows
from finetune.training.trainer import SnapshotTrainer, seconds_until

FOLDER = "pretraining"
MASKED_SHARE = 0.15
"""Tokens to be guessed, as in Devlin et al. 2019; 80% of them are hidden, 10% exchanged."""


def pretrain(run: PreparedRun, work: Path, events: Events, say: Say) -> None:
    """Train on hidden words, and give what the encoder learned to the classifier of *run*."""
    if run.base.tokenizer.mask_token is None:
        raise ModelError(
            f"the tokenizer of {run.config.shown_base!r} has no token that hides a word; leave out"
            " --pretrain-epochs"
        )
    snapshots = Snapshots(work / CHECKPOINTS / FOLDER)
    trainer, step = _trainer(run, snapshots), last_step(snapshots, say)
    if processes.is_first():
        texts = texts_of_step(run.config, trainer.train_dataset, trainer.batches)
        trainer.add_callback(StepLog(events, texts, PRETRAINING))
    lines = EpochLines(say, "Pre-training epoch")
    run_epochs(trainer, step, events, lines, save_minutes=run.config.save_minutes)
    learned = trainer.model.base_model.state_dict()
    run.base.model.base_model.load_state_dict(learned, strict=False)


def seconds_spent(work: Path) -> float:
    """How long this stage took in the run of *work*; 0 where it had none."""
    snapshots = Snapshots(work / CHECKPOINTS / FOLDER)
    steps = snapshots.steps()
    return seconds_until(snapshots.path(steps[-1])) if steps else 0.0


def _trainer(run: PreparedRun, snapshots: Snapshots) -> SnapshotTrainer:
    rows = windows_as_rows(tokenized(run.base, run.splits.train, max_length=run.max_length))
    batches, model = token_batches(run.config, rows), load_masked(run.config.model)
    # All weights learn here, whatever learns later, so the rate is not that of the run.
    settings = replace(run.config, learning_rate=rate_by_width(model))
    return SnapshotTrainer(
        batches=batches,
        by_text=False,
        snapshots=snapshots,
        model=model,
        args=training_arguments(
            run,
            snapshots.folder,
            num_train_epochs=run.config.pretrain_epochs,
            metric_for_best_model="loss",
            greater_is_better=False,
            learning_rate=settings.rate,
        ),
        train_dataset=rows,
        eval_dataset=windows_as_rows(held_out_rows(run)),
        processing_class=run.base.tokenizer,
        data_collator=MaskedLanguageCollator(run.base.tokenizer, run.config.seed, batches),
        eval_collator=MaskedLanguageCollator(run.base.tokenizer, run.config.seed),
        compute_loss_func=masked_lm_loss,
        optimizers=(build_optimizer(model, settings), None),
    )


class MaskedLanguageCollator:
    """Batches with hidden words: the same ones for the same texts in the same epoch of *batches*.

    They depend on nothing drawn before, so that a resumed run hides what it would have hidden.
    Without *batches* they are always the same, so that epochs can be compared.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerFast, seed: int, batches: TokenBatches | None = None
    ) -> None:
        self.hide = DataCollatorForLanguageModeling(tokenizer, mlm_probability=MASKED_SHARE)
        self.batches, self.seed = batches, seed

    def __call__(self, rows: list[dict[str, Any]]) -> Any:
        """The padded batch, with the tokens to guess as `labels`, -100 elsewhere.  (B, L)"""
        epoch = None if self.batches is None else self.batches.epoch
        seed_text = repr((self.seed, epoch, [row["input_ids"] for row in rows]))
        self.hide.generator = torch.Generator().manual_seed(zlib.crc32(seed_text.encode()))
        return self.hide(rows)


def masked_lm_loss(
    outputs: Any, labels: Tensor, num_items_in_batch: Tensor | int | None = None
) -> Tensor:
    """Cross-entropy of the hidden tokens: their sum over *num_items_in_batch*, else their mean.

    A batch that hides nothing has a loss of 0.
    """
    logits, hidden = outputs["logits"], labels != -100
    total = functional.cross_entropy(logits[hidden].float(), labels[hidden], reduction="sum")
    items = hidden.sum() if num_items_in_batch is None else torch.as_tensor(num_items_in_batch)
    return total / items.clamp(min=1)
