"""The Hugging Face Trainer with batches by tokens, and with snapshots to go on from."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import EIO
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from accelerate.data_loader import prepare_data_loader
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import Trainer, TrainerState

from finetune.checkpoint.models import load_weights, save_tokenizer
from finetune.checkpoint.score_scale import ScoreScale
from finetune.checkpoint.windows import Pooling
from finetune.errors import ModelError, SnapshotError
from finetune.run import processes
from finetune.run.snapshot_folders import Snapshots
from finetune.training.batches import TokenBatches
from finetune.training.dropout import share_draws
from finetune.training.family_errors import family_errors
from finetune.training.plain_weights import are_plain, plain_weights
from finetune.training.sharding import (
    is_sharded,
    load_optimizer,
    save_optimizer,
    take_weights,
    whole_optimizer_state,
    whole_weights,
)
from finetune.training.windows import OWNERS, pooled_model

Whole = tuple[dict[str, Tensor], dict[str, Any]]
"""Weights and the optimizer's state, of a model that is kept in parts."""
LEARNING_WEIGHTS, STATE_FILE = "learning.safetensors", "trainer_state.json"


class SnapshotTrainer(Trainer):  # type: ignore[misc]
    """Trains on token batches, and from a snapshot as if it had never stopped.

    Args:
        batches: The rows of each training batch.
        snapshots: Where the state of the run is kept.
        by_text: Whether every text weighs alike, however long or short those of its step are; else
            every label does.
        eval_collator: Makes the batches that are measured, where not as those of training.
        scale: Of the scores, where rows have scores: snapshots give them in their own unit.
        pooling: How logits of windows become those of texts, where batches are of windows.
        settings: What the Trainer takes.
    """

    def __init__(
        self,
        *,
        batches: TokenBatches,
        snapshots: Snapshots,
        by_text: bool = True,
        eval_collator: Callable[[list[Any]], Any] | None = None,
        scale: ScoreScale | None = None,
        pooling: Pooling | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.batches, self.snapshots, self.by_text = batches, snapshots, by_text
        self.eval_collator, self.scale, self.pooling = eval_collator, scale, pooling
        self.before_clipping: Callable[[TrainerState], None] | None = None
        self.before: dict[str, Any] = {}
        self.started = time.monotonic()
        if self.args.use_cpu and not self.args.torch_compile:
            share_draws(self.model)
        if is_sharded(self.model):
            # The Trainer leaves a model alone that it takes for one that transformers has sharded.
            self.is_distributed_loading_by_transformers = True

    @property
    def seconds(self) -> float:
        """How long the run took so far, that of stopped processes included."""
        return float(self.before.get("seconds", 0)) + time.monotonic() - self.started

    @property
    def best_step(self) -> int:
        """The last step of the best epoch so far; 0 before there is one."""
        return self.state.best_global_step or 0

    def fit(self, step: int | None = None) -> None:
        """Train, from the snapshot of *step* where one is given, and take the best weights."""
        if step is None:
            self.train()
        else:
            self._go_on(self.snapshots.path(step))
        processes.wait()
        self._take_weights(self.snapshots.path(self.best_step))

    def take_snapshot(self) -> None:
        """Keep all that the run needs to go on after this step: the last two, and the best."""
        step = self.state.global_step
        whole = self._put_together()
        if processes.is_first():
            with self.snapshots.writing(step) as folder:
                processes.wait()
                self._write_own(folder)
                self._write_shared(folder, whole)
                processes.wait()
            # Later ones are those that were passed over when the run was resumed.
            last = [earlier for earlier in self.snapshots.steps() if earlier <= step][-2:]
            self.snapshots.keep({*last, self.best_step})
        else:
            processes.wait()
            self._write_own(self.snapshots.partial_path(step))
            processes.wait()

    def restore_loss(self) -> None:
        """Give back the loss summed up since the last epoch, which the Trainer forgets."""
        if self.before:
            self._tr_loss.fill_(self.before["loss"])
            self._globalstep_last_logged = self.before["logged"]

    def get_train_dataloader(self) -> Any:
        """The training rows of this process, batch by batch."""
        loader = DataLoader(
            self._remove_unused_columns(self.train_dataset, description="Training"),
            batch_sampler=self.batches,
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
            pin_memory=self.args.dataloader_pin_memory,
        )
        # The batches are those of this process already: accelerate has none to deal out.
        return prepare_data_loader(
            loader,
            self.args.device,
            num_processes=1,
            process_index=0,
            put_on_device=True,
            non_blocking=self.args.dataloader_pin_memory,
        )

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        """The rows to measure, batch by batch."""
        own: Any = self.data_collator
        self.data_collator: Any = self.eval_collator or own
        try:
            return super().get_eval_dataloader(eval_dataset)
        finally:
            self.data_collator = own

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[Any], Any]:
        """The batches of a step, and what divides its loss: the rows (or decisions) of a mean step.

        So every text weighs alike; divided by the number of its own rows, a step of few long texts
        would count each of them more than a step of many short ones does.
        """
        if not self.by_text:
            default: tuple[list[Any], Any] = super().get_batch_samples(
                epoch_iterator, num_batches, device
            )
            return default
        samples = list(islice(epoch_iterator, num_batches))
        batches = len(self.batches) * self.batches.processes
        per_step = self.args.gradient_accumulation_steps * self.batches.processes
        decisions = samples[0]["labels"][0].numel() if samples else 1
        rows = len(self.train_dataset) / batches * per_step
        # A plain number: a GPU need not be waited for.
        return samples, rows * decisions

    def compute_loss(self, model: nn.Module, inputs: Any, *more: Any, **options: Any) -> Any:
        """The loss of a batch; a family that can't read it is refused in a sentence."""
        if self.pooling is not None and OWNERS in inputs:
            model, inputs = pooled_model(
                model,
                inputs,
                pooling=self.pooling,
                side=self.processing_class.padding_side,
                batch_size=self.args.per_device_eval_batch_size,
            )
        with family_errors(self.model):
            return super().compute_loss(model, inputs, *more, **options)

    def prediction_step(self, *inputs: Any, **options: Any) -> Any:
        """Loss, logits and labels of a batch; what else a model gives (hidden states) is let go."""
        loss, logits, labels = super().prediction_step(*inputs, **options)
        return loss, logits[0] if isinstance(logits, tuple) else logits, labels

    def log(self, logs: dict[str, float], *more: Any) -> None:
        """Note numbers of the epoch; its loss is that of a text.

        The Trainer takes the mean of the steps, of which the last may have fewer batches.
        """
        if self.by_text and "loss" in logs:
            whole = self.batches.steps(self.args.gradient_accumulation_steps)
            logs["loss"] *= whole * self.args.gradient_accumulation_steps / len(self.batches)
        super().log(logs, *more)

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> Any:
        """What divides the loss of a measured batch; None where it is the number of its labels.

        The Trainer leaves out labels of -100, which mark tokens that need not be guessed; but a
        text may have that score.
        """
        return None if self.by_text else super()._get_num_items_in_batch(batch_samples, device)

    def _clip_grad_norm(self, model: nn.Module) -> Any:
        """Clip the gradients of a step, all of its batches and processes in them."""
        if self.before_clipping is not None:
            self.before_clipping(self.state)
        return super()._clip_grad_norm(model)

    def _determine_best_metric(self, metrics: dict[str, float], trial: Any) -> bool:
        """Whether this epoch is the best; of those with the same metric, the surest one is.

        Few validation rows are soon all right, long before the model has learned what it can.
        """
        state, name = self.state, f"eval_{self.args.metric_for_best_model}"
        measured = {entry["step"]: entry for entry in state.log_history if "eval_loss" in entry}
        best = measured.get(state.best_global_step)
        if super()._determine_best_metric(metrics, trial):
            return True
        if best is None or metrics[name] < best[name] or metrics["eval_loss"] >= best["eval_loss"]:
            return False
        state.best_global_step = state.global_step
        return True

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        self.take_snapshot()

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        self._take_weights(Path(resume_from_checkpoint))

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None or not is_sharded(self.model):
            super()._load_optimizer_and_scheduler(checkpoint)
        else:
            optimizer = self.optimizer.optimizer
            load_optimizer(self.model, optimizer, self.lr_scheduler, Path(checkpoint))

    @contextmanager
    def _defer_fsdp_gradient_reduction(self) -> Iterator[None]:
        """Add up the gradients of a step here, and those of all processes at its end."""
        self.model.set_requires_gradient_sync(False)
        try:
            yield
        finally:
            self.model.set_requires_gradient_sync(True)

    def _go_on(self, folder: Path) -> None:
        self.before = _own_progress(folder)
        if self.before["over"]:
            self.state = TrainerState.load_from_json(str(folder / STATE_FILE))
        else:
            self.train(resume_from_checkpoint=str(folder))

    def _write_own(self, folder: Path) -> None:
        """What differs between processes."""
        with _torch_writes():
            self._save_rng_state(str(folder))
        progress = {
            "loss": float(self._tr_loss),
            "logged": self._globalstep_last_logged,
            "over": self.control.should_training_stop,
            "seconds": round(self.seconds, 1),
        }
        (folder / _own_name()).write_text(json.dumps(progress), encoding="utf-8")

    def _put_together(self) -> Whole | None:
        """Weights and the optimizer's state of a model in parts; None where it is in one piece."""
        if not is_sharded(self.model):
            return None
        weights = whole_weights(self.model)
        return weights, whole_optimizer_state(self.model, self.optimizer.optimizer)

    def _write_shared(self, folder: Path, whole: Whole | None) -> None:
        """Weights that open as a classifier, and the states of optimizer, schedule and Trainer."""
        weights, optimizer = whole or (None, None)
        plain = plain_weights(self.model, self.scale, weights)
        self.model.save_pretrained(folder, state_dict=plain)
        if not are_plain(self.model, self.scale):
            # Copies, as tied weights (and views of one tensor) share memory, which no file may.
            own = self.model.state_dict() if weights is None else weights
            learning = {name: each.clone() for name, each in own.items()}
            save_file(learning, folder / LEARNING_WEIGHTS)
        save_tokenizer(self.processing_class, folder)
        with _torch_writes():
            if optimizer is None:
                self._save_optimizer_and_scheduler(str(folder))
            else:
                save_optimizer(optimizer, self.lr_scheduler.state_dict(), folder)
        self.state.save_to_json(str(folder / STATE_FILE))

    def _take_weights(self, folder: Path) -> None:
        own = folder / LEARNING_WEIGHTS
        try:
            weights = load_file(own) if own.is_file() else load_weights(folder, self.model)
            if is_sharded(self.model):
                take_weights(self.model, weights)
            else:
                self.model.load_state_dict(weights)
        except (ModelError, RuntimeError) as error:
            raise SnapshotError(
                f"the weights in {folder.name} don't fit the base model; has it changed since the"
                " run began?"
            ) from error


@contextmanager
def _torch_writes() -> Iterator[None]:
    """What torch raises where it can't write a file, as what it is."""
    try:
        yield
    except RuntimeError as error:
        raise OSError(EIO, "a file can't be written; is the disk full?") from error


def best_steps(folder: Path) -> list[int]:
    """The last step of the best epoch before the snapshot in *folder*, which it needs, if any."""
    state = TrainerState.load_from_json(str(folder / STATE_FILE))
    return [state.best_global_step] if state.best_global_step else []


def seconds_until(folder: Path) -> float:
    """How long the run had taken when the snapshot in *folder* was made."""
    return float(_own_progress(folder)["seconds"])


def _own_progress(folder: Path) -> dict[str, Any]:
    progress: dict[str, Any] = json.loads((folder / _own_name()).read_text(encoding="utf-8"))
    return progress


def _own_name() -> str:
    return f"progress-{processes.rank()}.json"
