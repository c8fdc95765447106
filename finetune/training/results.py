"""What a run comes to: its weights on disk, how good they are, and the record of it all."""

import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import datasets
import torch
import transformers
from torch import Tensor

from finetune.checkpoint.models import Checkpoint, load_checkpoint, save_tokenizer
from finetune.checkpoint.score_scale import ScoreScale, output_layer
from finetune.evaluation.evaluate import count_truncated
from finetune.evaluation.quality import Quality, assess, draw_plots
from finetune.evaluation.report.best_effort import best_effort
from finetune.evaluation.report.card import write_card
from finetune.run.progress import best_point, epoch_curve
from finetune.run.record import RunRecord, ScoreRange, SplitRecord
from finetune.training.plain_weights import plain_weights
from finetune.training.prepared_run import PreparedRun
from finetune.training.saved_adapter import adapter_weights, save_adapter
from finetune.training.trainer import SnapshotTrainer

Say = Callable[[str], None]


def save_weights(run: PreparedRun, work: Path) -> Checkpoint:
    """Write model or adapter and the tokenizer, and read them back as anybody would."""
    model, config = run.base.model.cpu(), run.config
    keeps_adapter = config.save == "adapter"
    weights = (adapter_weights if keeps_adapter else plain_weights)(model, run.scale)
    weights = in_format(run, weights, getattr(torch, config.save_dtype))
    for name, tensor in weights.items():
        if not tensor.isfinite().all():
            raise OverflowError(
                f"weights of {name!r} are too large for --save-dtype {config.save_dtype};"
                " take float32"
            )
    if keeps_adapter:
        save_adapter(model, weights, work, config.model)
    else:
        model.save_pretrained(work, state_dict=weights)
    save_tokenizer(run.base.tokenizer, work)
    return load_checkpoint(str(work))


def in_format(
    run: PreparedRun, weights: Mapping[str, Tensor], dtype: torch.dtype
) -> dict[str, Tensor]:
    """The *weights* in the number format of the file.

    The layer that gives scores stays in float32, as theirs may be large numbers close together.
    """
    model = run.base.model
    whole = set(output_layer(model).parameters()) if run.base.regression else set()
    float32_names = {name for name, weight in model.named_parameters() if weight in whole}
    return {
        name: tensor.to(dtype)
        if tensor.is_floating_point() and name not in float32_names
        else tensor
        for name, tensor in weights.items()
    }


def assess_run(run: PreparedRun, saved: Checkpoint, work: Path, say: Say) -> Quality:
    """Measure the saved weights on validation and test, beside the baselines."""
    return assess(
        saved,
        run.splits,
        work,
        batch_size=run.config.batch_size,
        max_length=run.max_length,
        baseline=run.config.baseline,
        say=say,
    )


def write_card_and_plots(record: RunRecord, folder: Path, say: Say) -> None:
    """Write the pictures and the model card; *say* hears of each one that can't be made."""
    draw_plots(record, folder, say)
    best_effort("the model card README.md", lambda: write_card(record, folder), say)


def build_record(
    run: PreparedRun,
    trainer: SnapshotTrainer,
    saved: Checkpoint,
    quality: Quality,
    *,
    before: float,
) -> RunRecord:
    """Everything that is known of the run, with no path of this machine.

    Args:
        run: What was trained.
        trainer: With the curve of the epochs.
        saved: What was saved, read back.
        quality: How good that is.
        before: Seconds that further pre-training took.
    """
    config, splits, seconds = run.config, run.splits, trainer.seconds
    epochs = epoch_curve(trainer.state.log_history)
    return RunRecord(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=config.command(),
        base=config.shown_base,
        labels=splits.labels,
        problem_type=saved.problem_type,
        data_name=config.data_name or ", ".join(config.shown_data),
        data_terms=config.data_terms,
        settings=config.settings(),
        splits=_split_records(run),
        validation_origin=splits.validation_origin,
        notes=splits.notes,
        check=run.check.warnings(truncated=False),
        parameters=count_parameters(saved),
        max_length=run.max_length,
        precision=run.precision.precision,
        precision_reason=run.precision.reason,
        device=_device(),
        versions=_versions(),
        seconds=round(before + seconds, 1),
        texts_per_second=round(len(splits.train) * len(epochs) / seconds, 1),
        epochs=epochs,
        best_epoch=best_point(epochs, run.best_by).epoch,
        validation=quality.validation,
        test=quality.test,
        calibration=quality.calibration,
        baselines=quality.baselines,
    )


def _split_records(run: PreparedRun) -> dict[str, SplitRecord]:
    return {
        name: SplitRecord(
            rows=len(rows),
            class_counts={} if rows.regression else rows.counts(run.splits.labels),
            scores=None if rows.scores is None else _range(rows.scores),
            fingerprint=rows.fingerprint(),
            truncated=count_truncated(run.base, rows, max_length=run.max_length),
        )
        for name, rows in run.splits.by_role().items()
    }


def _range(scores: Sequence[float]) -> ScoreRange:
    scale = ScoreScale.of(scores)
    return ScoreRange(
        mean=scale.mean, deviation=scale.deviation, lowest=min(scores), highest=max(scores)
    )


def _device() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"CPU, {torch.get_num_threads()} threads"


def _versions() -> dict[str, str]:
    modules = {"torch": torch, "transformers": transformers, "datasets": datasets}
    versions = {name: module.__version__ for name, module in modules.items()}
    return {"python": platform.python_version()} | versions


def count_parameters(checkpoint: Checkpoint) -> int:
    """How many weights the model has."""
    return sum(weights.numel() for weights in checkpoint.model.parameters())
