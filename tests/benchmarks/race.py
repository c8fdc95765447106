"""One training, run by `finetune` and by the recipe that everybody writes, each under a clock."""

import random
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import Any
from unittest.mock import patch

import torch
from datasets import Dataset
from transformers import (
    AutoModelForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    PrinterCallback,
    Trainer,
    TrainingArguments,
    set_seed,
)

from finetune.checkpoint.models import DEFAULT_MAX_LENGTH, Checkpoint
from finetune.data.rows import Rows
from finetune.data.splits import Splits
from finetune.evaluation.evaluate import predict_rows
from finetune.run.config import TrainConfig
from finetune.training import fit
from finetune.training.train import train
from finetune.training.trainer import SnapshotTrainer
from tests.benchmarks.clock import Clock, Exam

WARM_UP = 2
"""Steps before those that are counted, where a run is not whole."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Race:
    """What is trained, and how; `config` reads texts of up to LONGEST tokens.

    The peers take the optimizer and the schedule that `config` asks for from TrainingArguments,
    and 32 texts a step in random order.
    """

    config: TrainConfig
    splits: Splits
    tokenizer: PreTrainedTokenizerFast
    every: int
    """Steps from one exam on the way to the next."""

    def ours(self) -> Clock:
        """The run of `finetune`, whose Trainer is handed the clock."""
        clock = Clock(self._exam(DEFAULT_MAX_LENGTH), every=self.every)
        with patch.object(fit, "SnapshotTrainer", partial(SnapshotTrainer, callbacks=[clock])):
            train(self.config, say=lambda line: None)
        return clock

    def peer(self, longest: int) -> Clock:
        """The run of the Trainer with every text padded, or cut, to *longest* tokens."""
        clock = Clock(self._exam(longest), every=self.every)
        self._train(longest, clock)
        return clock

    def fair_peer(self, *, bfloat16: bool) -> Clock:
        """The run of the Trainer as a good user sets it up: texts of like length, padded together.

        In its own batches of as many texts, in float32 or in the bfloat16 of autocast.
        """
        longest = DEFAULT_MAX_LENGTH
        clock = Clock(self._exam(longest), every=self.every)
        self._train(
            longest,
            clock,
            dynamic=True,
            bf16=bfloat16,
            train_sampling_strategy="group_by_length",
        )
        return clock

    def lengths(self) -> list[int]:
        """Tokens of each training text."""
        return [len(ids) for ids in self._read(max_length=DEFAULT_MAX_LENGTH)["input_ids"]]

    def start_of_peer(self, longest: int, *, steps: int, seconds: float) -> Clock:
        """So many *steps* of that run after some to warm up, or as many as begin in *seconds*."""
        clock = Clock(warm_up=WARM_UP, limit=seconds)
        # Each step that is counted has as many texts.
        self._train(longest, clock, max_steps=WARM_UP + steps, dataloader_drop_last=True)
        return clock

    def tokens(self) -> float:
        """Tokens of a training text, on average."""
        return fmean(self.lengths())

    def _exam(self, longest: int) -> Exam:
        """The validation rows in random order, cut at *longest* tokens."""
        rows = self.splits.validation
        order = random.Random(self.config.seed).sample(range(len(rows)), len(rows))
        rows = rows.select(order)
        return partial(_share_right, self.tokenizer, self.splits.labels, rows, longest)

    def _train(self, longest: int, clock: Clock, *, dynamic: bool = False, **more: Any) -> None:
        set_seed(self.config.seed)
        model = AutoModelForSequenceClassification.from_pretrained(
            self.config.model, num_labels=len(self.splits.labels), dtype=torch.float32
        )
        trainer = Trainer(
            model=model,
            args=self._arguments(**more),
            train_dataset=self._rows(longest, padding=False if dynamic else "max_length"),
            # With a tokenizer, the Trainer pads each batch to its longest text.
            processing_class=self.tokenizer if dynamic else None,
            callbacks=[clock],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()

    def _arguments(self, **more: Any) -> TrainingArguments:
        config, cuda = self.config, torch.cuda.is_available()
        return TrainingArguments(
            output_dir=str(config.output),
            num_train_epochs=config.epochs,
            per_device_train_batch_size=config.batch_size,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
            lr_scheduler_type="linear",
            warmup_steps=config.warmup_ratio,
            seed=config.seed,
            use_cpu=not cuda,
            dataloader_pin_memory=cuda,
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            report_to="none",
            **more,
        )

    def _rows(self, longest: int, *, padding: str | bool) -> Dataset:
        rows, labels = self.splits.train, self.splits.labels
        read = self._read(padding=padding, max_length=longest)
        return Dataset.from_dict(read | {"labels": [labels.index(name) for (name,) in rows.labels]})

    def _read(self, **how: Any) -> dict[str, list[list[int]]]:
        rows = self.splits.train
        pairs = None if rows.pairs is None else list(rows.pairs)
        return dict(self.tokenizer(list(rows.texts), pairs, truncation=True, **how))


def _share_right(
    tokenizer: PreTrainedTokenizerFast,
    labels: tuple[str, ...],
    rows: Rows,
    longest: int,
    model: PreTrainedModel,
    most: int | None,
) -> float:
    checkpoint = Checkpoint(model=model, tokenizer=tokenizer, labels=labels)
    rows = rows.select(range(len(rows))[:most])
    scores = predict_rows(checkpoint, rows, batch_size=64, max_length=longest)
    return float((scores.logits.argmax(axis=1) == scores.targets).mean())
